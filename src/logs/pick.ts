import type { Logs } from './logs.ts'
import { fieldHeader } from './parts.ts'
import { newReader, type Reader, readEnd, readUint32, skipValue } from './wire.ts'

/**
 * The records whose index passes, each under its own resource and scope, unknown fields included;
 * bytes in the place of true are fields to be added to the record. Chunks of which every record
 * passes as it is stay the same buffers.
 */
export function pickRecords(logs: Logs, keep: (index: number) => boolean | Uint8Array): Logs {
  const chunks: Uint8Array[] = []
  let index = 0
  let records = 0
  for (const chunk of logs.chunks) {
    const picked = pickIn(newReader(chunk), chunk.length, 0, () => keep(index++))
    if (picked.kept === 0) continue
    records += picked.kept
    chunks.push(picked.changed ? Buffer.concat(picked.parts) : chunk)
  }
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0), records }
}

/** Field of the repeated message in each layer: request, resource logs, scope logs. */
const fields = [1, 2, 2] as const

interface Picked {
  readonly parts: Uint8Array[]
  bytes: number
  kept: number
  changed: boolean
}

function pickIn(
  reader: Reader,
  end: number,
  layer: number,
  keep: () => boolean | Uint8Array
): Picked {
  const picked: Picked = { parts: [], bytes: 0, kept: 0, changed: false }
  const field = fields[layer]!
  const add = (part: Uint8Array) => {
    picked.parts.push(part)
    picked.bytes += part.length
  }
  while (reader.at < end) {
    const start = reader.at
    if (!isField(reader, field)) {
      add(reader.bytes.subarray(start, reader.at))
      continue
    }
    const innerEnd = readEnd(reader)
    if (layer === 2) {
      const from = reader.at
      reader.at = innerEnd
      const kept = keep()
      if (kept !== true) picked.changed = true
      if (kept === false) continue
      picked.kept++
      if (kept === true) add(reader.bytes.subarray(start, innerEnd))
      else {
        add(fieldHeader(field, innerEnd - from + kept.length))
        add(reader.bytes.subarray(from, innerEnd))
        add(kept)
      }
      continue
    }
    const inner = pickIn(reader, innerEnd, layer + 1, keep)
    picked.kept += inner.kept
    picked.changed ||= inner.changed
    if (inner.kept === 0) continue
    add(fieldHeader(field, inner.bytes))
    for (const part of inner.parts) add(part)
  }
  return picked
}

/** Leaves the reader at the value when it is the field, else behind it. */
function isField(reader: Reader, field: number): boolean {
  const key = readUint32(reader)
  if (key >>> 3 === field) return true
  skipValue(reader, key & 7)
  return false
}
