import { nextInterval, sleep, spread } from '../backoff.ts'
import type { LaneContext } from '../component.ts'
import { RequirementError } from './requirements.ts'

/** The configured store, which may be away at start. */
export interface WatchedStore {
  /** Resolves when it may be sealed for; rejects when the lane stops first. */
  ready(): Promise<void>
  /** Resolves when it may be written to; rejects when the lane stops first. */
  allowed(): Promise<void>
}

/** How long a start waits for a store that is required to be right, and the first seal of a run for any. */
const startMs = 15_000
const firstSealMs = 5_000

/**
 * Asks the store now, and while it is away again and again. Nothing waits for a store of which nothing
 * is required, but the first seal, a moment, so that its archive's first leaf can say what was found.
 * Where something is required, a start with a store that is there and is wrong is refused; with one
 * that is away records wait in the journal, neither sealed nor sent: what is sealed can never go to
 * another store, and a bucket that must be locked must not get objects that are not.
 */
export async function watchStore(
  ask: () => Promise<void>,
  isRequired: boolean,
  { id, lane, log }: LaneContext
): Promise<WatchedStore> {
  const answered = Promise.withResolvers<void>()
  const stopping = Promise.withResolvers<never>()
  stopping.promise.catch(() => {})
  const first = ask()
  let asking = first
  // What is being asked just now may still decide: a short run delivers too.
  lane.finishing.addEventListener('abort', () => {
    const end = () => stopping.reject(new Error('stopping'))
    within(asking, firstSealMs).then(end, end)
  })
  const waiting = isRequired
    ? 'nothing is sealed before it was probed, because of require; records wait in the journal'
    : 'what is sealed waits for it'
  if (isRequired) {
    const isLate = await within(first, startMs).catch((error) => {
      if (error instanceof RequirementError) throw error
      return false
    })
    if (isLate) log.warn(`${id}: the store has not answered in ${startMs / 1000} s; ${waiting}`)
  }
  const firstTry = first.then(answered.resolve, (error: Error) => {
    if (error instanceof RequirementError) return lane.stopped(error)
    log.warn(`${id}: ${error.message}; ${waiting}`)
    void again()
  })

  async function again() {
    let interval = lane.retry.initial_interval
    for (;;) {
      await sleep(spread(interval, lane.retry), lane.finishing)
      if (lane.finishing.aborted) return
      interval = nextInterval(interval, lane.retry)
      try {
        asking = ask()
        await asking
        if (isRequired) log.info(`${id}: the store has what is required`)
        return answered.resolve()
      } catch (error) {
        if (error instanceof RequirementError) return lane.stopped(error)
      }
    }
  }

  return {
    ready: async () => {
      if (isRequired) await Promise.race([answered.promise, stopping.promise])
      else await within(firstTry, firstSealMs)
    },
    allowed: async () => {
      if (isRequired) await Promise.race([answered.promise, stopping.promise])
    }
  }
}

/** Whether the work takes longer than so many milliseconds; it goes on then. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<true>()
  const timer = setTimeout(() => resolve(true), milliseconds)
  try {
    return (await Promise.race([work, promise])) === true
  } finally {
    clearTimeout(timer)
  }
}
