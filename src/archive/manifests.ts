import { RefusedError } from '../component.ts'
import { longestTimeout } from '../deadline.ts'
import type { ArchiveState, Manifest } from '../journal/archive_frames.ts'
import type { Book } from '../journal/book.ts'
import type { Log } from '../telemetry/log.ts'
import type { Attempts } from './attempts.ts'
import { FencedError } from './fenced.ts'
import { composeManifest, nextClosing } from './manifest.ts'
import { put } from './put.ts'
import { sha256Of } from './sha256.ts'
import type { Store } from './store.ts'

export interface ManifestsOptions {
  readonly state: ArchiveState
  readonly book: Book
  readonly store: () => Store
  readonly attempts: Attempts
  readonly log: Log
  count(name: string, n: number): void
  /** Nothing is sealed meanwhile: what is sealed later is late, and says so in its key. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
  /** There is no more to write now. */
  ended(): void
}

/** The manifests of an archive, one after the other; a partition is closed when the clock says so. */
export interface Manifests {
  readonly running: boolean
  /** Writes those that are due, and looks again when the next one is. */
  start(): void
  /** Nothing is closed any more. */
  stop(): void
}

export function createManifests(options: ManifestsOptions): Manifests {
  const { state, book, attempts, log } = options
  let running = false
  let askedAgain = false
  let timer: NodeJS.Timeout | undefined

  const writeAll = async () => {
    // One that was written down before a restart may have arrived.
    let attempted = state.manifest !== undefined
    for (;;) {
      const manifest = state.manifest ?? (await options.inTurn(compose))
      if (manifest === undefined || !(await store(manifest, attempted))) return
      attempted = false
      await book.write({ do: 'manifested', archive: state.name, key: manifest.key })
    }
  }

  const compose = async (): Promise<Manifest | undefined> => {
    const manifest = attempts.ending ? undefined : composeManifest(state, Date.now())
    if (manifest) await book.write({ do: 'manifest', ...manifest })
    return manifest
  }

  const store = async ({ key, text }: Manifest, attempted: boolean): Promise<boolean> => {
    const body = Buffer.from(text)
    const object = { body, sha256: await sha256Of(body), contentType: 'application/json' }
    const sending = { key, object, attempted }
    return await attempts.repeat(async () => {
      try {
        await put(options.store(), sending, attempts.signal)
        options.count('manifests', 1)
      } catch (cause) {
        if (!(cause instanceof FencedError)) throw cause
        // What is there stays. Whether somebody else writes here too is for the commits to find out.
        log.error('a partition has another manifest already, which stays', { key })
      }
    })
  }

  const start = () => {
    askedAgain = running
    if (running || attempts.ending) return
    clearTimeout(timer)
    // Most archives have no partitions, and nothing to wait for.
    if (state.partitions === undefined && state.manifest === undefined) return
    running = true
    writeAll()
      .catch((error: Error) => {
        // The journal has closed: the next start goes on from the frames.
        if (!(error instanceof RefusedError)) attempts.stop(error)
      })
      .finally(() => {
        running = false
        if (askedAgain) start()
        else waitForNext()
        options.ended()
      })
  }

  const waitForNext = () => {
    const now = Date.now()
    const at = nextClosing(state, now)
    if (at === undefined || attempts.ending) return
    timer = setTimeout(start, Math.min(at - now, longestTimeout))
    timer.unref()
  }

  return {
    get running() {
      return running
    },
    start,
    stop: () => clearTimeout(timer)
  }
}
