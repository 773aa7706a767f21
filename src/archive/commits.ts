import { RefusedError } from '../component.ts'
import type { ArchiveState, Commit } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import type { Book } from '../journal/book.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { Attempts } from './attempts.ts'
import { commitKey, composeCommit, takenBy } from './commit.ts'
import type { Stored } from './leaf.ts'
import { put } from './put.ts'
import { sha256Of } from './sha256.ts'
import { type Spool, SpoolDamaged } from './spool.ts'
import type { Store } from './store.ts'

export interface CommitsOptions {
  readonly state: ArchiveState
  readonly book: Book
  readonly spool: Spool
  /** Where commits go. */
  readonly store: () => Store
  /** Objects stored and not committed yet; those that a commit takes are removed. */
  readonly stored: Map<number, Stored>
  /** So many stored objects are worth a commit at once. */
  readonly enough: number
  readonly attempts: Attempts
  readonly log: Log
  count(name: string, n: number): void
  /** A commit is stored, or none can be made now. */
  ended(): void
}

/** The commits of an archive, one after the other: the next is composed only when the last is stored (A8). */
export interface Commits {
  readonly running: boolean
  /** Commits what is stored, unless that is under way. */
  start(): void
}

/**
 * A commit is two synced frames and a PUT: one for each object cost 3 % of the records per CPU-second
 * under load. So there is one in so many milliseconds, unless many objects wait for it.
 */
const spacingMs = 500

export function createCommits(options: CommitsOptions): Commits {
  const { state, book, spool, stored, attempts, log } = options
  let running = false
  let changed = () => {}
  let composed = Number.NEGATIVE_INFINITY

  const commitAll = async () => {
    // One that was written down before a restart may have arrived.
    let attempted = state.pending !== undefined
    for (;;) {
      if (state.pending === undefined && stored.size > 0) await spaced()
      if (attempts.ending) return
      const commit = state.pending ?? composeCommit(state, stored)
      if (commit === undefined) return
      composed = performance.now()
      if (state.pending === undefined) {
        await asideVoided(commit)
        await book.write({ do: 'commit', ...commit })
      }
      if (!(await store(commit, attempted))) return
      attempted = false
      await end(commit)
    }
  }

  /** Resolves when it is time for the next commit: at once where a sender waits for it (L8), and at a stop. */
  const spaced = async () => {
    const isTime = () =>
      !book.durable || attempts.finishing || attempts.ending || stored.size >= options.enough
    const wait = composed + spacingMs - performance.now()
    if (isTime() || wait <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, wait)
    changed = () => {
      if (isTime()) resolve()
    }
    await promise
    clearTimeout(timer)
  }

  /** The spool file goes with the commit: what an operator gave up is kept elsewhere (A7). */
  const asideVoided = async (commit: Commit) => {
    for (const { intent, object } of takenBy(state, commit)) {
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

  const store = async (commit: Commit, attempted: boolean): Promise<boolean> => {
    const key = commitKey(state.root, commit.commit)
    const body = Buffer.from(commit.text)
    const object = { body, sha256: await sha256Of(body), contentType: 'application/x-ndjson' }
    const sending = { key, object, attempted }
    return await attempts.repeat(async () => {
      const how = await put(options.store(), sending, attempts.signal)
      if (how === 'unverified') log.warn(notVerified, { key })
    })
  }

  const end = async (commit: Commit) => {
    const taken = takenBy(state, commit)
    await book.write({ do: 'committed', archive: state.name, commit: commit.commit })
    options.count('commits', 1)
    for (const { object } of taken) {
      stored.delete(object.number)
      if (!object.voided) options.count('records', object.records)
    }
    for (const spoolFile of new Set(taken.map(({ intent }) => intent.spool))) {
      if (!isUsed(book, spoolFile)) await remove(spoolFile)
    }
    options.ended()
  }

  /** One that cannot be removed costs its room until the next start, and nothing waits for that. */
  const remove = (spoolFile: string) =>
    spool.remove(spoolFile).catch((error) => {
      log.warn('a spool file that is needed no more stays', {
        file: spoolFile,
        error: reasonOf(error)
      })
    })

  return {
    get running() {
      return running
    },
    start: () => {
      changed()
      if (running) return
      running = true
      commitAll()
        .catch((error: Error) => {
          // The journal has closed: the next start goes on from the frames.
          if (!(error instanceof RefusedError)) attempts.stop(error)
        })
        .finally(() => {
          running = false
          options.ended()
        })
    }
  }
}

const notVerified = 'commit stored, not verified: reading is denied, so a second writer is not seen'

/** Whether an object that is not committed lies in this spool file, of whatever archive. */
function isUsed(book: Book, spool: string): boolean {
  for (const archive of book.archives.values()) {
    for (const { intent } of openObjects(archive)) if (intent.spool === spool) return true
  }
  return false
}
