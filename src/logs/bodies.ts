import { asString } from './as_string.ts'
import { putByte, putBytes } from './json_text.ts'
import type { Logs } from './logs.ts'
import { newValueReader, type ValueReader } from './read_value.ts'
import { enter, newWriter, readEnd, readUint32, reserve, type Writer } from './wire.ts'

const pieceSize = 256 * 1024
const newline = 0x0a

/**
 * The `body` marshaler: each record's body as the Collector's `AsString()` gives it, a line feed
 * after each. A body with line feeds of its own takes several lines, as with the Collector.
 */
export function* bodyLines(logs: Logs): Generator<Uint8Array, void> {
  const writer = newWriter(pieceSize)
  for (const chunk of logs.chunks) {
    for (const reader of recordsIn(chunk)) {
      putBody(writer, reader, readEnd(reader))
      putByte(writer, newline)
      if (writer.at < pieceSize) continue
      yield writer.bytes.subarray(0, writer.at)
      writer.bytes = newWriter(pieceSize).bytes
      writer.at = 0
    }
  }
  if (writer.at > 0) yield writer.bytes.subarray(0, writer.at)
}

/** The same reader for each record, standing at the record's length. */
function* recordsIn(chunk: Uint8Array): Generator<ValueReader, void> {
  const reader = newValueReader(chunk)
  while (reader.at < chunk.length) {
    if (!enter(reader, 1)) continue
    const resourceEnd = readEnd(reader)
    while (reader.at < resourceEnd) {
      if (!enter(reader, 2)) continue
      const scopeEnd = readEnd(reader)
      while (reader.at < scopeEnd) {
        if (enter(reader, 2)) yield reader
      }
    }
  }
}

function putBody(writer: Writer, reader: ValueReader, end: number): void {
  while (reader.at < end) {
    if (enter(reader, 5)) putValue(writer, reader, readEnd(reader))
  }
}

function putValue(writer: Writer, reader: ValueReader, end: number): void {
  const from = reader.at
  if (from === end) return
  if (readUint32(reader) === 0x0a) {
    const stop = readEnd(reader)
    if (stop === end) {
      putBytes(writer, reader.bytes.subarray(reader.at, stop))
      reader.at = end
      return
    }
  }
  reader.at = from
  const text = asString(reader, end)
  reserve(writer, text.length * 3)
  writer.at += Buffer.from(writer.bytes.buffer).write(text, writer.at)
}
