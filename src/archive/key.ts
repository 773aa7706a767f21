import { posix } from 'node:path'
import { cut, keyBytes, nameBytes, numberPlace, withoutNumbers } from './key_text.ts'
import { compileStrftime } from './strftime.ts'
import { uuidv7 } from './uuidv7.ts'

export interface KeyOptions {
  readonly s3_base_prefix: string
  readonly s3_prefix: string
  readonly s3_partition_format: string
  readonly s3_partition_timezone?: string | undefined
  readonly file_prefix: string
  readonly unique_key_func_name: '' | 'uuidv7'
  /** As the marshaler says; empty for none. */
  readonly extension: string
  readonly compression: 'none' | 'gzip' | 'zstd'
  /** 16 hex digits, random from the lane's birth. */
  readonly laneId: string
}

export interface KeyParts {
  /** When the object was sealed; kept over all attempts. */
  readonly at: Date
  readonly number: number
  /** From a resource attribute, as the sender wrote it; replaces `s3_prefix`. */
  readonly prefix?: string | undefined
  /** In the place of the folder by the time of sealing. */
  readonly folder?: string | undefined
  /** All behind the prefix, with `numberPlace` where the number goes. */
  readonly key?: string | undefined
  /** The object comes after its folder was closed. */
  readonly isLate?: boolean
}

const suffixes = { none: '', gzip: '.gz', zstd: '.zst' }

/**
 * The Collector's keys, with `<lane id>-<number>` in the place of its nine random digits (A1): two
 * writers never meet, and a repeat has the same key. `uuidv7` adds the UUID before it instead of
 * replacing it (A6): a key without the number could not be told from a stranger's after a crash.
 */
export function keyLayout(options: KeyOptions): (parts: KeyParts) => string {
  const partition = compileStrftime(options.s3_partition_format, options.s3_partition_timezone)
  const ending = `${options.extension === '' ? '' : `.${options.extension}`}${suffixes[options.compression]}`
  const unique = options.unique_key_func_name === 'uuidv7'
  const named = (at: Date, folder = partition(at)) => {
    const uuid = unique ? `${uuidv7(at.getTime())}-` : ''
    return posix.join(folder, `${options.file_prefix}logs_${uuid}${numberPlace}${ending}`)
  }
  return ({ at, number, prefix, folder, key, isLate = false }) => {
    const levels = (prefix === undefined ? '' : sanitized(prefix)) || options.s3_prefix
    const whole = key === undefined ? named(at, folder) : `${key}${suffixes[options.compression]}`
    const path = posix.join(options.s3_base_prefix, levels, isLate ? late(whole) : whole)
    const known = key === undefined ? path : withoutNumbers(path)
    return known.replaceAll(numberPlace, numberOf(options.laneId, number))
  }
}

/** The same folder, and a name that tells who has read the folder what was added since. */
function late(key: string): string {
  const file = key.lastIndexOf('/') + 1
  return `${key.slice(0, file)}late_${key.slice(file)}`
}

/** Whether a key cannot be that of another object of ours. */
export function hasNumber(key: string, laneId: string, number: number): boolean {
  return key.includes(numberOf(laneId, number))
}

/** A key that was taken, with the object's number in it (A6): before the extension, and no longer than a key may be. */
export function withNumber(key: string, laneId: string, number: number): string {
  const file = key.lastIndexOf('/') + 1
  const dot = key.indexOf('.', file + 1)
  const end = `-${numberOf(laneId, number)}${dot < 0 ? '' : cut(key.slice(dot), 40)}`
  const stem = cut(key.slice(file, dot < 0 ? undefined : dot), nameBytes - Buffer.byteLength(end))
  return `${cut(key.slice(0, file) + stem, keyBytes - Buffer.byteLength(end))}${end}`
}

/** Zeros in front, so that keys of one folder sort as their numbers do. */
function numberOf(laneId: string, number: number): string {
  return `${laneId}-${String(number).padStart(12, '0')}`
}

/** What is wrong with the configured parts together; each alone is known to be right. */
export function keyProblem(
  options: KeyOptions,
  directory: boolean,
  sample: Pick<KeyParts, 'key' | 'isLate'> = {}
): string | undefined {
  const key = keyLayout(options)({ at: new Date(0), number: 1, ...sample })
  if (directory && /^\/|^\.tmp\//.test(key)) return `a directory cannot hold this key: ${key}`
  if (key.startsWith('../')) return `the prefixes lead above the bucket: ${key}`
  if (key.split('/').includes('.auditcol')) return `the folder .auditcol is reserved: ${key}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(key) || !key.isWellFormed())
    return `a key of control characters or half a character cannot be stored: ${JSON.stringify(key)}`
  const long = directory && key.split('/').find((level) => Buffer.byteLength(level) > nameBytes)
  if (long) return `a directory cannot hold a name longer than ${nameBytes} bytes: ${long}`
  const most = keyBytes - prefixBytes
  return Buffer.byteLength(key) > most ? `the key is longer than ${most} bytes: ${key}` : undefined
}

const levelBytes = 200
const prefixBytes = 400

/**
 * A prefix made from data stays below the base prefix, out of `.auditcol/` and within the 1,024
 * bytes of a key (255 a level in a directory). What is cut or replaced is never needed to tell two
 * objects apart: the number does that.
 */
function sanitized(prefix: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = prefix.toWellFormed().replace(/[\u0000-\u001f\u007f\\]/g, '_')
  // A cut can end in a name that is not allowed: `.auditcolx`, `..x`.
  return allowedLevels(cut(allowedLevels(text), prefixBytes))
}

function allowedLevels(path: string): string {
  return path
    .split('/')
    .filter((level) => level !== '' && level !== '.' && level !== '..')
    .map((level) => cut(level, levelBytes).replace(/^\.(auditcol|tmp)$/, '_$1'))
    .join('/')
}
