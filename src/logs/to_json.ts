import {
  begin,
  close,
  closeList,
  handOver,
  literals,
  member,
  members,
  next,
  open,
  pieceSize,
  putCount,
  putFlags,
  putId,
  putSeverity,
  putText,
  putTexts,
  putTime,
  quote,
  separate
} from './json_members.ts'
import { putBase64, putByte, putBytes, putDouble, putInt64, putString } from './json_text.ts'
import type { Logs } from './logs.ts'
import {
  enter,
  locate,
  newReader,
  newWriter,
  places,
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
 * The members stand in the Collector's order whatever the order in the bytes was, so each message
 * is walked once for its single fields and once more for each repeated one. Unknown fields have no
 * name to be written under and are left out, as any OTLP/JSON writer leaves them out.
 */

/**
 * The logs as one OTLP/JSON object on one line, `{"resourceLogs":[…]}`, byte for byte as the Collector's `otlp_json` writes it
 * but for its escaping of `<`, `>` and `&`. In pieces, so that large logs are never held twice. No records: no bytes.
 */
export function* jsonFromLogs(logs: Logs): Generator<Uint8Array, void> {
  if (logs.records === 0) return
  const writer = newWriter(Math.min(pieceSize, logs.bytes * 2) + 4096)
  putBytes(writer, literals.start)
  for (const chunk of logs.chunks) {
    const reader = newReader(chunk)
    while (reader.at < chunk.length) {
      if (!enter(reader, 1)) continue
      separate(writer)
      yield* putResourceLogs(writer, reader, readEnd(reader))
    }
  }
  putBytes(writer, literals.end)
  yield writer.bytes.subarray(0, writer.at)
}

function* putResourceLogs(writer: Writer, reader: Reader, end: number) {
  const from = reader.at
  const [, resource, , schemaUrl] = locate(reader, end)
  putByte(writer, open)
  member(writer, members.resource)
  putResource(writer, reader, resource!)
  if (begin(writer, reader, from, end, 2, members.scopeLogs)) {
    while (next(writer, reader, end, 2)) yield* putScopeLogs(writer, reader, readEnd(reader))
    putByte(writer, closeList)
  }
  putText(writer, reader, members.schemaUrl, schemaUrl!)
  putByte(writer, close)
  reader.at = end
}

function putResource(writer: Writer, reader: Reader, place: number): void {
  putByte(writer, open)
  if (place !== 0) {
    const end = stopOf(reader, place)
    const from = reader.at
    const [, , dropped] = locate(reader, end)
    putAttributes(writer, reader, from, end, 1)
    putCount(writer, reader, members.droppedAttributesCount, dropped!)
    if (begin(writer, reader, from, end, 3, members.entityRefs)) {
      while (next(writer, reader, end, 3)) putEntityRef(writer, reader, readEnd(reader))
      putByte(writer, closeList)
    }
  }
  putByte(writer, close)
}

function putEntityRef(writer: Writer, reader: Reader, end: number): void {
  const from = reader.at
  const [, schemaUrl, type] = locate(reader, end)
  putByte(writer, open)
  putText(writer, reader, members.schemaUrl, schemaUrl!)
  putText(writer, reader, members.type, type!)
  putTexts(writer, reader, from, end, 3, members.idKeys)
  putTexts(writer, reader, from, end, 4, members.descriptionKeys)
  putByte(writer, close)
  reader.at = end
}

function* putScopeLogs(writer: Writer, reader: Reader, end: number) {
  const from = reader.at
  const [, scope, , schemaUrl] = locate(reader, end)
  putByte(writer, open)
  member(writer, members.scope)
  putScope(writer, reader, scope!)
  if (begin(writer, reader, from, end, 2, members.logRecords)) {
    while (next(writer, reader, end, 2)) {
      putRecord(writer, reader, readEnd(reader))
      if (writer.at > pieceSize) yield handOver(writer)
    }
    putByte(writer, closeList)
  }
  putText(writer, reader, members.schemaUrl, schemaUrl!)
  putByte(writer, close)
  reader.at = end
}

function putScope(writer: Writer, reader: Reader, place: number): void {
  putByte(writer, open)
  if (place !== 0) {
    const end = stopOf(reader, place)
    const from = reader.at
    const [, name, version, , dropped] = locate(reader, end)
    putText(writer, reader, members.name, name!)
    putText(writer, reader, members.version, version!)
    putAttributes(writer, reader, from, end, 3)
    putCount(writer, reader, members.droppedAttributesCount, dropped!)
  }
  putByte(writer, close)
}

function putRecord(writer: Writer, reader: Reader, end: number): void {
  const from = reader.at
  locate(reader, end)
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
  putTime(writer, reader, members.timeUnixNano, places[1]!)
  putTime(writer, reader, members.observedTimeUnixNano, observed)
  putSeverity(writer, reader, members.severityNumber, severity)
  putText(writer, reader, members.severityText, severityText)
  member(writer, members.body)
  putValue(writer, reader, body)
  if (attributes !== 0) putAttributes(writer, reader, from, end, 6)
  putCount(writer, reader, members.droppedAttributesCount, dropped)
  putFlags(writer, reader, members.flags, flags)
  putId(writer, reader, members.traceId, traceId)
  putId(writer, reader, members.spanId, spanId)
  putText(writer, reader, members.eventName, eventName)
  putByte(writer, close)
  reader.at = end
}

function putAttributes(writer: Writer, reader: Reader, from: number, end: number, field: number) {
  if (!begin(writer, reader, from, end, field, members.attributes)) return
  while (next(writer, reader, end, field)) putKeyValue(writer, reader, readEnd(reader))
  putByte(writer, closeList)
}

function putKeyValue(writer: Writer, reader: Reader, end: number): void {
  let key = 0
  let value = 0
  while (reader.at < end) {
    const field = readUint32(reader)
    if (field === 0x0a) key = reader.at
    else if (field === 0x12) value = reader.at
    skipValue(reader, field & 7)
  }
  putByte(writer, open)
  putText(writer, reader, members.key, key)
  member(writer, members.value)
  putValue(writer, reader, value)
  putByte(writer, close)
  reader.at = end
}

/** An AnyValue, `{}` when it is empty or not there (place 0). */
function putValue(writer: Writer, reader: Reader, place: number): void {
  putByte(writer, open)
  if (place !== 0) {
    const end = stopOf(reader, place)
    while (reader.at < end) putOneOf(writer, reader, readUint32(reader))
  }
  putByte(writer, close)
}

function putOneOf(writer: Writer, reader: Reader, field: number): void {
  if (field === 0x0a) {
    const end = readEnd(reader)
    putBytes(writer, members.stringValue)
    putString(writer, reader.bytes, reader.at, end)
    reader.at = end
  } else if (field === 0x10) {
    readVarint64(reader)
    putBytes(writer, members.boolValue)
    putBytes(writer, reader.low === 0 && reader.high === 0 ? literals.false : literals.true)
  } else if (field === 0x18) {
    readVarint64(reader)
    putBytes(writer, members.intValue)
    putInt64(writer, reader.low, reader.high)
    putByte(writer, quote)
  } else if (field === 0x21) {
    putBytes(writer, members.doubleValue)
    putDouble(writer, readDouble(reader))
  } else if (field === 0x2a || field === 0x32) {
    putValues(writer, reader, field, readEnd(reader))
  } else if (field === 0x3a) {
    const end = readEnd(reader)
    putBytes(writer, members.bytesValue)
    putBase64(writer, reader.bytes, reader.at, end)
    putByte(writer, quote)
    reader.at = end
  } else skipValue(reader, field & 7)
}

/** An ArrayValue (0x2a) or a KeyValueList (0x32). */
function putValues(writer: Writer, reader: Reader, field: number, end: number): void {
  putBytes(writer, field === 0x2a ? members.arrayValue : members.kvlistValue)
  if (begin(writer, reader, reader.at, end, 1, members.values)) {
    while (next(writer, reader, end, 1)) {
      if (field === 0x32) putKeyValue(writer, reader, readEnd(reader))
      else {
        const place = reader.at
        putValue(writer, reader, place)
        reader.at = stopOf(reader, place)
      }
    }
    putByte(writer, closeList)
  }
  putByte(writer, close)
  reader.at = end
}
