import { type LaneContext, PermanentError } from '../component.ts'
import { longestTimeout } from '../deadline.ts'
import type { Logs } from '../logs/logs.ts'
import { openDirectoryStore } from './directory_store.ts'
import type { CheckName } from './findings.ts'
import type { Target } from './open_archives.ts'
import { rememberProbes, type Subject } from './probes.ts'
import type { S3Options } from './s3_options.ts'
import { s3Stores } from './s3_store.ts'
import type { Store } from './store.ts'
import { createSubjects, directoryOf, type Uploader } from './subjects.ts'
import { unlessAborted } from './unless_aborted.ts'
import { watchStore } from './watched_store.ts'

export interface TargetOptions {
  readonly require: readonly CheckName[]
  readonly s3uploader: Uploader & { readonly s3_bucket: string }
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
  const subjects = createSubjects(options.s3uploader, context.lane)
  const probes = rememberProbes(options.require, subjects.folder, context)
  const isRequired = options.require.length > 0
  const target = (place: Place, subject: Subject): Target => {
    return { name: subject.name, place, checks: () => probes.checks(subject.identity) }
  }
  const configured = s3_bucket === '' ? undefined : subjects.of(s3_bucket)
  const watched =
    configured && (await watchStore(() => probes.ask(configured), isRequired, context))
  const placeIn = (bucket: string): Place =>
    bucket.startsWith('file:')
      ? { directory: directoryOf(bucket) }
      : { bucket, options: fixedOf(options.s3uploader) }
  const buckets = watchBuckets((bucket) => probes.ask(subjects.of(bucket)), s3_bucket, context)
  return {
    open: async (bucket, logs) => {
      if (bucket === s3_bucket) await watched!.ready()
      else await buckets.ask(bucket, () => recordsFor(logs, bucket))
      return target(placeIn(bucket), subjects.of(bucket))
    },
    storeAt: (place) => {
      const store = stores.at(place)
      return isRequired && store.name === configured?.name ? held(store, watched!.allowed) : store
    },
    placeOf: (archive) => {
      if (archive === configured?.name) return placeIn(s3_bucket)
      return archive.startsWith('s3://') ? placeIn(archive.slice('s3://'.length)) : undefined
    },
    close: stores.close
  }
}

/** Nothing is created before it is allowed. */
function held(store: Store, allowed: () => Promise<void>): Store {
  return {
    ...store,
    create: async (key, object, signal) => {
      await (signal ? unlessAborted(allowed(), signal) : allowed())
      return await store.create(key, object, signal)
    }
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
    directories.add(directoryOf(s3uploader.s3_bucket))
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

/** A bucket that a record names is asked for before it gets its first number: a bogus name must not block the lane (A7). */
function watchBuckets(
  probed: (bucket: string) => Promise<void>,
  configured: string,
  { lane }: LaneContext
) {
  const known = new Set([configured])
  for (const name of lane.book.archives.keys()) known.add(name.slice('s3://'.length))
  const missing = new Map<string, { since: number; asked: number; error: Error }>()
  const budget = lane.retry.max_elapsed_time || budgetMs

  const ask = async (bucket: string, records: () => number[]): Promise<void> => {
    if (known.has(bucket)) return
    const before = missing.get(bucket)
    const now = performance.now()
    if (before && now - before.since > budget && now - before.asked < askAgainMs) {
      throw unsealable(bucket, records(), before.error)
    }
    try {
      await probed(bucket)
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
