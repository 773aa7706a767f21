import { createHash } from 'node:crypto'

/** Of a key, and of one level in a file system. */
export const keyBytes = 1024
export const nameBytes = 255

/** Stands in a key for the object's number until that is given. */
export const numberPlace = '\u0000'

/** What data has nothing for. */
export const absent = 'none'

/**
 * A value as part of one level: it adds no level (`/` and `:` become `_`, as LiteLLM does it) and no
 * more than so many bytes. Nothing is percent-encoded here: what sends the key does that, once.
 */
export function valueInKey(value: string, bytes: number): string {
  if (value === '') return absent
  return shortened(withoutControls(value).replace(/[\\/:]/g, '_'), bytes)
}

/**
 * A path made from data: below where it is put, out of `.auditcol/`, and storable. `folder/`, which
 * consoles put to show a folder, must not become an object in the way of what lies in it.
 */
export function pathInKey(path: string): string {
  const levels = withoutControls(path)
    .split('/')
    .filter((level) => level !== '')
    .map(storableLevel)
  return (path.endsWith('/') && levels.length > 0 ? [...levels, '_'] : levels).join('/')
}

/** The same levels, none of them one that leads elsewhere or that is reserved. */
export function storableLevels(path: string): string {
  return path.split('/').map(storableLevel).join('/')
}

function storableLevel(level: string): string {
  if (level === '.' || level === '..') return '_'.repeat(level.length)
  return level.replace(/^\.(auditcol|tmp)$/i, '_$1')
}

/** No level longer than `levelBytes`, and the whole no longer than `bytes`. */
export function fitted(path: string, bytes: number, levelBytes: number): string {
  const levels = path.split('/').map((level) => shortened(level, levelBytes))
  const file = levels.pop()!
  const folder = shortened(levels.join('/'), bytes - leastFileBytes - 1)
  if (folder === '') return shortened(file, bytes)
  return `${folder}/${shortened(file, bytes - Buffer.byteLength(folder) - 1)}`
}

/** What a long folder leaves for the name in it. */
const leastFileBytes = 128

/**
 * Numbers are ours alone: data that has one of the form `<lane id>-<number>` in it could take a key that
 * an object of this or another lane is still to get, and halt that lane (A6).
 */
export function withoutNumbers(text: string): string {
  return text.replace(/([0-9a-f]{16})-(?=[0-9]{12})/g, '$1_')
}

/**
 * As much of a name as there is room for, then the beginning of its hash, so that two that differ stay
 * two, then its extension.
 */
export function shortened(name: string, bytes: number): string {
  if (Buffer.byteLength(name) <= bytes) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12)
  const end = `~${hash}${/\.[A-Za-z0-9.]{1,20}$/.exec(name)?.[0] ?? ''}`
  return cut(name, bytes - end.length) + end
}

/** At most so many bytes, never in the middle of a character. */
export function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes))
  return text.slice(0, read)
}

function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, '_')
}
