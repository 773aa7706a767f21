import {
  begin,
  close,
  closeList,
  comma,
  handOver,
  member,
  next,
  open,
  pieceSize,
  putCount,
  putFlags,
  putId,
  putSeverity,
  putText,
  putTexts,
  separate
} from './json_members.ts'
import { divideByBillion, literal, putByte, putBytes, putPadded, remainder } from './json_text.ts'
import type { Logs } from './logs.ts'
import { putObject, putPlain } from './plain_json.ts'
import {
  enter,
  locate,
  newReader,
  newWriter,
  places,
  type Reader,
  readEnd,
  readFixed64,
  stopOf,
  type Writer
} from './wire.ts'

/*
 * One record a line, each line complete in itself, for jq, Athena and DuckDB:
 *
 *   {"time":"2027-01-15T08:00:00.123456789Z","observed_time":"…","severity_number":9,
 *    "severity_text":"INFO","event_name":"user.login","body":{"id":7},"attributes":{"user.id":"u1"},
 *    "trace_id":"5b8e…","span_id":"eee1…","flags":1,"dropped_attributes_count":2,
 *    "resource":{"schema_url":"…","attributes":{"service.name":"api"},"dropped_attributes_count":1,
 *                "entity_refs":[{"schema_url":"…","type":"service","id_keys":["service.name"]}]},
 *    "scope":{"schema_url":"…","name":"audit","version":"1","attributes":{},"dropped_attributes_count":1}}
 *
 * What is zero, empty or not there is left out (an empty body that is there is null). Times are
 * UTC with all nine digits, so nothing is lost against the number of nanoseconds, they sort as
 * text, and from_iso8601_timestamp_nanos() reads them. Values: see plain_json.ts.
 */

const members = {
  time: literal('"time":"'),
  observedTime: literal('"observed_time":"'),
  severityNumber: literal('"severity_number":'),
  severityText: literal('"severity_text":'),
  eventName: literal('"event_name":'),
  body: literal('"body":'),
  attributes: literal('"attributes":'),
  traceId: literal('"trace_id":"'),
  spanId: literal('"span_id":"'),
  flags: literal('"flags":'),
  dropped: literal('"dropped_attributes_count":'),
  resource: literal('"resource":'),
  scope: literal('"scope":'),
  schemaUrl: literal('"schema_url":'),
  name: literal('"name":'),
  version: literal('"version":'),
  entityRefs: literal('"entity_refs":['),
  type: literal('"type":'),
  idKeys: literal('"id_keys":['),
  descriptionKeys: literal('"description_keys":['),
  timeEnd: literal('Z"'),
  lineEnd: literal('}\n')
}

/** The `json_lines` marshaler: each record as one line of JSON. Pieces end anywhere. */
export function* jsonLines(logs: Logs): Generator<Uint8Array, void> {
  if (logs.records === 0) return
  const writer = newWriter(Math.min(pieceSize, logs.bytes * 2) + 4096)
  for (const chunk of logs.chunks) {
    const reader = newReader(chunk)
    while (reader.at < chunk.length) {
      if (enter(reader, 1)) yield* putResourceLogs(writer, reader, readEnd(reader))
    }
  }
  yield writer.bytes.subarray(0, writer.at)
}

function* putResourceLogs(writer: Writer, reader: Reader, end: number) {
  const from = reader.at
  // What every line of these resource logs ends with is written once, into a writer of its own.
  const tail = newWriter(512)
  locate(reader, end)
  putResource(tail, reader, places[1]!, places[3]!)
  const resourceSize = tail.at
  reader.at = from
  while (reader.at < end) {
    if (!enter(reader, 2)) continue
    tail.at = resourceSize
    yield* putScopeLogs(writer, reader, readEnd(reader), tail)
  }
}

function* putScopeLogs(writer: Writer, reader: Reader, end: number, tail: Writer) {
  const from = reader.at
  locate(reader, end)
  putScope(tail, reader, places[1]!, places[3]!)
  const shared = tail.bytes.subarray(0, tail.at)
  reader.at = from
  while (reader.at < end) {
    if (!enter(reader, 2)) continue
    putRecord(writer, reader, readEnd(reader))
    if (shared.length > 0) separate(writer)
    putBytes(writer, shared)
    putBytes(writer, members.lineEnd)
    if (writer.at > pieceSize) yield handOver(writer)
  }
}

function putResource(tail: Writer, reader: Reader, place: number, schemaUrl: number): void {
  if (place === 0 && schemaUrl === 0) return
  putBytes(tail, members.resource)
  putByte(tail, open)
  putText(tail, reader, members.schemaUrl, schemaUrl)
  if (place !== 0) {
    const end = stopOf(reader, place)
    const from = reader.at
    locate(reader, end)
    const dropped = places[2]!
    const entities = places[3]!
    putAttributes(tail, reader, places[1]!, from, end, 1)
    putCount(tail, reader, members.dropped, dropped)
    if (entities !== 0) putEntityRefs(tail, reader, from, end)
  }
  putByte(tail, close)
}

function putEntityRefs(tail: Writer, reader: Reader, from: number, end: number): void {
  begin(tail, reader, from, end, 3, members.entityRefs)
  while (next(tail, reader, end, 3)) {
    const stop = readEnd(reader)
    const start = reader.at
    locate(reader, stop)
    const type = places[2]!
    putByte(tail, open)
    putText(tail, reader, members.schemaUrl, places[1]!)
    putText(tail, reader, members.type, type)
    putTexts(tail, reader, start, stop, 3, members.idKeys)
    putTexts(tail, reader, start, stop, 4, members.descriptionKeys)
    putByte(tail, close)
    reader.at = stop
  }
  putByte(tail, closeList)
}

function putScope(tail: Writer, reader: Reader, place: number, schemaUrl: number): void {
  if (place === 0 && schemaUrl === 0) return
  if (tail.at > 0) putByte(tail, comma)
  putBytes(tail, members.scope)
  putByte(tail, open)
  putText(tail, reader, members.schemaUrl, schemaUrl)
  if (place !== 0) {
    const end = stopOf(reader, place)
    const from = reader.at
    locate(reader, end)
    const version = places[2]!
    const attributes = places[3]!
    const dropped = places[4]!
    putText(tail, reader, members.name, places[1]!)
    putText(tail, reader, members.version, version)
    putAttributes(tail, reader, attributes, from, end, 3)
    putCount(tail, reader, members.dropped, dropped)
  }
  putByte(tail, close)
}

/** The record's own members, without the end of the line. */
function putRecord(writer: Writer, reader: Reader, end: number): void {
  const from = reader.at
  locate(reader, end)
  const time = places[1]!
  const severity = places[2]!
  const severityText = places[3]!
  const body = places[5]!
  const attributes = places[6]!
  const dropped = places[7]!
  const flags = places[8]!
  const traceId = places[9]!
  const spanId = places[10]!
  const observed = places[11]!
  const eventName = places[12]!
  putByte(writer, open)
  putTime(writer, reader, members.time, time)
  putTime(writer, reader, members.observedTime, observed)
  putSeverity(writer, reader, members.severityNumber, severity)
  putText(writer, reader, members.severityText, severityText)
  putText(writer, reader, members.eventName, eventName)
  if (body !== 0) {
    member(writer, members.body)
    putPlain(writer, reader, body)
  }
  putAttributes(writer, reader, attributes, from, end, 6)
  putId(writer, reader, members.traceId, traceId)
  putId(writer, reader, members.spanId, spanId)
  putFlags(writer, reader, members.flags, flags)
  putCount(writer, reader, members.dropped, dropped)
  reader.at = end
}

/** `place` tells whether there are any; they may stand apart, so the whole message is walked. */
function putAttributes(
  writer: Writer,
  reader: Reader,
  place: number,
  from: number,
  end: number,
  field: number
): void {
  if (place === 0) return
  member(writer, members.attributes)
  reader.at = from
  putObject(writer, reader, end, field)
}

/** RFC 3339 in UTC. 64 bits of nanoseconds end in 2554, so the year has four digits. */
function putTime(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  reader.at = place
  readFixed64(reader)
  if (reader.low === 0 && reader.high === 0) return
  const seconds = divideByBillion(reader.low, reader.high)
  const nanos = remainder
  member(writer, name)
  const days = Math.floor(seconds / 86400)
  putDate(writer, days)
  const second = seconds - days * 86400
  putPadded(writer, Math.floor(second / 3600), 2)
  putByte(writer, 0x3a)
  putPadded(writer, Math.floor(second / 60) % 60, 2)
  putByte(writer, 0x3a)
  putPadded(writer, second % 60, 2)
  putByte(writer, 0x2e)
  putPadded(writer, nanos, 9)
  putBytes(writer, members.timeEnd)
}

/** The last date written: records of one object mostly share it, and a Date per record costs more than all the rest of a time. */
let lastDay = -1
let lastDate = literal('')

function putDate(writer: Writer, day: number): void {
  if (day !== lastDay) {
    lastDate = literal(new Date(day * 86_400_000).toISOString().slice(0, 11))
    lastDay = day
  }
  putBytes(writer, lastDate)
}
