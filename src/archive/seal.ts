import { createHash } from 'node:crypto'
import { PermanentError } from '../component.ts'
import { type Compression, compress } from '../compress.ts'
import type { Logs } from '../logs/logs.ts'
import type { Marshaler } from './marshal.ts'
import { sha256Of } from './sha256.ts'

/** The final bytes of one object; no attempt changes any of it (A3). */
export interface SealedBody {
  readonly body: Uint8Array
  /** Hex. */
  readonly sha256: string
  readonly rawSize: number
  readonly rawSha256: string
  readonly records: number
  readonly contentType: string
  readonly contentEncoding?: 'gzip' | 'zstd'
}

export interface SealOptions {
  readonly marshaler: Marshaler
  readonly compression: Compression
  readonly level: number | undefined
}

/** Writes logs down as one object; undefined when nothing is left to store. Compression runs on the thread pool. */
export async function sealBody(
  logs: Logs,
  { marshaler, compression, level }: SealOptions
): Promise<SealedBody | undefined> {
  const raw = createHash('sha256')
  let rawSize = 0
  const seen = (chunk: Uint8Array) => {
    raw.update(chunk)
    rawSize += chunk.length
  }
  const body = await written(logs, { marshaler, compression, level, seen })
  if (body === undefined) return undefined
  const sha256 = Buffer.from(await sha256Of(body)).toString('hex')
  const common = { body, sha256, records: logs.records, contentType: marshaler.contentType }
  if (compression === 'none') return { ...common, rawSize: body.length, rawSha256: sha256 }
  return { ...common, rawSize, rawSha256: raw.digest('hex'), contentEncoding: compression }
}

type Writing = Pick<SealOptions, 'marshaler' | 'compression' | 'level'> & {
  readonly seen: (chunk: Uint8Array) => void
}

/** Bytes that cannot be read now will never be: the same records fail again. */
async function written(logs: Logs, { marshaler, compression, level, seen }: Writing) {
  try {
    const filled = firstFilled(marshaler.marshal(logs))
    const pieces = filled ?? (marshaler.storesEmpty && logs.records > 0 ? [] : undefined)
    return pieces && (await compress(pieces, compression, level, seen))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PermanentError(`marshaling: ${reason}`, { cause })
  }
}

/** The pieces again, or undefined when all of them are empty: an empty result is not stored. */
function firstFilled(pieces: Iterable<Uint8Array>): Iterable<Uint8Array> | undefined {
  const rest = pieces[Symbol.iterator]()
  for (let next = rest.next(); !next.done; next = rest.next()) {
    if (next.value.length > 0) return startingWith(next.value, rest)
  }
  return undefined
}

function* startingWith(first: Uint8Array, rest: Iterator<Uint8Array>): Iterable<Uint8Array> {
  yield first
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value
}
