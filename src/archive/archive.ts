import { PermanentError, type RetryIntervals } from '../component.ts'
import type { ArchiveState } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import type { Book } from '../journal/book.ts'
import type { Log } from '../telemetry/log.ts'
import { createAttempts } from './attempts.ts'
import { createCommits } from './commits.ts'
import { FencedError } from './fenced.ts'
import { createManifests } from './manifests.ts'
import { rivalOf } from './rival.ts'
import type { Slots } from './slots.ts'
import type { Spool } from './spool.ts'
import type { Store } from './store.ts'
import { createUploads } from './uploads.ts'

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
  /** Runs when no batch of the lane gets its numbers. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
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

/** Stores what is sealed and commits what is stored, side by side. */
export function openArchive(options: ArchiveOptions): Archive {
  const { state, book, spool, slots, log, storeAt, count } = options
  let waiters: (() => void)[] = []

  const attempts = createAttempts({
    doing: `storing in ${state.name}`,
    retry: options.retry,
    log,
    fatal: book.fatal,
    changed: () => wake(),
    stopped: (error) => stopped(error)
  })
  const uploads = createUploads({
    ...{ state, book, spool, storeAt, slots, attempts, log, count },
    ended: () => goOn()
  })
  const commits = createCommits({
    ...{ state, book, spool, attempts, log, count },
    stored: uploads.stored,
    enough: slots.size,
    store: () => storeOfCommits(),
    ended: () => {
      manifests.start()
      wake()
    }
  })
  const manifests = createManifests({
    ...{ state, book, attempts, log, count },
    store: () => storeAt(state.place),
    inTurn: options.inTurn,
    ended: () => wake()
  })

  const goOn = () => {
    if (!attempts.ending) {
      uploads.start()
      commits.start()
      manifests.start()
    }
    wake()
  }

  const storeOfCommits = (): Store => {
    const intent = state.queue.find((item) => item.kind === 'intent')
    return storeAt(intent?.place ?? options.place)
  }

  const stopped = (error: Error) => {
    uploads.forget()
    if (!(error instanceof FencedError)) return options.stopped(error)
    // Who it is can be asked for at leisure: nothing is sent any more.
    void rivalOf(storeOfCommits(), state).then((who) =>
      options.stopped(who === undefined ? error : new Error(`${error.message} (${who})`))
    )
  }

  const wake = () => {
    const woken = waiters
    waiters = []
    for (const resolve of woken) resolve()
  }

  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => waiters.push(resolve))
  }

  const isDone = () =>
    attempts.stopped !== undefined ||
    (uploads.running === 0 &&
      !commits.running &&
      !manifests.running &&
      (attempts.ending || openObjects(state).length === 0))

  // Not at once: whoever opens this has to know of it first.
  setImmediate(goOn)

  return {
    sealed: (bodies) => {
      uploads.keep(bodies)
      goOn()
    },
    room: async () => {
      const isFull = () => openObjects(state).length >= 2 * slots.size
      await until(() => !isFull() || attempts.ending)
      if (isFull()) {
        throw new Error(`sealing for ${state.name}: it has stopped`, { cause: attempts.stopped })
      }
    },
    committed: async (number) => {
      const isOpen = () => openObjects(state).some(({ object }) => object.number <= number)
      await until(() => !isOpen() || attempts.ending)
      if (!isOpen()) return
      const cause = attempts.stopped
      if (cause) throw new PermanentError(`committing in ${state.name}`, { cause })
      throw new Error(`committing in ${state.name}: stopping`)
    },
    voided: () => {
      if (attempts.stopped instanceof FencedError) return
      const was = attempts.resume()
      if (was) options.resumed(was)
      goOn()
    },
    finish: () => {
      manifests.stop()
      attempts.finish()
      goOn()
    },
    idle: () => until(isDone),
    abort: () => {
      manifests.stop()
      attempts.abort()
      wake()
    }
  }
}
