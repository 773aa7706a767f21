import { wrappingOf } from './cut.ts'
import type { Logs } from './logs.ts'
import {
  enter,
  newReader,
  newWriter,
  type Reader,
  readEnd,
  sizeOfUint32,
  writeUint32,
  written
} from './wire.ts'

/** Some of the records, put together when they are asked for: what they repeat may be large. */
export interface Part {
  readonly records: number
  logs(): Logs
}

/**
 * Deals records out to parts, in their order; `partOf` has the number of each record's part. Each part
 * repeats resource, scope, schema urls and unknown fields around its records. One pass, however many parts.
 */
export function splitRecords(logs: Logs, partOf: ArrayLike<number>, parts: number): Part[] {
  if (parts === 1) return [{ records: logs.records, logs: () => logs }]
  const drafts = Array.from({ length: parts }, (): Draft => ({ requests: [], records: 0 }))
  let index = 0
  for (const chunk of logs.chunks) {
    const reader = newReader(chunk)
    const request = wrappingOf(reader, chunk.length, 1)
    while (reader.at < chunk.length) {
      if (!enter(reader, 1)) continue
      const resourceEnd = readEnd(reader)
      const resource = wrappingOf(reader, resourceEnd, 2)
      while (reader.at < resourceEnd) {
        if (!enter(reader, 2)) continue
        const scopeEnd = readEnd(reader)
        const around = [request, resource, wrappingOf(reader, scopeEnd, 2)] as const
        dealOut(reader, scopeEnd, around, () => drafts[partOf[index++]!]!)
      }
    }
  }
  return drafts.map((draft) => ({ records: draft.records, logs: () => logsOf(draft) }))
}

interface Layer {
  readonly around: Uint8Array
  readonly within: Layer[]
}

interface Draft {
  /** Requests, in them resource logs, in them scope logs, in them records. */
  readonly requests: Layer[]
  records: number
}

type Around = readonly [request: Uint8Array, resource: Uint8Array, scope: Uint8Array]

function dealOut(reader: Reader, end: number, around: Around, next: () => Draft): void {
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, 2)) continue
    reader.at = readEnd(reader)
    const draft = next()
    draft.records++
    const scope = around.reduce(layerIn, draft.requests)
    scope.push({ around: reader.bytes.subarray(start, reader.at), within: [] })
  }
}

/** The last one there when it is the same wrapping, of the same message, else a new one. */
function layerIn(layers: Layer[], around: Uint8Array): Layer[] {
  const last = layers.at(-1)
  if (last?.around === around) return last.within
  const layer: Layer = { around, within: [] }
  layers.push(layer)
  return layer.within
}

function logsOf({ requests, records }: Draft): Logs {
  const chunks = requests.map(({ around, within }) =>
    Buffer.concat([around, ...within.flatMap((resource) => message(1, resource, 1))])
  )
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0), records }
}

/** Resource logs (depth 1) and scope logs; records are fields already. */
function message(field: number, { around, within }: Layer, depth: number): Uint8Array[] {
  const inner = within.flatMap((one) => (depth === 2 ? [one.around] : message(2, one, depth + 1)))
  const length = inner.reduce((sum, part) => sum + part.length, around.length)
  const header = newWriter(1 + sizeOfUint32(length))
  writeUint32(header, (field << 3) | 2)
  writeUint32(header, length)
  return [written(header), around, ...inner]
}
