import { close, closeList, literals, open, openList, quote, separate } from './json_members.ts'
import {
  literal,
  putBase64,
  putByte,
  putBytes,
  putDouble,
  putInt64,
  putString
} from './json_text.ts'
import {
  enter,
  type Reader,
  readDouble,
  readEnd,
  readUint32,
  readVarint64,
  skipValue,
  stopOf,
  type Writer
} from './wire.ts'

/*
 * AnyValues as the JSON a person would write: text, numbers, lists, objects. An int64 keeps all its
 * digits as a JSON number; a whole double gets `.0`, so that the two stay apart; NaN and the
 * infinities are strings, bytes are base64, an empty value is null.
 */

const nullText = literal('null')
const pointZero = literal('.0')

/** The AnyValue whose length is at `place` (0: there is none); the reader is behind it afterwards. */
export function putPlain(writer: Writer, reader: Reader, place: number): void {
  const end = place === 0 ? 0 : stopOf(reader, place)
  let empty = true
  while (place !== 0 && reader.at < end) {
    const key = readUint32(reader)
    if (key >= 0x40) skipValue(reader, key & 7)
    else {
      empty = false
      putKind(writer, reader, key)
    }
  }
  if (empty) putBytes(writer, nullText)
}

function putKind(writer: Writer, reader: Reader, key: number): void {
  if (key === 0x10) {
    readVarint64(reader)
    putBytes(writer, reader.low === 0 && reader.high === 0 ? literals.false : literals.true)
  } else if (key === 0x18) {
    readVarint64(reader)
    putInt64(writer, reader.low, reader.high)
  } else if (key === 0x21) {
    const value = readDouble(reader)
    putDouble(writer, value)
    if (Number.isInteger(value) && Math.abs(value) < 1e21) putBytes(writer, pointZero)
  } else {
    const end = readEnd(reader)
    if (key === 0x0a) putString(writer, reader.bytes, reader.at, end)
    else if (key === 0x2a) putList(writer, reader, end)
    else if (key === 0x32) putObject(writer, reader, end, 1)
    else {
      putByte(writer, quote)
      putBase64(writer, reader.bytes, reader.at, end)
      putByte(writer, quote)
    }
    reader.at = end
  }
}

function putList(writer: Writer, reader: Reader, end: number): void {
  putByte(writer, openList)
  while (reader.at < end) {
    if (!enter(reader, 1)) continue
    separate(writer)
    putPlain(writer, reader, reader.at)
  }
  putByte(writer, closeList)
}

/**
 * The KeyValues in the repeated `field` of the message up to `end`, as one object. A key that is
 * there again is written as `key#2`, `key#3`: nothing is lost, and readers that refuse an object
 * with a key twice (Athena's) still read the line.
 */
export function putObject(writer: Writer, reader: Reader, end: number, field: number): void {
  putByte(writer, open)
  const names: Names = { spans: [], taken: undefined }
  while (reader.at < end) {
    if (enter(reader, field)) putPair(writer, reader, readEnd(reader), names)
  }
  putByte(writer, close)
}

function putPair(writer: Writer, reader: Reader, end: number, names: Names): void {
  let from = 0
  let stop = 0
  let value = 0
  while (reader.at < end) {
    const key = readUint32(reader)
    const place = reader.at
    skipValue(reader, key & 7)
    if (key === 0x12) value = place
    else if (key === 0x0a) {
      stop = reader.at
      reader.at = place
      readEnd(reader)
      from = reader.at
      reader.at = stop
    }
  }
  separate(writer)
  const renamed = newName(names, reader.bytes, from, stop)
  if (renamed === undefined) putString(writer, reader.bytes, from, stop)
  else putString(writer, renamed, 0, renamed.length)
  putByte(writer, colon)
  putPlain(writer, reader, value)
  reader.at = end
}

const colon = 0x3a

/** The names of one object so far: where they stand, and as soon as that is slow or one is there twice, as strings. */
interface Names {
  readonly spans: number[]
  taken: Map<string, number> | undefined
}

/** Undefined when the name is new in its object, else the one to take for it. */
function newName(
  names: Names,
  bytes: Uint8Array,
  from: number,
  end: number
): Uint8Array | undefined {
  const { spans } = names
  if (names.taken === undefined) {
    if (spans.length < 32 && !hasSpan(spans, bytes, from, end)) {
      spans.push(from, end)
      return undefined
    }
    names.taken = new Map()
    for (let index = 0; index < spans.length; index += 2)
      names.taken.set(textOf(bytes, spans[index]!, spans[index + 1]!), 1)
  }
  const { taken } = names
  const name = textOf(bytes, from, end)
  let count = taken.get(name)
  if (count === undefined) {
    taken.set(name, 1)
    return undefined
  }
  do count++
  while (taken.has(`${name}#${count}`))
  taken.set(name, count)
  taken.set(`${name}#${count}`, 1)
  return literal(`${name}#${count}`)
}

function hasSpan(spans: readonly number[], bytes: Uint8Array, from: number, end: number): boolean {
  for (let index = 0; index < spans.length; index += 2) {
    const other = spans[index]!
    if (spans[index + 1]! - other !== end - from) continue
    let offset = end - from - 1
    while (offset >= 0 && bytes[other + offset] === bytes[from + offset]) offset--
    if (offset < 0) return true
  }
  return false
}

function textOf(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString()
}
