import { writeBytes, writeText } from './encode.ts'
import { readBytes, readString, type ValueReader } from './read_value.ts'
import {
  type AnyValue,
  emptyMap,
  readAnyValue,
  type ValueMap,
  writeAnyValue,
  writeMap
} from './value.ts'
import {
  readEnd,
  readFixed32,
  readFixed64,
  readUint32,
  type Writer,
  writeFixed32,
  writeUint32,
  writeVarint64
} from './wire.ts'

/** How a field is read and written; unset is `empty`, as proto3 has it. */
export interface Field<T> {
  readonly number: number
  readonly empty: T
  readonly read: (reader: ValueReader) => T
  readonly write: (writer: Writer, number: number, value: T) => void
  /** A repeated field of KeyValues is read as a whole. */
  readonly repeated?: true
}

const text = (number: number): Field<string> => ({
  number,
  empty: '',
  read: readString,
  write: (writer, field, value) => {
    if (value !== '') writeText(writer, field, value)
  }
})

const id = (number: number): Field<Uint8Array> => ({
  number,
  empty: new Uint8Array(),
  read: readBytes,
  write: (writer, field, value) => {
    if (value.length > 0) writeBytes(writer, field, value)
  }
})

const count = (number: number): Field<number> => ({
  number,
  empty: 0,
  read: readUint32,
  write: (writer, field, value) => {
    if (value === 0) return
    writeUint32(writer, field << 3)
    writeUint32(writer, value)
  }
})

const time = (number: number): Field<bigint> => ({
  number,
  empty: 0n,
  read: (reader) => {
    readFixed64(reader)
    return (BigInt(reader.high) << 32n) | BigInt(reader.low)
  },
  write: (writer, field, value) => {
    if (value === 0n) return
    writeUint32(writer, (field << 3) | 1)
    writeFixed32(writer, Number(value & 0xffffffffn))
    writeFixed32(writer, Number(value >> 32n))
  }
})

const attributes = (number: number): Field<ValueMap> => ({
  number,
  empty: emptyMap,
  read: () => emptyMap,
  write: writeMap,
  repeated: true
})

/** Resource logs and scope logs have it in the same place. */
export const schemaUrl = text(3)

export const resourceFields = { attributes: attributes(1), dropped: count(2) } as const

export const scopeFields = {
  name: text(1),
  version: text(2),
  attributes: attributes(3),
  dropped: count(4)
} as const

export const recordFields = {
  time: time(1),
  severity: {
    number: 2,
    empty: 0,
    read: (reader) => readUint32(reader) | 0,
    write: (writer, field, value) => {
      if (value === 0) return
      writeUint32(writer, field << 3)
      writeVarint64(writer, value, value >> 31)
    }
  } as Field<number>,
  severityText: text(3),
  body: {
    number: 5,
    empty: null,
    read: (reader) => readAnyValue(reader, readEnd(reader)),
    write: (writer, field, value) => {
      if (value !== null) writeAnyValue(writer, field, value, 2)
    }
  } as Field<AnyValue>,
  attributes: attributes(6),
  dropped: count(7),
  flags: {
    number: 8,
    empty: 0,
    read: readFixed32,
    write: (writer, field, value) => {
      if (value === 0) return
      writeUint32(writer, (field << 3) | 5)
      writeFixed32(writer, value)
    }
  } as Field<number>,
  traceId: id(9),
  spanId: id(10),
  observedTime: time(11),
  eventName: text(12)
} as const
