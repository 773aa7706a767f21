import { type Reader, readEnd, readUint32, skipValue } from '../logs/wire.ts'
import type { IdPath } from './id_path.ts'

/** Finds ids in checked records, field by field. */
export interface IdFinder {
  /** The field of a LogRecord in which the id may be. */
  readonly field: number
  /** The reader stands at the length of such a field's value; true when the id is in it. The reader stays anywhere. */
  find(reader: Reader): boolean
  /** Where the last one found stands, its field key before it: the string "1" is not the number 1. */
  from: number
  to: number
}

/** Of an AnyValue: string_value, int_value, bytes_value, kvlist_value; key and length are a byte each or more. */
const stringKey = 0x0a
const intKey = 0x18
const bytesKey = 0x3a
const kvlistKey = 0x32

/** An id is a string or bytes that are not empty, or an integer; of several under one key the first that is one counts. */
export function createIdFinder({ root, keys }: IdPath): IdFinder {
  const names = keys.map((key) => Buffer.from(key))

  const inPair = (reader: Reader, depth: number): boolean => {
    const end = readEnd(reader)
    let isNamed = false
    let value = 0
    while (reader.at < end) {
      const key = readUint32(reader)
      if (key === 0x0a) isNamed = isText(reader, names[depth]!)
      else if (key === 0x12) value = reader.at
      if (key !== 0x0a) skipValue(reader, key & 7)
    }
    reader.at = value
    return isNamed && value !== 0 && inValue(reader, depth + 1)
  }

  const inValue = (reader: Reader, depth: number): boolean => {
    const end = readEnd(reader)
    while (reader.at < end) {
      const from = reader.at
      const key = readUint32(reader)
      const place = reader.at
      skipValue(reader, key & 7)
      if (depth === names.length) {
        if (!isId(key, reader.at - place)) continue
        finder.from = from
        finder.to = reader.at
        return true
      }
      if (key !== kvlistKey) continue
      reader.at = place
      return inList(reader, depth)
    }
    return false
  }

  const inList = (reader: Reader, depth: number): boolean => {
    const end = readEnd(reader)
    while (reader.at < end) {
      const key = readUint32(reader)
      const place = reader.at
      skipValue(reader, key & 7)
      if (key !== 0x0a) continue
      const next = reader.at
      reader.at = place
      if (inPair(reader, depth)) return true
      reader.at = next
    }
    return false
  }

  const find = root === 'body' ? inValue : inPair
  const finder: IdFinder = {
    field: root === 'body' ? 5 : 6,
    find: (reader) => find(reader, 0),
    from: 0,
    to: 0
  }
  return finder
}

/** `size` counts the length before a string or bytes: one byte alone is an empty one. */
function isId(key: number, size: number): boolean {
  return key === intKey || ((key === stringKey || key === bytesKey) && size > 1)
}

/** Compares the string at the reader, and leaves the reader behind it. */
function isText(reader: Reader, text: Buffer): boolean {
  const end = readEnd(reader)
  const from = reader.at
  reader.at = end
  if (end - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (reader.bytes[from + i] !== text[i]) return false
  return true
}
