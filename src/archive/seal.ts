import { PermanentError } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { type Compression, compress } from './compress.ts'
import type { KeyParts } from './key.ts'
import type { Marshaler } from './marshal.ts'
import { sha256Of } from './sha256.ts'
import type { StoredObject } from './store.ts'

/** One object in its final bytes, with its number and key; no attempt changes any of it (A3). */
export interface SealedObject extends StoredObject {
  readonly key: string
  readonly number: number
  readonly records: number
}

export interface SealOptions {
  readonly marshaler: Marshaler
  readonly compression: Compression
  readonly level: number | undefined
  readonly key: (parts: KeyParts) => string
}

/**
 * Seals logs into one object; undefined when nothing is left to store, and then no number is used
 * up. Compression and hashing run on the thread pool; the main thread only passes bytes on.
 */
export async function seal(
  logs: Logs,
  options: SealOptions,
  { prefix, number }: { prefix: string | undefined; number: () => Promise<number> }
): Promise<SealedObject | undefined> {
  const { marshaler, compression, key } = options
  const body = await written(logs, options)
  if (body === undefined) return undefined
  const sha256 = await sha256Of(body)
  const own = await number()
  return {
    key: key({ at: new Date(), number: own, prefix }),
    number: own,
    records: logs.records,
    body,
    sha256,
    contentType: marshaler.contentType,
    ...(compression === 'none' ? {} : { contentEncoding: compression })
  }
}

/** Bytes that cannot be read now will never be: the same records fail again. */
async function written(logs: Logs, { marshaler, compression, level }: SealOptions) {
  try {
    const pieces = firstFilled(marshaler.marshal(logs))
    return pieces && (await compress(pieces, compression, level))
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
