import type { Field } from './message_fields.ts'
import type { ValueReader } from './read_value.ts'
import { type AnyValue, mapGet, readMap, readPairValue, type ValueMap } from './value.ts'
import { append, locate, newReader, readEnd, readUint32, skipValue, type Writer } from './wire.ts'

/**
 * A resource, a scope, a record or what wraps them, over checked bytes: fields are read when they
 * are asked for, and it knows which were set. One object serves a whole walk (`openMessage`).
 */
export interface Message {
  reader: ValueReader
  from: number
  end: number
  /** Where each field's value stands, by number; filled at the first read. */
  readonly places: Int32Array
  located: boolean
  /** What was read or set, by field number. */
  readonly values: unknown[]
  /** A bit for each field number that was set. */
  changed: number
  readonly fields: readonly Field<unknown>[]
}

const noBytes: ValueReader = { ...newReader(new Uint8Array()), buffer: Buffer.alloc(0) }

export function newMessage(fields: Record<string, unknown>): Message {
  const byNumber: Field<unknown>[] = []
  for (const field of Object.values(fields) as Field<unknown>[]) byNumber[field.number] = field
  return {
    reader: noBytes,
    from: 0,
    end: 0,
    places: new Int32Array(16),
    located: false,
    values: new Array(16).fill(undefined),
    changed: 0,
    fields: byNumber
  }
}

/** From now on it is the message between these places; what was set before is forgotten. */
export function openMessage(message: Message, reader: ValueReader, from: number, end: number) {
  message.reader = reader
  message.from = from
  message.end = end
  message.located = false
  message.values.fill(undefined)
  message.changed = 0
}

export function readField<T>(message: Message, field: Field<T>): T {
  const known = message.values[field.number]
  if (known !== undefined) return known as T
  const value = field.repeated
    ? (readAttributes(message, field.number) as T)
    : readOne(message, field)
  message.values[field.number] = value
  return value
}

function readOne<T>(message: Message, field: Field<T>): T {
  const { reader } = message
  const at = reader.at
  if (!message.located) {
    reader.at = message.from
    message.places.set(locate(reader, message.end))
    message.located = true
  }
  const place = message.places[field.number]!
  reader.at = place
  const value = place === 0 ? field.empty : field.read(reader)
  reader.at = at
  return value
}

function readAttributes(message: Message, number: number): ValueMap {
  const { reader } = message
  const at = reader.at
  reader.at = message.from
  const map = readMap(reader, message.end, number)
  reader.at = at
  return map
}

/** What is set to the value that was read stays as it came. */
export function setField<T>(message: Message, field: Field<T>, value: T): void {
  if (message.values[field.number] === value) return
  message.values[field.number] = value
  message.changed |= 1 << field.number
}

/** The first attribute with this key (`key` and `bytes` are the same); the others are not decoded. */
export function readAttribute(
  message: Message,
  field: Field<ValueMap>,
  key: string,
  bytes: Buffer
): AnyValue | undefined {
  const known = message.values[field.number] as ValueMap | undefined
  if (known !== undefined) return mapGet(known, key)
  const { reader } = message
  const at = reader.at
  const tag = (field.number << 3) | 2
  let value: AnyValue | undefined
  reader.at = message.from
  while (value === undefined && reader.at < message.end) {
    const wire = readUint32(reader)
    if (wire !== tag) skipValue(reader, wire & 7)
    else {
      const end = readEnd(reader)
      const start = reader.at
      if (hasKey(reader, end, bytes)) {
        reader.at = start
        value = readPairValue(reader, end)
      }
      reader.at = end
    }
  }
  reader.at = at
  return value
}

function hasKey(reader: ValueReader, end: number, bytes: Buffer): boolean {
  while (reader.at < end) {
    const wire = readUint32(reader)
    if (wire !== 0x0a) {
      skipValue(reader, wire & 7)
      continue
    }
    const stop = readEnd(reader)
    if (stop - reader.at !== bytes.length) return false
    for (let index = 0; index < bytes.length; index++)
      if (reader.bytes[reader.at + index] !== bytes[index]) return false
    return true
  }
  return bytes.length === 0
}

/** The fields of the message as they are now; those that were not set keep their bytes and their order. */
export function writeMessage(writer: Writer, message: Message): void {
  const { reader } = message
  const at = reader.at
  let left = message.changed
  let raw = message.from
  reader.at = message.from
  while (reader.at < message.end) {
    const start = reader.at
    const key = readUint32(reader)
    skipValue(reader, key & 7)
    const number = key >>> 3
    if (number > 15 || (message.changed & (1 << number)) === 0) continue
    append(writer, reader.bytes, raw, start)
    raw = reader.at
    if ((left & (1 << number)) !== 0) writeSet(writer, message, number)
    left &= ~(1 << number)
  }
  append(writer, reader.bytes, raw, message.end)
  for (let number = 1; number < 16; number++)
    if ((left & (1 << number)) !== 0) writeSet(writer, message, number)
  reader.at = at
}

function writeSet(writer: Writer, message: Message, number: number): void {
  message.fields[number]!.write(writer, number, message.values[number])
}
