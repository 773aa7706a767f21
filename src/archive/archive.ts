import { nextInterval, sleep, spread } from '../backoff.ts'
import { PermanentError, RefusedError, type RetryIntervals } from '../component.ts'
import { SyncFailed } from '../disk.ts'
import type { ArchiveState, Commit, Intent, OpenObject } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import type { Book } from '../journal/book.ts'
import type { Log } from '../telemetry/log.ts'
import { watchOutage } from '../telemetry/outage.ts'
import { commitKey, composeCommit } from './commit.ts'
import { FencedError } from './fenced.ts'
import type { Stored } from './leaf.ts'
import { put, type Upload } from './put.ts'
import { rivalOf } from './rival.ts'
import type { Slots } from './slots.ts'
import { type Spool, SpoolDamaged } from './spool.ts'
import type { Store } from './store.ts'

export interface ArchiveOptions {
  readonly state: ArchiveState
  readonly book: Book
  readonly spool: Spool
  /** The store of a place that an intent names; what is open of it is shared. */
  readonly storeAt: (place: unknown) => Store
  /** Where commits go when no intent says so: the place that the configuration has for this archive. */
  readonly place: unknown
  /** PUTs of the lane that run at once. */
  readonly slots: Slots
  readonly retry: RetryIntervals
  readonly log: Log
  count(name: string, n: number): void
  /** Nothing more can be done here; what there is stays (A5, A7). */
  stopped(error: Error): void
  /** An operator has voided what was in the way. */
  resumed(error: Error): void
}

/** One lane's objects in one bucket, from the spool to their commits. */
export interface Archive {
  /** These bodies were just sealed, and need not be read again if a slot is free for them. */
  sealed(bodies: ReadonlyMap<number, Uint8Array>): void
  /** Resolves when an object may be sealed (A4); rejects when it is full and has stopped. */
  room(): Promise<void>
  /** Resolves when everything up to this number is committed; rejects when that will not be. */
  committed(number: number): Promise<void>
  /** An object was given up: what had stopped for it goes on (A7). */
  voided(): void
  /** From now on what fails is not repeated. */
  finish(): void
  /** Resolves when nothing is left to do, or nothing can be done. */
  idle(): Promise<void>
  /** Ends what is under way. */
  abort(): void
}

/**
 * Stores what is sealed and commits it (A5, A8). After a restart every open object counts as
 * attempted: its last PUT may have arrived when nobody was there to hear it.
 */
export function openArchive(options: ArchiveOptions): Archive {
  const { state, book, spool, slots, log } = options
  let ended = new AbortController()
  const stored = new Map<number, Stored>()
  const uploads = new Map<number, Upload>()
  const bodies = new Map<number, Uint8Array>()
  const outage = watchOutage(log, `storing in ${state.name}`)
  const attemptedBelow = state.next
  let committing = false
  let stopped: Error | undefined
  let finishing = false
  let givenUp = false
  let waiters: (() => void)[] = []

  const wake = () => {
    const woken = waiters
    waiters = []
    for (const resolve of woken) resolve()
  }

  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => waiters.push(resolve))
  }

  const pump = () => {
    if (stopped || isEnding()) return wake()
    for (const { intent, object } of openObjects(state)) {
      const { number } = object
      if (object.voided || stored.has(number) || uploads.has(number)) continue
      if (!slots.take(pump)) break
      void upload(intent, object)
    }
    if (!committing) void commitAll()
    wake()
  }

  const upload = async (intent: Intent, object: OpenObject) => {
    const { number } = object
    const attempted = number < attemptedBelow
    const sending: Upload = { key: object.key, object: headersOf(object), attempted }
    uploads.set(number, sending)
    let interval = options.retry.initial_interval
    for (;;) {
      const wait = await attempt(intent, object, sending).then(
        () => undefined,
        (error: Error) => failed(error, spread(interval, options.retry))
      )
      slots.release()
      if (wait === undefined) break
      interval = nextInterval(interval, options.retry)
      await sleep(wait, ended.signal)
      if (stopped || isEnding() || isVoided(number)) break
      await slots.wait(ended.signal)
      if (ended.signal.aborted) break
    }
    uploads.delete(number)
    pump()
  }

  /** How long to wait before the next attempt; undefined when there is none. */
  const failed = (error: Error, wait: number): number | undefined => {
    if (ended.signal.aborted) return undefined
    if (error instanceof SyncFailed) book.fatal(error)
    if (isFinal(error)) {
      stop(error)
      return undefined
    }
    outage.seen(error, wait)
    if (!finishing) return wait
    givenUp = true
    return undefined
  }

  const attempt = async (intent: Intent, object: OpenObject, sending: Upload) => {
    const { number, key, size, records } = object
    const body = bodies.get(number) ?? (await spool.read(intent.spool, object))
    bodies.delete(number)
    const store = options.storeAt(intent.place)
    const whole: Upload = { ...sending, object: { ...sending.object, body } }
    try {
      const how = await put(store, whole, ended.signal)
      outage.over()
      if (how === 'unverified') {
        log.warn(
          'object stored, not verified: an earlier attempt took the key, reading is denied',
          {
            key,
            store: store.name
          }
        )
      }
      stored.set(number, { unverified: how === 'unverified' })
    } catch (error) {
      sending.attempted = whole.attempted
      throw error
    }
    options.count('objects', 1)
    options.count('bytes', size)
    log.debug('object stored', { store: store.name, key, records, bytes: size })
  }

  const isVoided = (number: number) =>
    openObjects(state).some(({ object }) => object.number === number && object.voided)

  /** Commits one after the other: the next is composed only when the last is stored (A8). */
  const commitAll = async () => {
    committing = true
    try {
      let repeated = state.pending !== undefined
      for (;;) {
        const commit = state.pending ?? composeCommit(state, stored)
        if (commit === undefined) return
        if (state.pending === undefined) {
          await asideVoided(commit)
          await book.write({ do: 'commit', ...commit })
        }
        if (!(await storeCommit(commit, repeated))) return
        repeated = false
        await endCommit(commit)
      }
    } catch (error) {
      // The journal has closed: the next start goes on from the frames.
      if (!(error instanceof RefusedError)) stop(error as Error)
    } finally {
      committing = false
      wake()
    }
  }

  /** The spool file goes with the commit: what an operator gave up is kept elsewhere (A7). */
  const asideVoided = async (commit: Commit) => {
    for (const { intent, object } of takenBy(commit)) {
      if (object.voided === undefined || stored.has(object.number)) continue
      const path = await spool
        .putAside(intent.spool, object, object.voided.reason)
        .catch((error) => {
          if (error instanceof SpoolDamaged) return undefined
          throw error
        })
      log.warn('an object was voided', {
        number: object.number,
        kept_in: path ?? 'nowhere, it does not read'
      })
    }
  }

  const takenBy = (commit: Commit) => {
    const leaving = new Set(state.queue.slice(0, commit.items))
    const partly = state.queue[commit.items]
    return openObjects(state).filter(
      ({ intent, object }) =>
        leaving.has(intent) ||
        (intent === partly && intent.objects.indexOf(object) < intent.taken + commit.objects)
    )
  }

  const storeCommit = async (commit: Commit, repeated: boolean): Promise<boolean> => {
    const body = Buffer.from(commit.text)
    const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', body))
    const object = { body, sha256, contentType: 'application/x-ndjson' }
    const sending = { key: commitKey(state.root, commit.commit), object, attempted: repeated }
    let interval = options.retry.initial_interval
    for (;;) {
      try {
        const how = await put(options.storeAt(placeOfCommits()), sending, ended.signal)
        if (how === 'unverified') {
          log.warn(
            'commit stored, not verified: reading is denied, so a second writer is not seen',
            {
              key: sending.key
            }
          )
        }
        outage.over()
        return true
      } catch (error) {
        if (ended.signal.aborted) return false
        if (error instanceof SyncFailed) book.fatal(error)
        if (isFinal(error)) {
          stop(error as Error)
          return false
        }
        const wait = spread(interval, options.retry)
        outage.seen(error as Error, wait)
        if (finishing) {
          givenUp = true
          return false
        }
        interval = nextInterval(interval, options.retry)
        await sleep(wait, ended.signal)
        if (stopped || isEnding()) return false
      }
    }
  }

  const placeOfCommits = (): unknown => {
    const intent = state.queue.find((item) => item.kind === 'intent')
    return intent?.place ?? options.place
  }

  const endCommit = async (commit: Commit) => {
    const taken = takenBy(commit)
    await book.write({ do: 'committed', archive: state.name, commit: commit.commit })
    options.count('commits', 1)
    for (const { object } of taken) {
      stored.delete(object.number)
      if (!object.voided) options.count('records', object.records)
    }
    for (const spoolFile of new Set(taken.map(({ intent }) => intent.spool))) {
      if (!isUsed(book, spoolFile)) await spool.remove(spoolFile)
    }
    wake()
  }

  const stop = (error: Error) => {
    if (stopped) return
    stopped = error
    ended.abort(error)
    bodies.clear()
    wake()
    if (!(error instanceof FencedError)) return options.stopped(error)
    // Who it is can be asked for at leisure: nothing is sent any more.
    void rivalOf(options.storeAt(placeOfCommits()), state).then((who) =>
      options.stopped(new Error(who === undefined ? error.message : `${error.message} (${who})`))
    )
  }

  const isEnding = () => givenUp || ended.signal.aborted

  const isIdle = () =>
    stopped !== undefined ||
    (uploads.size === 0 && !committing && (isEnding() || openObjects(state).length === 0))

  // Not at once: whoever opens this has to know of it first.
  setImmediate(pump)

  return {
    sealed: (fresh) => {
      for (const [number, body] of fresh) if (bodies.size < slots.free) bodies.set(number, body)
      pump()
    },
    room: async () => {
      const isFull = () => openObjects(state).length >= 2 * slots.size
      await until(() => stopped !== undefined || isEnding() || !isFull())
      if (isFull()) throw new Error(`sealing for ${state.name}: it has stopped`, { cause: stopped })
    },
    committed: async (number) => {
      const isOpen = () => openObjects(state).some(({ object }) => object.number <= number)
      await until(() => stopped !== undefined || isEnding() || !isOpen())
      if (isOpen()) {
        const cause = stopped
        if (cause) throw new PermanentError(`committing in ${state.name}`, { cause })
        throw new Error(`committing in ${state.name}: stopping`)
      }
    },
    voided: () => {
      if (stopped instanceof FencedError) return
      if (stopped) options.resumed(stopped)
      stopped = undefined
      if (ended.signal.aborted) ended = new AbortController()
      pump()
    },
    finish: () => {
      finishing = true
      // What is being repeated has failed.
      if (outage.failing) givenUp = true
      pump()
    },
    idle: () => until(isIdle),
    abort: () => {
      ended.abort(new Error('stopping'))
      wake()
    }
  }
}

/** Whether an object that is not committed lies in this spool file, of whatever archive. */
export function isUsed(book: Book, spool: string): boolean {
  for (const archive of book.archives.values()) {
    for (const { intent } of openObjects(archive)) if (intent.spool === spool) return true
  }
  return false
}

/** No repeat will mend it. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof FencedError || error instanceof PermanentError || error instanceof SpoolDamaged
  )
}

function headersOf({ sha256, contentType, contentEncoding }: OpenObject) {
  return {
    body: new Uint8Array(),
    sha256: new Uint8Array(Buffer.from(sha256, 'hex')),
    contentType,
    ...(contentEncoding && { contentEncoding })
  }
}
