import type { Logs } from './logs.ts'
import {
  closeField,
  enter,
  newReader,
  newWriter,
  openField,
  type Reader,
  readEnd,
  readUint32,
  reserve,
  sizeOfUint32,
  skipValue,
  written
} from './wire.ts'

/**
 * Cuts logs into pieces of at most so many records and bytes, in order, each made when it is asked
 * for: what pieces repeat may be many times the logs. Each piece repeats the
 * resource, scope, schema urls and unknown fields around its records. A record that is larger than
 * `bytes` is a piece of its own, and where what is repeated is above half of `bytes`, a piece may
 * be twice as large as that: else one hostile request with a long resource would multiply itself.
 * Messages without records inside a request that has to be cut are left out.
 */
export function* cutLogs(logs: Logs, limit: { records?: number; bytes?: number }): Generator<Logs> {
  const records = Math.max(1, limit.records ?? Number.POSITIVE_INFINITY)
  const bytes = Math.max(1, limit.bytes ?? Number.POSITIVE_INFINITY)
  if (logs.records <= records && logs.bytes <= bytes) {
    yield logs
    return
  }
  const pieces = collectPieces(records, bytes)
  for (const chunk of logs.chunks) {
    const count = logs.chunks.length === 1 ? logs.records : countRecords(chunk)
    if (!pieces.takeWhole(chunk, count)) yield* cutRequest(chunk, pieces)
  }
  const last = pieces.endPiece()
  if (last) yield last
}

type Pieces = ReturnType<typeof collectPieces>

function* cutRequest(chunk: Uint8Array, pieces: Pieces): Generator<Logs> {
  const reader = newReader(chunk)
  pieces.enter(0, wrappingOf(reader, chunk.length, 1))
  while (reader.at < chunk.length) {
    if (enter(reader, 1)) yield* cutResourceLogs(reader, readEnd(reader), pieces)
  }
  pieces.leave(0)
}

function* cutResourceLogs(reader: Reader, end: number, pieces: Pieces): Generator<Logs> {
  pieces.enter(1, wrappingOf(reader, end, 2))
  while (reader.at < end) {
    if (enter(reader, 2)) yield* cutScopeLogs(reader, readEnd(reader), pieces)
  }
  pieces.leave(1)
}

function* cutScopeLogs(reader: Reader, end: number, pieces: Pieces): Generator<Logs> {
  pieces.enter(2, wrappingOf(reader, end, 2))
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, 2)) continue
    reader.at = readEnd(reader)
    const full = pieces.takeRecord(reader.bytes.subarray(start, reader.at))
    if (full) yield full
  }
  pieces.leave(2)
}

/** All of a message but the values of one repeated field; the reader stays where it is. */
export function wrappingOf(reader: Reader, end: number, field: number): Uint8Array {
  const from = reader.at
  const kept: Uint8Array[] = []
  while (reader.at < end) {
    const start = reader.at
    const key = readUint32(reader)
    skipValue(reader, key & 7)
    if (key >>> 3 !== field) kept.push(reader.bytes.subarray(start, reader.at))
  }
  reader.at = from
  return Buffer.concat(kept)
}

const nothing = new Uint8Array()

/** The piece so far. A record lies in three layers: request, resource logs, scope logs (0, 1, 2). */
function collectPieces(maxRecords: number, maxBytes: number) {
  const writer = newWriter(Math.min(maxBytes, 1 << 20))
  const wrapping: Uint8Array[] = [nothing, nothing, nothing]
  /** Bytes that each layer has in this piece, its wrapping included, the open layer within it not. */
  const sizes = [0, 0, 0]
  /** Where the open layers 1 and 2 start in the writer. */
  const starts = [0, 0, 0]
  let openLayers = 0
  let records = 0
  let chunks: Uint8Array[] = []
  let chunkBytes = 0

  function takeWhole(chunk: Uint8Array, count: number): boolean {
    if (records + count > maxRecords || chunkBytes + chunk.length > maxBytes) return false
    chunks.push(chunk)
    chunkBytes += chunk.length
    records += count
    return true
  }

  function enter(layer: number, around: Uint8Array): void {
    wrapping[layer] = around
    sizes[layer] = around.length
  }

  /** Returns the piece that had to end before this record. */
  function takeRecord(record: Uint8Array): Logs | undefined {
    const full = records > 0 && (records >= maxRecords || sizeWith(record) > roomy())
    const ended = full ? endPiece() : undefined
    while (openLayers < 3) open(openLayers)
    append(record)
    sizes[2]! += record.length
    records++
    return ended
  }

  function sizeWith(record: Uint8Array): number {
    const scopeLogs = fieldSize(sizes[2]! + record.length)
    return chunkBytes + sizes[0]! + fieldSize(sizes[1]! + scopeLogs)
  }

  function roomy(): number {
    return Math.max(maxBytes, 2 * (wrapping[0]!.length + wrapping[1]!.length + wrapping[2]!.length))
  }

  function open(layer: number): void {
    if (layer > 0) starts[layer] = openField(writer, layer, 3)
    append(wrapping[layer]!)
    openLayers = layer + 1
  }

  function append(bytes: Uint8Array): void {
    reserve(writer, bytes.length)
    writer.bytes.set(bytes, writer.at)
    writer.at += bytes.length
  }

  function leave(layer: number): void {
    if (openLayers <= layer) return
    openLayers = layer
    if (layer > 0) {
      closeField(writer, starts[layer]!, 3)
      sizes[layer - 1]! += fieldSize(sizes[layer]!)
      return
    }
    const chunk = written(writer)
    writer.at = 0
    chunks.push(chunk)
    chunkBytes += chunk.length
  }

  function endPiece(): Logs | undefined {
    for (const layer of [2, 1, 0]) leave(layer)
    const piece = records > 0 ? { chunks, bytes: chunkBytes, records } : undefined
    chunks = []
    chunkBytes = 0
    records = 0
    for (const layer of [0, 1, 2]) sizes[layer] = wrapping[layer]!.length
    return piece
  }

  return { takeWhole, enter, takeRecord, leave, endPiece }
}

/** Bytes of a field with a key of one byte and content of this length. */
function fieldSize(content: number): number {
  return 1 + sizeOfUint32(content) + content
}

/** Log records in checked bytes. */
export function countRecords(bytes: Uint8Array): number {
  const reader = newReader(bytes)
  let records = 0
  while (reader.at < bytes.length) {
    if (!enter(reader, 1)) continue
    const resourceEnd = readEnd(reader)
    while (reader.at < resourceEnd) {
      if (!enter(reader, 2)) continue
      const scopeEnd = readEnd(reader)
      while (reader.at < scopeEnd) {
        if (!enter(reader, 2)) continue
        reader.at = readEnd(reader)
        records++
      }
    }
  }
  return records
}
