import type { HrTime } from '@opentelemetry/api'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { divideByBillion, remainder } from './json_text.ts'
import type { Logs } from './logs.ts'
import {
  newValueReader,
  readAttributes,
  readBytes,
  readString,
  readValue,
  type ValueReader
} from './read_value.ts'
import { enter, readEnd, readFixed32, readFixed64, readUint32, skipValue } from './wire.ts'

/*
 * What plain objects cannot hold is lost here and in encode.ts: whether a whole number was an int
 * or a double, the first of two values under one attribute key, the order of attribute keys that
 * look like array indices, entity references, and unknown fields. Only a processor or an exporter
 * that asks for records pays that.
 */

/** A resource as the SDK's exporters read it, with the count that OTLP has and the SDK has not. */
export type DecodedResource = ReadableLogRecord['resource'] & {
  readonly droppedAttributesCount: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Scope = Mutable<ReadableLogRecord['instrumentationScope']>

/** Objects by the bytes they were read from: encoders group records by the identity of resource and scope. */
interface Interned {
  readonly resources: Map<string, DecodedResource>
  readonly scopes: Map<string, Scope>
}

/** Every record as the OTel SDK's exporters take them. Records of one resource or scope share its object. */
export function decodeLogs(logs: Logs): ReadableLogRecord[] {
  const records: ReadableLogRecord[] = []
  const interned: Interned = { resources: new Map(), scopes: new Map() }
  for (const chunk of logs.chunks) {
    const reader = newValueReader(chunk)
    while (reader.at < chunk.length) {
      if (enter(reader, 1)) readResourceLogs(reader, readEnd(reader), interned, records)
    }
  }
  return records
}

function readResourceLogs(
  reader: ValueReader,
  end: number,
  interned: Interned,
  records: ReadableLogRecord[]
): void {
  const { from, first, schemaUrl, name } = readWrapping(reader, end)
  let resource = interned.resources.get(name)
  if (resource === undefined) {
    resource = readResource(reader, first, schemaUrl)
    interned.resources.set(name, resource)
  }
  reader.at = from
  while (reader.at < end) {
    if (enter(reader, 2)) readScopeLogs(reader, readEnd(reader), resource, interned, records)
  }
}

function readScopeLogs(
  reader: ValueReader,
  end: number,
  resource: DecodedResource,
  interned: Interned,
  records: ReadableLogRecord[]
): void {
  const { from, first, schemaUrl, name } = readWrapping(reader, end)
  let scope = interned.scopes.get(name)
  if (scope === undefined) {
    scope = readScope(reader, first, schemaUrl)
    interned.scopes.set(name, scope)
  }
  reader.at = from
  while (reader.at < end) {
    if (enter(reader, 2)) records.push(readRecord(reader, readEnd(reader), resource, scope))
  }
}

/** What resource logs and scope logs have beside their repeated field 2: field 1 (`first` is its place) and the schema url. */
function readWrapping(reader: ValueReader, end: number) {
  const from = reader.at
  let first = 0
  let bytes = ''
  let schemaUrl = ''
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x1a) schemaUrl = readString(reader)
    else {
      const place = reader.at
      skipValue(reader, key & 7)
      if (key !== 0x0a) continue
      first = place
      bytes = reader.buffer.toString('latin1', place, reader.at)
    }
  }
  reader.at = from
  return { from, first, schemaUrl, name: `${schemaUrl}\0${bytes}` }
}

function readResource(reader: ValueReader, place: number, schemaUrl: string): DecodedResource {
  let attributes: Record<string, unknown> = {}
  let dropped = 0
  if (place !== 0) {
    reader.at = place
    const end = readEnd(reader)
    const from = reader.at
    attributes = readAttributes(reader, end, 1)
    dropped = readCount(reader, from, end, 2)
  }
  return newResource(attributes, schemaUrl, dropped)
}

function newResource(
  attributes: Record<string, unknown>,
  schemaUrl: string,
  droppedAttributesCount: number
): DecodedResource {
  return {
    attributes,
    ...(schemaUrl === '' ? {} : { schemaUrl }),
    droppedAttributesCount,
    getRawAttributes: () => Object.entries(attributes),
    merge: (other) =>
      newResource(
        { ...attributes, ...other?.attributes },
        other?.schemaUrl ?? schemaUrl,
        droppedAttributesCount
      )
  }
}

function readScope(reader: ValueReader, place: number, schemaUrl: string): Scope {
  const scope: Scope & { version?: string; schemaUrl?: string } = {
    name: '',
    attributes: {},
    droppedAttributesCount: 0
  }
  if (schemaUrl !== '') scope.schemaUrl = schemaUrl
  if (place === 0) return scope
  reader.at = place
  const end = readEnd(reader)
  const from = reader.at
  let version = ''
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) scope.name = readString(reader)
    else if (key === 0x12) version = readString(reader)
    else skipValue(reader, key & 7)
  }
  if (version !== '') scope.version = version
  reader.at = from
  scope.attributes = readAttributes(reader, end, 3)
  scope.droppedAttributesCount = readCount(reader, from, end, 4)
  return scope
}

function readCount(reader: ValueReader, from: number, end: number, field: number): number {
  reader.at = from
  let count = 0
  while (reader.at < end) if (enter(reader, field)) count = readUint32(reader)
  return count
}

function readRecord(
  reader: ValueReader,
  end: number,
  resource: DecodedResource,
  instrumentationScope: Scope
): ReadableLogRecord {
  const record: Mutable<ReadableLogRecord> = {
    hrTime: [0, 0],
    hrTimeObserved: [0, 0],
    resource,
    instrumentationScope,
    attributes: {},
    droppedAttributesCount: 0
  }
  const from = reader.at
  let traceId = ''
  let spanId = ''
  let traceFlags = 0
  let severity = 0
  let severityText = ''
  let eventName = ''
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x09) record.hrTime = readTime(reader)
    else if (key === 0x59) record.hrTimeObserved = readTime(reader)
    else if (key === 0x10) severity = readUint32(reader) | 0
    else if (key === 0x1a) severityText = readString(reader)
    else if (key === 0x2a) record.body = readValue(reader, readEnd(reader))
    else if (key === 0x38) record.droppedAttributesCount = readUint32(reader)
    else if (key === 0x45) traceFlags = readFixed32(reader)
    else if (key === 0x4a) traceId = readId(reader)
    else if (key === 0x52) spanId = readId(reader)
    else if (key === 0x62) eventName = readString(reader)
    else skipValue(reader, key & 7)
  }
  // In proto3 zero and empty mean unset.
  if (severity !== 0) record.severityNumber = severity
  if (severityText !== '') record.severityText = severityText
  if (eventName !== '') record.eventName = eventName
  reader.at = from
  record.attributes = readAttributes(reader, end, 6)
  if (traceId !== '' || spanId !== '' || traceFlags !== 0)
    record.spanContext = { traceId, spanId, traceFlags }
  return record
}

function readTime(reader: ValueReader): HrTime {
  readFixed64(reader)
  const seconds = divideByBillion(reader.low, reader.high)
  return [seconds, remainder]
}

function readId(reader: ValueReader): string {
  return Buffer.from(readBytes(reader)).toString('hex')
}
