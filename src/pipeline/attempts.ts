import { nextInterval, sleep, spread } from '../backoff.ts'
import {
  type Batch,
  type Exporter,
  PermanentError,
  RefusedError,
  type RetryIntervals
} from '../component.ts'
import { withDeadline } from '../deadline.ts'
import type { Log } from '../telemetry/log.ts'
import { watchOutage } from '../telemetry/outage.ts'
import { reasonOf } from '../telemetry/reason.ts'

/** The Collector's retry_on_failure. */
export interface RetryOptions extends RetryIntervals {
  readonly enabled: boolean
}

export interface AttemptsOptions {
  readonly exporter: Exporter
  readonly retry: RetryOptions
  /** Of one attempt; 0: no limit, or the exporter's own. */
  readonly timeout: number
  readonly log: Log
  /** Nothing is tried any more. */
  readonly halted: AbortSignal
  halt(): void
}

/** Hands batches to an exporter until it takes them (L4). */
export interface Attempts {
  /** Resolves when the exporter has taken the batch over; rejects with `left` when halted first, else when it never will. */
  deliver(batch: Batch): Promise<void>
  /** Something is being tried again. */
  readonly failing: boolean
  /** So much of the attempt with this batch was waiting for room, and is no attempt (A4). */
  waited(batch: Batch, milliseconds: number): void
  /** From now on nothing is tried again: the first failure halts. */
  finish(): void
  /** Ends the attempts that are under way. */
  abort(): void
}

/** The lane was halted before the batch was delivered: it stays where it is. */
export const left = new RefusedError('stopping', { reason: 'unavailable' })

export function createAttempts(options: AttemptsOptions): Attempts {
  const { exporter, retry, timeout, log, halted, halt } = options
  const aborted = new AbortController()
  const outage = watchOutage(log)
  /** Milliseconds that were no attempt. */
  const excused = new WeakMap<Batch, number>()
  let failing = 0
  let finishing = false

  /** Only an exporter's errors are tried again, always with the same batch (L4). */
  const deliver = async (batch: Batch): Promise<void> => {
    // Not the time of day: a clock set forward must not spend what a batch has left.
    const started = performance.now()
    let interval = retry.initial_interval
    for (;;) {
      try {
        await withDeadline(timeout, aborted.signal, (signal) => exporter(batch, signal))
        outage.over()
        return
      } catch (error) {
        if (error instanceof PermanentError) throw error
        if (finishing && !halted.aborted) {
          log.warn('exporting failed, not tried again while stopping', { error: reasonOf(error) })
          halt()
        }
        if (halted.aborted) throw left
        const wait = Math.max(spread(interval, retry), askedFor(error))
        if (spent(retry, performance.now() - started - (excused.get(batch) ?? 0) + wait)) {
          throw new Error('no more retries left', { cause: error })
        }
        outage.seen(error as Error, wait)
        failing++
        await sleep(wait, halted)
        failing--
        if (halted.aborted) throw left
        interval = nextInterval(interval, retry)
      }
    }
  }

  return {
    deliver,
    get failing() {
      return failing > 0
    },
    waited: (batch, milliseconds) =>
      void excused.set(batch, (excused.get(batch) ?? 0) + milliseconds),
    finish: () => {
      finishing = true
      if (failing > 0) halt()
    },
    abort: () => aborted.abort(new Error('stopping'))
  }
}

function askedFor(error: unknown): number {
  return error instanceof RefusedError ? error.retryAfter * 1000 : 0
}

function spent(retry: RetryOptions, elapsed: number): boolean {
  return !retry.enabled || (retry.max_elapsed_time > 0 && elapsed > retry.max_elapsed_time)
}
