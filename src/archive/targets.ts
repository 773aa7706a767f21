import { type LaneContext, PermanentError } from '../component.ts'
import { longestTimeout } from '../group.ts'
import type { Logs } from '../logs/logs.ts'
import { openDirectoryStore } from './directory_store.ts'
import type { Target } from './open_archives.ts'
import type { S3Options } from './s3_options.ts'
import { s3Stores } from './s3_store.ts'
import type { Store } from './store.ts'

export interface TargetOptions {
  readonly s3uploader: S3Options & { readonly s3_bucket: string }
  readonly timeout: number
}

/** How an object gets to where it was sealed for, whatever the configuration says by then (A3, L7). */
type Place =
  | { readonly directory: string }
  | { readonly bucket: string; readonly options: Partial<S3Options> }

/** Of the options, those that stay with what was sealed. Credentials and retries are always the present ones. */
const fixed = [
  'region',
  'endpoint',
  's3_force_path_style',
  'disable_ssl',
  'acl',
  'storage_class',
  'checksum',
  'sse',
  'tags',
  'metadata',
  'expected_bucket_owner',
  'object_lock'
] as const satisfies (keyof S3Options)[]

export interface Targets {
  /** `logs` are all of the batch. */
  open(bucket: string, logs: Logs): Promise<Target>
  storeAt(place: unknown): Store
  placeOf(archive: string): unknown
  close(): void
}

/** The stores of an exporter: that of its configuration, those that data names, and those of what is open. */
export async function openTargets(
  options: TargetOptions,
  context: LaneContext,
  /** Indices of the records that ask for a bucket. */
  recordsFor: (logs: Logs, bucket: string) => number[]
): Promise<Targets> {
  const { s3_bucket } = options.s3uploader
  const stores = await storesByPlace(options, context)
  if (s3_bucket.startsWith('file:')) {
    const place: Place = { directory: s3_bucket.slice('file:'.length).replace(/^\/\//, '') }
    const target = { name: stores.at(place).name, place }
    return {
      open: async () => target,
      storeAt: stores.at,
      placeOf: (archive) => (archive === target.name ? place : undefined),
      close: stores.close
    }
  }
  const placeIn = (bucket: string): Place => ({ bucket, options: fixedOf(options.s3uploader) })
  const buckets = watchBuckets((bucket) => stores.at(placeIn(bucket)), s3_bucket, context)
  return {
    open: async (bucket, logs) => {
      await buckets.ask(bucket, () => recordsFor(logs, bucket))
      return { name: `s3://${bucket}`, place: placeIn(bucket) }
    },
    storeAt: stores.at,
    placeOf: (archive) => placeIn(archive.slice('s3://'.length)),
    close: stores.close
  }
}

function fixedOf(options: S3Options): Partial<S3Options> {
  return Object.fromEntries(fixed.map((key) => [key, options[key]]))
}

/** One store for each place. Directories are opened at once: one that cannot be written to stops the start. */
async function storesByPlace(
  { s3uploader, timeout }: TargetOptions,
  { id, lane, log }: LaneContext
) {
  const limits = {
    timeout,
    notice: (text: string) => log.warn(`${id}: ${text}`),
    maxSockets: lane.consumers ?? 10,
    sessionName: `auditcol-${lane.id}`
  }
  const stores = new Map<string, Store>()
  const directories = new Set<string>()
  if (s3uploader.s3_bucket.startsWith('file:')) {
    directories.add(s3uploader.s3_bucket.slice('file:'.length).replace(/^\/\//, ''))
  }
  for (const archive of lane.book.archives.values()) {
    for (const item of archive.queue) {
      const place = item.kind === 'intent' ? (item.place as Place) : undefined
      if (place && 'directory' in place) directories.add(place.directory)
    }
  }
  for (const directory of directories) {
    const store = await openDirectoryStore({ directory, writer: lane.id })
    stores.set(JSON.stringify({ directory }), store)
  }
  const at = (place: unknown): Store => {
    const key = JSON.stringify(place)
    const open = stores.get(key)
    if (open) return open
    const { bucket, options } = place as Extract<Place, { bucket: string }>
    const store = s3Stores({ ...s3uploader, ...options }, limits)(bucket)
    stores.set(key, store)
    return store
  }
  return {
    at,
    close: () => {
      for (const store of stores.values()) store.close()
    }
  }
}

/** A bucket that data names is given up for the records that ask for it after so long (A7). */
const budgetMs = 5 * 60_000
const askAgainMs = 30_000

/**
 * The configured bucket may be away at start: a warning, and what is sealed for it waits. One that a
 * record names is asked for before it gets its first number: a bogus name must not block the lane (A7).
 */
function watchBuckets(
  store: (bucket: string) => Store,
  configured: string,
  { lane, log, id }: LaneContext
) {
  const known = new Set([configured])
  for (const name of lane.book.archives.keys()) known.add(name.slice('s3://'.length))
  const missing = new Map<string, { since: number; asked: number; error: Error }>()
  const budget = lane.retry.max_elapsed_time || budgetMs
  if (configured !== '') {
    store(configured)
      .reach()
      .catch((cause: Error) => log.warn(`${id}: ${cause.message}; what is sealed waits for it`))
  }

  const ask = async (bucket: string, records: () => number[]): Promise<void> => {
    if (known.has(bucket)) return
    const before = missing.get(bucket)
    const now = Date.now()
    if (before && now - before.since > budget && now - before.asked < askAgainMs) {
      throw unsealable(bucket, records(), before.error)
    }
    try {
      await store(bucket).reach()
    } catch (cause) {
      const since = before?.since ?? now
      if (missing.size > 10_000) missing.clear()
      missing.set(bucket, { since, asked: now, error: cause as Error })
      if (now - since > Math.min(budget, longestTimeout)) {
        throw unsealable(bucket, records(), cause as Error)
      }
      throw cause
    }
    missing.delete(bucket)
    known.add(bucket)
  }
  return { ask }
}

function unsealable(bucket: string, records: number[], cause: Error): PermanentError {
  const message = `reaching the bucket ${JSON.stringify(bucket)}, which records ask for: ${cause.message}`
  return new PermanentError(message, { cause, records, rest: 'again' })
}
