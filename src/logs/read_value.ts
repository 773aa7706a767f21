import {
  newReader,
  type Reader,
  readDouble,
  readEnd,
  readUint32,
  readVarint64,
  skipValue
} from './wire.ts'

/** A reader that can also make strings: V8 makes them from a Buffer, not from a Uint8Array. */
export interface ValueReader extends Reader {
  readonly buffer: Buffer
}

export function newValueReader(bytes: Uint8Array): ValueReader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { ...newReader(bytes), buffer }
}

/**
 * The AnyValue from the reader's place to `end` as a plain value: null when it is empty, a number
 * for an int64 within 2^53, else a bigint, a copy of bytes, an object for a kvlist.
 */
export function readValue(reader: ValueReader, end: number): unknown {
  let value: unknown = null
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) value = readString(reader)
    else if (key === 0x10) {
      readVarint64(reader)
      value = reader.low !== 0 || reader.high !== 0
    } else if (key === 0x18) value = readInt64(reader)
    else if (key === 0x21) value = readDouble(reader)
    else if (key === 0x2a) value = readArray(reader, readEnd(reader))
    else if (key === 0x32) value = readAttributes(reader, readEnd(reader), 1)
    else if (key === 0x3a) value = readBytes(reader)
    else skipValue(reader, key & 7)
  }
  return value
}

/**
 * The KeyValues in one repeated field of the message up to `end`. Of a key that is there twice the
 * last value stays, as in any JavaScript object. `__proto__` is a key like others.
 */
export function readAttributes(
  reader: ValueReader,
  end: number,
  field: number
): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === ((field << 3) | 2)) readAttribute(reader, readEnd(reader), attributes)
    else skipValue(reader, key & 7)
  }
  return attributes
}

function readAttribute(reader: ValueReader, end: number, into: Record<string, unknown>): void {
  let name = ''
  let value: unknown = null
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) name = readString(reader)
    else if (key === 0x12) value = readValue(reader, readEnd(reader))
    else skipValue(reader, key & 7)
  }
  if (name !== '__proto__') into[name] = value
  else
    Object.defineProperty(into, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true
    })
}

function readArray(reader: ValueReader, end: number): unknown[] {
  const values: unknown[] = []
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) values.push(readValue(reader, readEnd(reader)))
    else skipValue(reader, key & 7)
  }
  return values
}

export function readString(reader: ValueReader): string {
  const end = readEnd(reader)
  const text = reader.buffer.toString('utf8', reader.at, end)
  reader.at = end
  return text
}

export function readBytes(reader: ValueReader): Uint8Array {
  const end = readEnd(reader)
  const bytes = reader.bytes.slice(reader.at, end)
  reader.at = end
  return bytes
}

function readInt64(reader: ValueReader): number | bigint {
  readVarint64(reader)
  const high = reader.high | 0
  const value = high * 4294967296 + reader.low
  if (Number.isSafeInteger(value)) return value
  return (BigInt(high) << 32n) | BigInt(reader.low)
}
