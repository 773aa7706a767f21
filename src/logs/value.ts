import { writeBytes, writeText } from './encode.ts'
import { readKeyText } from './key_text.ts'
import { readBytes, readString, type ValueReader } from './read_value.ts'
import {
  append,
  closeField,
  newWriter,
  openField,
  readDouble,
  readEnd,
  readUint32,
  readVarint64,
  skipValue,
  type Writer,
  writeDouble,
  writeUint32,
  writeVarint64,
  written
} from './wire.ts'

/**
 * An AnyValue without loss: an int64 is a bigint, a double a number, an empty value null. Values are
 * never changed, so they may be shared.
 */
export type AnyValue =
  | null
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly AnyValue[]
  | ValueMap

/** Attributes or a kvlist in their order; a key that is there twice stays twice, and the first counts. */
export interface ValueMap {
  readonly kind: 'map'
  readonly entries: readonly Entry[]
}

/** A key with its value, which is read when it is asked for: see `entryValue`. */
export interface Entry {
  readonly key: string
  /** The KeyValue as it came; it goes out with the same bytes, unknown fields included. */
  readonly from?: { readonly buffer: Buffer; readonly start: number; readonly end: number }
  known: AnyValue | undefined
}

export const emptyMap: ValueMap = { kind: 'map', entries: [] }

export function newEntry(key: string, value: AnyValue): Entry {
  return { key, known: value }
}

/** The same with its bytes ready: for what goes into many messages. */
export function encodedEntry(key: string, value: AnyValue): Entry {
  const writer = newWriter(64 + 3 * key.length)
  if (key !== '') writeText(writer, 1, key)
  writeAnyValue(writer, 2, value, 1)
  const buffer = Buffer.from(written(writer))
  return { key, known: value, from: { buffer, start: 0, end: buffer.length } }
}

export function mapOf(entries: Iterable<readonly [string, AnyValue]>): ValueMap {
  return { kind: 'map', entries: Array.from(entries, ([key, value]) => newEntry(key, value)) }
}

export function isMap(value: unknown): value is ValueMap {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'map'
}

export function entryValue(entry: Entry): AnyValue {
  if (entry.known === undefined) {
    const { buffer, start, end } = entry.from!
    const reader = { bytes: buffer, buffer, at: start, low: 0, high: 0 }
    entry.known = readPairValue(reader, end)
  }
  return entry.known
}

/** The value of the first entry with this key. */
export function mapGet(map: ValueMap, key: string): AnyValue | undefined {
  const entry = map.entries.find((one) => one.key === key)
  return entry && entryValue(entry)
}

/** The map with this value under the key: in the place of its first entry, or behind all others. */
export function mapWith(map: ValueMap, key: string, value: AnyValue): ValueMap {
  const entries = [...map.entries]
  const index = entries.findIndex((one) => one.key === key)
  entries[index < 0 ? entries.length : index] = newEntry(key, value)
  return { kind: 'map', entries }
}

/** The same map when every entry passes. */
export function mapFilter(map: ValueMap, keep: (entry: Entry) => boolean): ValueMap {
  const entries = map.entries.filter(keep)
  return entries.length === map.entries.length ? map : { kind: 'map', entries }
}

/** Messages that the value takes below its AnyValue, as the check counts them. */
export function depthOf(value: AnyValue): number {
  if (Array.isArray(value)) return 2 + deepest(value as readonly AnyValue[])
  return isMap(value) ? 3 + deepest(value.entries.map(entryValue)) : 0
}

function deepest(values: readonly AnyValue[]): number {
  return values.reduce((most: number, value) => Math.max(most, depthOf(value)), 0)
}

/** The AnyValue from the reader's place to `end`. */
export function readAnyValue(reader: ValueReader, end: number): AnyValue {
  let value: AnyValue = null
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) value = readString(reader)
    else if (key === 0x10) {
      readVarint64(reader)
      value = reader.low !== 0 || reader.high !== 0
    } else if (key === 0x18) {
      readVarint64(reader)
      value = (BigInt(reader.high | 0) << 32n) | BigInt(reader.low)
    } else if (key === 0x21) value = readDouble(reader)
    else if (key === 0x2a) value = readList(reader, readEnd(reader))
    else if (key === 0x32) value = readMap(reader, readEnd(reader), 1)
    else if (key === 0x3a) value = readBytes(reader)
    else skipValue(reader, key & 7)
  }
  return value
}

function readList(reader: ValueReader, end: number): AnyValue[] {
  const values: AnyValue[] = []
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) values.push(readAnyValue(reader, readEnd(reader)))
    else skipValue(reader, key & 7)
  }
  return values
}

/** The KeyValues in one repeated field of the message up to `end`, their values not yet read. */
export function readMap(reader: ValueReader, end: number, field: number): ValueMap {
  const entries: Entry[] = []
  const { buffer } = reader
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key !== ((field << 3) | 2)) {
      skipValue(reader, key & 7)
      continue
    }
    const stop = readEnd(reader)
    const start = reader.at
    entries.push({
      key: readKey(reader, stop),
      from: { buffer, start, end: stop },
      known: undefined
    })
    reader.at = stop
  }
  return { kind: 'map', entries }
}

function readKey(reader: ValueReader, end: number): string {
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) return readKeyText(reader)
    skipValue(reader, key & 7)
  }
  return ''
}

/** The value in the KeyValue up to `end`. */
export function readPairValue(reader: ValueReader, end: number): AnyValue {
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x12) return readAnyValue(reader, readEnd(reader))
    skipValue(reader, key & 7)
  }
  return null
}

export function writeAnyValue(writer: Writer, number: number, value: AnyValue, room: number): void {
  const from = openField(writer, number, room)
  if (typeof value === 'string') writeText(writer, 1, value)
  else if (typeof value === 'boolean') {
    writeUint32(writer, 0x10)
    writeUint32(writer, value ? 1 : 0)
  } else if (typeof value === 'bigint') {
    writeUint32(writer, 0x18)
    writeVarint64(writer, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn))
  } else if (typeof value === 'number') {
    writeUint32(writer, 0x21)
    writeDouble(writer, value)
  } else if (value instanceof Uint8Array) writeBytes(writer, 7, value)
  else if (isMap(value)) {
    const inner = openField(writer, 6, room)
    writeMap(writer, 1, value)
    closeField(writer, inner, room)
  } else if (value !== null) {
    const inner = openField(writer, 5, room)
    for (const item of value) writeAnyValue(writer, 1, item, 1)
    closeField(writer, inner, room)
  }
  closeField(writer, from, room)
}

/** Every entry as one repeated field; those that came from bytes go out with the same ones. */
export function writeMap(writer: Writer, number: number, map: ValueMap): void {
  for (const entry of map.entries) {
    const from = openField(writer, number, 1)
    if (entry.from === undefined) {
      if (entry.key !== '') writeText(writer, 1, entry.key)
      writeAnyValue(writer, 2, entry.known!, 1)
    } else {
      const { buffer, start, end } = entry.from
      append(writer, buffer, start, end)
    }
    closeField(writer, from, 1)
  }
}
