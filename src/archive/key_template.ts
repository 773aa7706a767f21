import type { Getter } from '../ottl/compiler.ts'
import { Fault, OttlError } from '../ottl/errors.ts'
import { parseValue } from '../ottl/statements.ts'
import { type Value, type View, valueText } from '../ottl/values.ts'
import {
  absent,
  keyBytes,
  nameBytes,
  numberPlace,
  storableLevels,
  valueInKey,
  withoutNumbers
} from './key_text.ts'
import { compileStrftime } from './strftime.ts'

/** The way from the prefix to an object, made of text, of times and of what stands in records. */
export interface KeyTemplate {
  /** The key has the object's number in it: no two objects have the same. */
  readonly isNumbered: boolean
  /** Its folders without what comes from records: strftime directives that say where a record belongs. */
  readonly folderFormat: string
  /** Of the record in view, at this time; with `numberPlace` where the number goes. */
  key(view: View, at: number): string
}

/** `{number}`, a path or another OTTL value in braces, or text with strftime directives. */
type Piece = { readonly format: string } | 'number' | Getter<Value>

/** The prefix and what `late_` needs of a key. */
const reserved = 400
const numberBytes = 29
const lateBytes = 5
const leastValueBytes = 24
const mostValueBytes = 200

/** Throws an Error that says what is wrong, and where. */
export function compileKeyTemplate(template: string, zone: string | undefined): KeyTemplate {
  const pieces = piecesOf(template)
  const texts = pieces.map((piece) =>
    isText(piece) ? inSeconds(compileStrftime(piece.format, zone, 'key_template')) : undefined
  )
  const valueBytes = shareOf(pieces, texts, template)
  refuseLevels(pieces, texts)
  const part = (index: number, view: View, at: number) => {
    const piece = pieces[index]!
    if (piece === 'number') return numberPlace
    if (isText(piece)) return texts[index]!(at)
    return valueInKey(textFor(piece, view), valueBytes)
  }
  return {
    isNumbered: pieces.includes('number'),
    folderFormat: pieces
      .slice(0, fileStart(pieces))
      .map((piece) => (isText(piece) ? piece.format : ''))
      .join(''),
    key: (view, at) => {
      let key = ''
      for (let index = 0; index < pieces.length; index++) key += part(index, view, at)
      return withoutNumbers(storableLevels(key))
    }
  }
}

function isText(piece: Piece): piece is { readonly format: string } {
  return typeof piece === 'object'
}

/** What a record does not have, and what cannot be worked out from it, has one defined text. */
function textFor(value: Getter<Value>, view: View): string {
  try {
    return valueText(value(view))
  } catch (error) {
    if (error instanceof Fault) return absent
    throw error
  }
}

function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = []
  const add = (text: string) => {
    const last = pieces.at(-1)
    if (last !== undefined && isText(last))
      pieces[pieces.length - 1] = { format: last.format + text }
    else pieces.push({ format: text })
  }
  const parts = /\{\{|\}\}|\{((?:"(?:\\.|[^"\\])*"|[^"{}])*)\}|[{}]|[^{}]+/gs
  for (const { 0: part, 1: inner, index } of template.matchAll(parts)) {
    if (inner?.trim() === 'number') pieces.push('number')
    else if (inner !== undefined) pieces.push(getterOf(inner, template, index + 1))
    else if (part === '{' || part === '}')
      throw new Error(`a ${part} without its other half${placeIn(template, index)}; {{ is a {`)
    else add(part === '{{' || part === '}}' ? part[0]! : part)
  }
  // Folders and file are pieces of their own: only the first say where a record belongs.
  return pieces.flatMap((piece) => (isText(piece) ? cutBehindSlash(piece.format) : [piece]))
}

function cutBehindSlash(format: string): Piece[] {
  const at = format.lastIndexOf('/') + 1
  return [format.slice(0, at), format.slice(at)]
    .filter((text) => text !== '')
    .map((text) => ({ format: text }))
}

/** Index of the first piece behind the last slash. */
function fileStart(pieces: readonly Piece[]): number {
  return pieces.findLastIndex((piece) => isText(piece) && piece.format.endsWith('/')) + 1
}

function getterOf(text: string, template: string, start: number): Getter<Value> {
  try {
    return parseValue(text, { context: 'log', implied: true })
  } catch (error) {
    if (!(error instanceof OttlError)) throw error
    throw new Error(`${error.message}${placeIn(template, start + error.at)}`)
  }
}

function placeIn(template: string, at: number): string {
  const near = template.slice(at, at + 40)
  return near === '' ? ', at its end' : `, at column ${at + 1}: ${near}`
}

/** Directives go down to the second, and a batch has few of those. */
function inSeconds(format: (at: Date) => string): (at: number) => string {
  const known = new Map<number, string>()
  return (at) => {
    const second = Math.floor(at / 1000)
    const text = known.get(second) ?? format(new Date(second * 1000))
    if (known.size >= 1000) known.clear()
    known.set(second, text)
    return text
  }
}

/** What a person writes is not mended, as data is. */
function refuseLevels(
  pieces: readonly Piece[],
  texts: readonly (((at: number) => string) | undefined)[]
) {
  const path = pieces.map((piece, index) => (isText(piece) ? texts[index]!(wordy) : 'x')).join('')
  const wrong = path.split('/').find((level) => level === '' || storableLevels(level) !== level)
  if (wrong === undefined) return
  throw new Error(
    `key_template has a level that cannot be stored: ${JSON.stringify(wrong)} in ${path}`
  )
}

/** A day whose names are the longest: Wednesday, 30 September. */
const wordy = Date.UTC(2026, 8, 30, 22, 22, 22)

/** Bytes that each value may take, so that no key and no level of it is longer than it may be. */
function shareOf(
  pieces: readonly Piece[],
  texts: readonly (((at: number) => string) | undefined)[],
  template: string
): number {
  const levels = [{ fixed: 0, values: 0 }]
  for (const [index, piece] of pieces.entries()) {
    if (piece === 'number') levels.at(-1)!.fixed += numberBytes
    else if (!isText(piece)) levels.at(-1)!.values++
    else {
      for (const [at, text] of texts[index]!(wordy).split('/').entries()) {
        if (at > 0) levels.push({ fixed: 0, values: 0 })
        levels.at(-1)!.fixed += Buffer.byteLength(text)
      }
    }
  }
  const fixed = levels.reduce((sum, level) => sum + level.fixed + 1, 0)
  const values = levels.reduce((sum, level) => sum + level.values, 0)
  // Without a value the length is what it is, and is looked at with the prefixes.
  if (values === 0) return mostValueBytes
  const whole = (keyBytes - reserved - lateBytes - fixed) / values
  const inLevel = levels
    .filter((level) => level.values > 0)
    .map((level) => (nameBytes - lateBytes - level.fixed) / level.values)
  const share = Math.floor(Math.min(mostValueBytes, whole, ...inLevel))
  if (share >= leastValueBytes) return share
  throw new Error(
    `key_template leaves each value ${Math.max(0, share)} bytes of the ${keyBytes} of a key and the ${nameBytes} of a level: make it shorter: ${template}`
  )
}
