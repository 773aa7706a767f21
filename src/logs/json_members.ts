import {
  literal,
  putAscii,
  putByte,
  putBytes,
  putHex,
  putString,
  putUint,
  putUint64
} from './json_text.ts'
import {
  enter,
  type Reader,
  readEnd,
  readFixed32,
  readFixed64,
  readUint32,
  stopOf,
  type Writer
} from './wire.ts'

/*
 * The members of an OTLP/JSON object. A `place` is where a field's value stands in the protobuf
 * bytes, 0 when it is not there; a field that is not there, zero or empty is not written.
 */

export const literals = {
  start: literal('{"resourceLogs":['),
  end: literal(']}'),
  true: literal('true'),
  false: literal('false')
}

export const members = {
  resource: literal('"resource":'),
  scopeLogs: literal('"scopeLogs":['),
  schemaUrl: literal('"schemaUrl":'),
  entityRefs: literal('"entityRefs":['),
  type: literal('"type":'),
  idKeys: literal('"idKeys":['),
  descriptionKeys: literal('"descriptionKeys":['),
  scope: literal('"scope":'),
  logRecords: literal('"logRecords":['),
  name: literal('"name":'),
  version: literal('"version":'),
  timeUnixNano: literal('"timeUnixNano":"'),
  observedTimeUnixNano: literal('"observedTimeUnixNano":"'),
  severityNumber: literal('"severityNumber":'),
  severityText: literal('"severityText":'),
  body: literal('"body":'),
  attributes: literal('"attributes":['),
  droppedAttributesCount: literal('"droppedAttributesCount":'),
  flags: literal('"flags":'),
  traceId: literal('"traceId":"'),
  spanId: literal('"spanId":"'),
  eventName: literal('"eventName":'),
  key: literal('"key":'),
  value: literal('"value":'),
  stringValue: literal('"stringValue":'),
  boolValue: literal('"boolValue":'),
  intValue: literal('"intValue":"'),
  doubleValue: literal('"doubleValue":'),
  arrayValue: literal('"arrayValue":{'),
  kvlistValue: literal('"kvlistValue":{'),
  bytesValue: literal('"bytesValue":"'),
  values: literal('"values":[')
}

export const open = 0x7b
export const close = 0x7d
export const closeList = 0x5d
export const quote = 0x22
export const openList = 0x5b
export const comma = 0x2c

/** Bytes after which a piece is handed on; a piece is longer by at most one record. */
export const pieceSize = 256 * 1024

/** Takes the piece out; its last byte stays, for it decides about the next comma. */
export function handOver(writer: Writer): Uint8Array {
  const piece = writer.bytes.subarray(0, writer.at - 1)
  const last = writer.bytes[writer.at - 1]!
  writer.bytes = new Uint8Array(Buffer.allocUnsafeSlow(pieceSize + 4096).buffer)
  writer.bytes[0] = last
  writer.at = 1
  return piece
}

/** A comma, unless this is the first in its object or list. */
export function separate(writer: Writer): void {
  const last = writer.bytes[writer.at - 1]!
  if (last !== open && last !== openList) putByte(writer, comma)
}

export function member(writer: Writer, name: Uint8Array): void {
  separate(writer)
  putBytes(writer, name)
}

/** Opens a list when the message from `from` to `end` has the repeated field; the reader is at `from` then. */
export function begin(
  writer: Writer,
  reader: Reader,
  from: number,
  end: number,
  field: number,
  name: Uint8Array
): boolean {
  reader.at = from
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, field)) continue
    reader.at = start
    member(writer, name)
    return true
  }
  return false
}

/** Goes to the next of a repeated field's values and separates it; false when there is none left. */
export function next(writer: Writer, reader: Reader, end: number, field: number): boolean {
  while (reader.at < end) {
    if (!enter(reader, field)) continue
    separate(writer)
    return true
  }
  return false
}

export function putText(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  const end = stopOf(reader, place)
  if (reader.at === end) return
  member(writer, name)
  putString(writer, reader.bytes, reader.at, end)
}

export function putTexts(
  writer: Writer,
  reader: Reader,
  from: number,
  end: number,
  field: number,
  name: Uint8Array
): void {
  if (!begin(writer, reader, from, end, field, name)) return
  while (next(writer, reader, end, field)) {
    const stop = readEnd(reader)
    putString(writer, reader.bytes, reader.at, stop)
    reader.at = stop
  }
  putByte(writer, closeList)
}

export function putTime(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  reader.at = place
  readFixed64(reader)
  if (reader.low === 0 && reader.high === 0) return
  member(writer, name)
  putUint64(writer, reader.low, reader.high)
  putByte(writer, quote)
}

export function putSeverity(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  reader.at = place
  const severity = readUint32(reader) | 0
  if (severity === 0) return
  member(writer, name)
  putAscii(writer, String(severity))
}

export function putCount(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  reader.at = place
  const count = readUint32(reader)
  if (count === 0) return
  member(writer, name)
  putUint(writer, count)
}

export function putFlags(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  reader.at = place
  const flags = readFixed32(reader)
  if (flags === 0) return
  member(writer, name)
  putUint(writer, flags)
}

/** An id of zeros is no id and is left out, as the Collector does. */
export function putId(writer: Writer, reader: Reader, name: Uint8Array, place: number): void {
  if (place === 0) return
  const end = stopOf(reader, place)
  const { bytes, at } = reader
  let some = 0
  for (let index = at; index < end; index++) some |= bytes[index]!
  if (some === 0) return
  member(writer, name)
  putHex(writer, bytes, at, end)
  putByte(writer, quote)
}
