import { nextInterval, sleep, spread } from '../backoff.ts'
import { PermanentError, type RetryIntervals } from '../component.ts'
import { SyncFailed } from '../disk.ts'
import type { Log } from '../telemetry/log.ts'
import { watchOutage } from '../telemetry/outage.ts'
import { FencedError } from './fenced.ts'
import { SpoolDamaged } from './spool.ts'

export interface AttemptsOptions {
  readonly doing: string
  readonly retry: RetryIntervals
  readonly log: Log
  /** A sync has failed: the program ends, nothing is tried again (J6). */
  fatal(error: Error): void
  /** Whether something goes on has changed. */
  changed(): void
  /** Called once with what no repeat will mend, until that is resumed. */
  stopped(error: Error): void
}

/** What an archive sends, repeated until the store has it; nothing is given up but by a stop. */
export interface Attempts {
  /** Aborts when nothing more is to be sent. */
  readonly signal: AbortSignal
  /** What no repeat will mend. */
  readonly stopped: Error | undefined
  /** The program is about to stop: what fails is not repeated. */
  readonly finishing: boolean
  /** Nothing more is begun. */
  readonly ending: boolean
  /** Attempts until one resolves: true. False when there will be no more of them, or `isMoot` says that none is needed. */
  repeat(attempt: () => Promise<void>, isMoot?: () => boolean): Promise<boolean>
  stop(error: Error): void
  /** What had stopped is out of the way; returns what it was. */
  resume(): Error | undefined
  /** From now on what fails is not repeated. */
  finish(): void
  /** Ends what is under way. */
  abort(): void
}

export function createAttempts(options: AttemptsOptions): Attempts {
  const { retry, log } = options
  const outage = watchOutage(log, options.doing)
  const hurried = new AbortController()
  let ended = new AbortController()
  let stopped: Error | undefined
  let finishing = false
  let givenUp = false

  const isEnding = () => givenUp || ended.signal.aborted

  const stop = (error: Error) => {
    if (stopped) return
    stopped = error
    ended.abort(error)
    options.changed()
    options.stopped(error)
  }

  /** Whether it is worth another attempt after this long. */
  const isRepeated = (error: Error, wait: number): boolean => {
    if (ended.signal.aborted) return false
    if (error instanceof SyncFailed) options.fatal(error)
    if (isFinal(error)) {
      stop(error)
      return false
    }
    outage.seen(error, wait)
    if (finishing) givenUp = true
    return !finishing
  }

  return {
    get signal() {
      return ended.signal
    },
    get stopped() {
      return stopped
    },
    get finishing() {
      return finishing
    },
    get ending() {
      return isEnding()
    },
    repeat: async (attempt, isMoot = () => false) => {
      let interval = retry.initial_interval
      for (;;) {
        try {
          await attempt()
          outage.over()
          return true
        } catch (error) {
          const wait = spread(interval, retry)
          if (!isRepeated(error as Error, wait)) return false
          interval = nextInterval(interval, retry)
          await sleep(wait, AbortSignal.any([ended.signal, hurried.signal]))
          if (isEnding() || isMoot()) return false
        }
      }
    },
    stop,
    resume: () => {
      const was = stopped
      stopped = undefined
      if (ended.signal.aborted) ended = new AbortController()
      return was
    },
    finish: () => {
      finishing = true
      // What is being repeated has failed.
      if (outage.failing) givenUp = true
      // Nobody waits any more: a stop would last as long as the longest of the intervals.
      hurried.abort()
    },
    abort: () => ended.abort(new Error('stopping'))
  }
}

function isFinal(error: unknown): boolean {
  return [FencedError, PermanentError, SpoolDamaged, SyncFailed].some((one) => error instanceof one)
}
