import { InvalidLogs } from './check.ts'
import { jsonPlaceOf } from './json_place.ts'
import { reserve, type Writer } from './wire.ts'

/*
 * JSON (RFC 8259) read from bytes that are valid UTF-8, strictly: what JSON.parse refuses is
 * refused. JSON.parse itself is not used, for it makes an object per attribute, takes the digits
 * off 64-bit numbers, and hides duplicate keys.
 */

export interface JsonReader {
  readonly bytes: Uint8Array
  at: number
}

export const quote = 0x22
export const comma = 0x2c
export const minus = 0x2d
export const colon = 0x3a
export const openList = 0x5b
export const backslash = 0x5c
export const closeList = 0x5d
export const letterF = 0x66
export const letterN = 0x6e
export const letterT = 0x74
export const open = 0x7b
export const close = 0x7d

/** Arrays and objects in a value that OTLP does not know. */
const skipDepthLimit = 100

/** The next byte that is no white space, which stays unread; -1 at the end. Small, so that V8 inlines it. */
export function peek(json: JsonReader): number {
  const { bytes, at } = json
  return at < bytes.length && bytes[at]! > 0x20 ? bytes[at]! : peekFarther(json)
}

function peekFarther(json: JsonReader): number {
  const { bytes } = json
  while (json.at < bytes.length) {
    const byte = bytes[json.at]!
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
    json.at++
  }
  return -1
}

export function expect(json: JsonReader, wanted: number): void {
  if (peek(json) !== wanted) refuse(json, json.at, `${found(json)}, expected ${nameOf(wanted)}`)
  json.at++
}

/** After an element: true when a comma says that there is one more, false at the closing bracket, which is read. */
export function another(json: JsonReader, closing: number): boolean {
  const byte = peek(json)
  if (byte !== comma && byte !== closing)
    refuse(json, json.at, `${found(json)}, expected "," or ${nameOf(closing)}`)
  json.at++
  return byte === comma
}

export function literal(json: JsonReader, word: string): void {
  for (let index = 0; index < word.length; index++) {
    if (json.bytes[json.at + index] !== word.charCodeAt(index))
      refuse(json, json.at, `${found(json)} is no JSON value`)
  }
  json.at += word.length
}

/** The string whose opening quote comes next, unescaped, as UTF-8 to the writer. */
export function copyString(json: JsonReader, writer: Writer): void {
  const { bytes } = json
  const start = json.at
  if (peek(json) !== quote) refuse(json, json.at, `${found(json)}, expected a string`)
  // Protobuf runs behind its JSON, so this hardly ever grows the writer, and the loop needs no check.
  reserve(writer, bytes.length - json.at)
  const out = writer.bytes
  let at = json.at + 1
  let to = writer.at
  const end = bytes.length
  for (;;) {
    let byte = noByte
    while (at < end) {
      byte = bytes[at++]!
      if (byte === quote || byte === backslash || byte < 0x20) break
      out[to++] = byte
    }
    if (byte === quote) break
    if (byte !== backslash) {
      refuse(
        json,
        start,
        byte === noByte || byte >= 0x20
          ? 'string without its end'
          : `control character ${byte} in a string`
      )
    }
    const letter = bytes[at++] ?? 0
    if (letter !== 0x75) {
      if (unescaped[letter] === 0) refuse(json, start, 'unknown escape in a string')
      out[to++] = unescaped[letter]!
      continue
    }
    const code = codePointAt(json, at, start)
    at += code > 0xffff ? 10 : 4
    to = putCodePoint(out, to, code)
  }
  writer.at = to
  json.at = at
}

const noByte = -1

/** unescaped[letter after the backslash]; 0: there is no such escape. */
const unescaped = new Uint8Array(256)
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, f: 12, r: 13 }))
  unescaped[letter.charCodeAt(0)] = byte
for (const letter of '"\\/') unescaped[letter.charCodeAt(0)] = letter.charCodeAt(0)

/** The character of one \u escape or of a pair of them; `at` is behind the first `\u`. */
function codePointAt(json: JsonReader, at: number, start: number): number {
  const first = fourDigits(json, at, start)
  if (first < 0xd800 || first > 0xdfff) return first
  const paired = first < 0xdc00 && json.bytes[at + 4] === backslash && json.bytes[at + 5] === 0x75
  const second = paired ? fourDigits(json, at + 6, start) : 0
  if (second < 0xdc00 || second > 0xdfff)
    refuse(json, start, `half a surrogate pair (\\u${first.toString(16)}) in a string`)
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
}

function fourDigits(json: JsonReader, at: number, start: number): number {
  let value = 0
  for (let index = at; index < at + 4; index++) {
    const digit = index < json.bytes.length ? hexDigit(json.bytes[index]!) : -1
    if (digit < 0) refuse(json, start, '\\u without four hex digits in a string')
    value = value * 16 + digit
  }
  return value
}

/** -1: none. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function putCodePoint(out: Uint8Array, at: number, code: number): number {
  let to = at
  if (code < 0x80) out[to++] = code
  else if (code < 0x800) out[to++] = 0xc0 | (code >> 6)
  else if (code < 0x10000) {
    out[to++] = 0xe0 | (code >> 12)
    out[to++] = 0x80 | ((code >> 6) & 63)
  } else {
    out[to++] = 0xf0 | (code >> 18)
    out[to++] = 0x80 | ((code >> 12) & 63)
    out[to++] = 0x80 | ((code >> 6) & 63)
  }
  if (code >= 0x80) out[to++] = 0x80 | (code & 63)
  return to
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39

export function startsNumber(byte: number | undefined): boolean {
  return byte === minus || isDigit(byte)
}

/** Moves behind a JSON number. */
export function passNumber(json: JsonReader): void {
  const { bytes } = json
  const start = json.at
  let at = start
  const passDigits = () => {
    if (!isDigit(bytes[at])) refuse(json, start, 'malformed number')
    while (isDigit(bytes[at])) at++
  }
  if (bytes[at] === minus) at++
  if (bytes[at] === 0x30 && isDigit(bytes[at + 1]))
    refuse(json, start, 'number with a leading zero')
  passDigits()
  if (bytes[at] === 0x2e) {
    at++
    passDigits()
  }
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    at++
    if (bytes[at] === 0x2b || bytes[at] === minus) at++
    passDigits()
  }
  json.at = at
}

/** Passes a value that OTLP does not know; it must be JSON all the same. */
export function skipJson(json: JsonReader, scratch: Writer, depth = 0): void {
  const byte = peek(json)
  if (depth > skipDepthLimit) refuse(json, json.at, `nested more than ${skipDepthLimit} deep`)
  if (byte === quote) skipString(json, scratch)
  else if (byte === open || byte === openList) {
    const closing = byte === open ? close : closeList
    json.at++
    if (peek(json) === closing) {
      json.at++
      return
    }
    do {
      if (byte === open) {
        skipString(json, scratch)
        expect(json, colon)
      }
      skipJson(json, scratch, depth + 1)
    } while (another(json, closing))
  } else if (byte === letterN) literal(json, 'null')
  else if (byte === letterT) literal(json, 'true')
  else if (byte === letterF) literal(json, 'false')
  else if (startsNumber(byte)) passNumber(json)
  else refuse(json, json.at, `${found(json)} is no JSON value`)
}

function skipString(json: JsonReader, scratch: Writer): void {
  const { at } = scratch
  copyString(json, scratch)
  scratch.at = at
}

/** Throws InvalidLogs that names the place, e.g. `resourceLogs[0].scopeLogs[0].logRecords[3].traceId`. */
export function refuse(json: JsonReader, at: number, problem: string): never {
  throw new InvalidLogs(`${jsonPlaceOf(json.bytes, at)}: ${problem}`)
}

/** What stands at the reader's place, for messages. */
export function found(json: JsonReader): string {
  const byte = json.bytes[json.at]
  if (byte === undefined) return 'end of the JSON'
  if (byte === quote) return 'a string'
  if (byte === open) return 'an object'
  if (byte === openList) return 'a list'
  if (isDigit(byte) || byte === minus) return 'a number'
  const word = Buffer.from(json.bytes.subarray(json.at, json.at + 12)).toString('latin1')
  return JSON.stringify(/^[a-zA-Z]+/.exec(word)?.[0] ?? word[0])
}

function nameOf(byte: number): string {
  if (byte === open) return 'an object'
  if (byte === openList) return 'a list'
  return `"${String.fromCharCode(byte)}"`
}
