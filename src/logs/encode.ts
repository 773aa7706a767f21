import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { InvalidLogs } from './check.ts'
import { type Logs, noLogs } from './logs.ts'
import { depthLimit } from './schema.ts'
import {
  closeField,
  newWriter,
  openField,
  reserve,
  type Writer,
  writeDouble,
  writeFixed32,
  writeUint32,
  writeVarint64,
  written
} from './wire.ts'

/*
 * The limits of plain JavaScript values: a number that is whole and within 2^53 becomes an int64
 * (a double 1.0 that was decoded comes back as int 1), and a lone surrogate becomes U+FFFD. A
 * bigint is an int64 and keeps its digits.
 */

type Scope = ReadableLogRecord['instrumentationScope']
/** What decode.ts adds to a resource, because OTLP has it and the SDK's type has not. */
type Resource = ReadableLogRecord['resource'] & { readonly droppedAttributesCount?: number }

/** Records as logs, grouped by the identity of their resource and scope objects, each group in order. */
export function encodeLogs(records: readonly ReadableLogRecord[]): Logs {
  if (records.length === 0) return noLogs
  const writer = newWriter(1024 + records.length * 512)
  for (const [resource, scopes] of grouped(records)) writeResourceLogs(writer, resource, scopes)
  const bytes = written(writer)
  return { chunks: [bytes], bytes: bytes.length, records: records.length }
}

type Groups = Map<Resource, Map<Scope, ReadableLogRecord[]>>

function grouped(records: readonly ReadableLogRecord[]): Groups {
  const groups: Groups = new Map()
  for (const record of records) {
    let scopes = groups.get(record.resource)
    if (scopes === undefined) {
      scopes = new Map()
      groups.set(record.resource, scopes)
    }
    const group = scopes.get(record.instrumentationScope)
    if (group === undefined) scopes.set(record.instrumentationScope, [record])
    else group.push(record)
  }
  return groups
}

function writeResourceLogs(
  writer: Writer,
  resource: Resource,
  scopes: Map<Scope, ReadableLogRecord[]>
): void {
  const from = openField(writer, 1, 3)
  const inner = openField(writer, 1, 2)
  writeAttributes(writer, 1, resource.attributes, 3)
  writeCount(writer, 2, resource.droppedAttributesCount)
  closeField(writer, inner, 2)
  for (const [scope, records] of scopes) writeScopeLogs(writer, scope, records)
  writeString(writer, 3, resource.schemaUrl)
  closeField(writer, from, 3)
}

function writeScopeLogs(writer: Writer, scope: Scope, records: ReadableLogRecord[]): void {
  const from = openField(writer, 2, 3)
  const inner = openField(writer, 1, 1)
  writeString(writer, 1, scope.name)
  writeString(writer, 2, scope.version)
  writeAttributes(writer, 3, scope.attributes ?? {}, 4)
  writeCount(writer, 4, scope.droppedAttributesCount)
  closeField(writer, inner, 1)
  for (const record of records) writeRecord(writer, record)
  writeString(writer, 3, scope.schemaUrl)
  closeField(writer, from, 3)
}

function writeRecord(writer: Writer, record: ReadableLogRecord): void {
  const from = openField(writer, 2, 2)
  writeTime(writer, 1, record.hrTime)
  if (record.severityNumber) {
    writeUint32(writer, 0x10)
    writeVarint64(writer, record.severityNumber, record.severityNumber >> 31)
  }
  writeString(writer, 3, record.severityText)
  if (record.body !== undefined) writeValue(writer, 5, record.body, 4, 2)
  writeAttributes(writer, 6, record.attributes, 4)
  writeCount(writer, 7, record.droppedAttributesCount)
  const context = record.spanContext
  if (context !== undefined) {
    if (context.traceFlags) {
      writeUint32(writer, 0x45)
      writeFixed32(writer, context.traceFlags)
    }
    writeId(writer, 9, context.traceId, 32)
    writeId(writer, 10, context.spanId, 16)
  }
  writeTime(writer, 11, record.hrTimeObserved)
  writeString(writer, 12, record.eventName)
  closeField(writer, from, 2)
}

function writeTime(writer: Writer, number: number, [seconds, nanos]: readonly [number, number]) {
  if (seconds === 0 && nanos === 0) return
  const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
  if (BigInt.asUintN(64, time) !== time)
    throw new InvalidLogs(`time [${seconds}, ${nanos}] is outside of 64 bits`)
  writeUint32(writer, (number << 3) | 1)
  writeFixed32(writer, Number(time & 0xffffffffn))
  writeFixed32(writer, Number(time >> 32n))
}

function writeId(writer: Writer, number: number, id: string, digits: number): void {
  if (id === '') return
  const bytes = Buffer.from(id, 'hex')
  if (id.length !== digits || bytes.length * 2 !== digits)
    throw new InvalidLogs(`id "${id.slice(0, 40)}" is not ${digits} hex digits`)
  writeBytes(writer, number, bytes)
}

function writeCount(writer: Writer, number: number, count: number | undefined): void {
  if (!count) return
  writeUint32(writer, number << 3)
  writeUint32(writer, count >>> 0)
}

function writeAttributes(writer: Writer, number: number, attributes: object, depth: number): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue
    const from = openField(writer, number, 1)
    writeString(writer, 1, key)
    try {
      writeValue(writer, 2, value, depth + 1, 1)
    } catch (error) {
      throw error instanceof InvalidLogs ? new InvalidLogs(`${key}: ${error.message}`) : error
    }
    closeField(writer, from, 1)
  }
}

/** `depth` counts messages from the request on, as the check does. */
function writeValue(writer: Writer, number: number, value: unknown, depth: number, room: number) {
  if (depth > depthLimit) throw new InvalidLogs(`nested more than ${depthLimit} deep`)
  const from = openField(writer, number, room)
  if (typeof value === 'string') writeText(writer, 1, value)
  else if (typeof value === 'boolean') {
    writeUint32(writer, 0x10)
    writeUint32(writer, value ? 1 : 0)
  } else if (typeof value === 'number') writeNumber(writer, value)
  else if (typeof value === 'bigint') writeBigint(writer, value)
  else if (value instanceof Uint8Array) writeBytes(writer, 7, value)
  else if (Array.isArray(value)) {
    const inner = openField(writer, 5, room)
    for (const item of value) writeValue(writer, 1, item, depth + 2, 1)
    closeField(writer, inner, room)
  } else if (isPlain(value)) {
    const inner = openField(writer, 6, room)
    writeAttributes(writer, 1, value, depth + 2)
    closeField(writer, inner, room)
  } else if (value !== null && value !== undefined) {
    throw new InvalidLogs(`${describe(value)} is no attribute value`)
  }
  closeField(writer, from, room)
}

function writeNumber(writer: Writer, value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writeUint32(writer, 0x18)
    writeVarint64(writer, value, Math.floor(value / 2 ** 32))
    return
  }
  writeUint32(writer, 0x21)
  writeDouble(writer, value)
}

function writeBigint(writer: Writer, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value)
    throw new InvalidLogs(`integer ${value} is outside of 64 bits`)
  writeUint32(writer, 0x18)
  writeVarint64(writer, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn))
}

function writeString(writer: Writer, number: number, text: string | undefined): void {
  if (text) writeText(writer, number, text)
}

const encoder = new TextEncoder()

/** Short ASCII, which most of it is, byte by byte: a call out of JavaScript costs more than 40 of these. */
export function writeText(writer: Writer, number: number, text: string): void {
  const room = text.length < 0x80 ? 1 : 2
  const from = openField(writer, number, room)
  reserve(writer, text.length * 3)
  const { bytes } = writer
  let index = 0
  if (text.length <= 40) {
    for (; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) break
      bytes[from + index] = code
    }
  }
  writer.at = from + index
  if (index < text.length)
    writer.at += encoder.encodeInto(text.slice(index), bytes.subarray(writer.at)).written
  closeField(writer, from, room)
}

export function writeBytes(writer: Writer, number: number, value: Uint8Array): void {
  const from = openField(writer, number, 1)
  reserve(writer, value.length)
  writer.bytes.set(value, writer.at)
  writer.at += value.length
  closeField(writer, from, 1)
}

/** Objects that are data: a Date, a Map or a class of somebody's would lose what it means. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function describe(value: unknown): string {
  return typeof value === 'object' ? `a ${value?.constructor?.name}` : `a ${typeof value}`
}
