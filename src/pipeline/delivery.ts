import { nextInterval, sleep, spread } from '../backoff.ts'
import {
  type Batch,
  type Exporter,
  type Meta,
  PermanentError,
  RefusedError,
  type RetryIntervals
} from '../component.ts'
import { longestTimeout } from '../group.ts'
import { cutLogs } from '../logs/cut.ts'
import { pickRecords } from '../logs/pick.ts'
import type { Log } from '../telemetry/log.ts'
import { watchOutage } from '../telemetry/outage.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { KeepLetter } from './dead_letters.ts'

/** The Collector's retry_on_failure. */
export interface RetryOptions extends RetryIntervals {
  readonly enabled: boolean
}

export interface DeliveryOptions {
  readonly exporter: Exporter
  /** Exports that run at once. */
  readonly consumers: number
  readonly retry: RetryOptions
  /** Of one attempt; 0: no limit, or the exporter's own. */
  readonly timeout: number
  readonly log: Log
  /** Keeps what will fail again; without it such a batch goes back to where it came from (L8). */
  readonly keep?: KeepLetter | undefined
  /** These frames are about to be settled, and left dead letters (L6). */
  refused?(covers: NonNullable<Meta['covers']>, letters: readonly string[], records: number): void
  /** The last call under way has ended, or no further one will begin. */
  idle(): void
}

/** The end of a lane: hands batches to the exporter, repeats what fails, and answers for it. */
export interface Delivery {
  take(batch: Batch): void
  /** Batches taken and not answered for. */
  readonly active: number
  /** Records that the exporter has taken over. */
  readonly delivered: number
  /** Something is being tried again. */
  readonly failing: boolean
  readonly halted: boolean
  /** So much of the attempt with this batch was waiting for room, and is no attempt (A4). */
  waited(batch: Batch, milliseconds: number): void
  /** From now on nothing is tried again: the first failure halts. */
  finish(): void
  /** Begins no further attempt: what waits is refused, and so stays in the journal. */
  halt(): void
  /** Resolves when nothing is under way. */
  finished(): Promise<void>
  /** Ends the attempts that are under way. */
  abort(): void
}

/** The lane was halted before the batch was delivered: it stays where it is. */
const left = new RefusedError('stopping', { reason: 'unavailable' })

export function createDelivery(options: DeliveryOptions): Delivery {
  const { exporter, log } = options
  const waiting = createWaiting()
  const halted = new AbortController()
  const aborted = new AbortController()
  const outage = watchOutage(log)
  /** Milliseconds that were no attempt. */
  const excused = new WeakMap<Batch, number>()
  let running = 0
  let failing = 0
  let finishing = false
  let delivered = 0
  let finished: (() => void)[] = []

  const next = () => {
    while (running < options.consumers && waiting.length > 0 && !halted.signal.aborted) {
      running++
      void deliver(waiting.first()).finally(() => {
        running--
        next()
        if (running > 0) return
        for (const resolve of finished) resolve()
        finished = []
        options.idle()
      })
    }
  }

  const halt = () => {
    if (halted.signal.aborted) return
    halted.abort()
    while (waiting.length > 0) waiting.first().settle(left)
    options.idle()
  }

  /** A batch larger than a piece may be goes on after the last piece delivered (L1). */
  const deliver = async (batch: Batch) => {
    const dead: Dead = { letters: [], records: 0 }
    try {
      for (const piece of exporter.cuts ? [batch] : piecesOf(batch)) {
        delivered += await deliverPiece(piece, dead)
      }
      if (dead.records > 0) options.refused?.(batch.meta.covers ?? [], dead.letters, dead.records)
      batch.settle()
    } catch (error) {
      batch.settle(error as Error)
    }
  }

  /** Returns how many records the exporter has taken over; the others are dead letters (L5). */
  const deliverPiece = async (batch: Batch, dead: Dead): Promise<number> => {
    let rest = batch
    for (;;) {
      try {
        await attempts(dead.records > 0 ? naming(rest, dead) : rest)
        return rest.logs.records
      } catch (error) {
        if (!options.keep || error === left) throw error
        const { records, unnamed, again } = refusalOf(error as Error)
        const chosen = records && new Set(records)
        const logs = chosen ? pickRecords(rest.logs, (index) => chosen.has(index)) : rest.logs
        const id = await options.keep(rest, logs, error as Error, unnamed, halted.signal)
        if (id === undefined) throw left
        dead.letters.push(id)
        dead.records += unnamed ?? logs.records
        if (!chosen) return unnamed === undefined ? 0 : rest.logs.records - unnamed
        if (!again) return rest.logs.records - logs.records
        const others = pickRecords(rest.logs, (index) => !chosen.has(index))
        if (others.records === 0) return 0
        rest = { logs: others, meta: rest.meta, settle: rest.settle }
      }
    }
  }

  /** Only an exporter's errors are tried again, always with the same batch (L4). */
  const attempts = async (batch: Batch): Promise<void> => {
    const started = Date.now()
    let interval = options.retry.initial_interval
    for (;;) {
      try {
        await attempt(batch)
        outage.over()
        return
      } catch (error) {
        if (error instanceof PermanentError) throw error
        if (finishing && !halted.signal.aborted) {
          log.warn('exporting failed, not tried again while stopping', { error: reasonOf(error) })
          halt()
        }
        if (halted.signal.aborted) throw left
        const wait = Math.max(spread(interval, options.retry), askedFor(error))
        if (spent(options.retry, Date.now() - started - (excused.get(batch) ?? 0) + wait)) {
          throw new Error('no more retries left', { cause: error })
        }
        outage.seen(error as Error, wait)
        failing++
        await sleep(wait, halted.signal)
        failing--
        if (halted.signal.aborted) throw left
        interval = nextInterval(interval, options.retry)
      }
    }
  }

  const attempt = async (batch: Batch) => {
    if (options.timeout === 0) return exporter(batch, aborted.signal)
    const ended = new AbortController()
    const late = () => ended.abort(new Error(`the attempt took longer than ${options.timeout} ms`))
    const timer = setTimeout(late, Math.min(options.timeout, longestTimeout))
    const stop = () => ended.abort(aborted.signal.reason)
    if (aborted.signal.aborted) stop()
    aborted.signal.addEventListener('abort', stop)
    try {
      await exporter(batch, ended.signal)
    } finally {
      clearTimeout(timer)
      aborted.signal.removeEventListener('abort', stop)
    }
  }

  return {
    take: (batch) => {
      if (halted.signal.aborted) return batch.settle(left)
      waiting.add(batch)
      next()
    },
    get active() {
      return running + waiting.length
    },
    get delivered() {
      return delivered
    },
    get failing() {
      return failing > 0
    },
    get halted() {
      return halted.signal.aborted
    },
    waited: (batch, milliseconds) =>
      void excused.set(batch, (excused.get(batch) ?? 0) + milliseconds),
    finish: () => {
      finishing = true
      if (failing > 0) halt()
    },
    halt,
    finished: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => finished.push(resolve)),
    abort: () => aborted.abort(new Error('stopping'))
  }
}

interface Dead {
  readonly letters: string[]
  records: number
}

/** The intent of an archive names the letters of its frames and counts their records (L6). */
function naming(batch: Batch, { letters, records }: Dead): Batch {
  return { ...batch, meta: { ...batch.meta, letters: [...letters], dead: records } }
}

/** Which records an error concerns, and whether the others are to go again. */
function refusalOf(error: Error) {
  if (!(error instanceof PermanentError)) return {}
  const { records, unnamed, rest } = error
  return { records: unnamed === undefined ? records : undefined, unnamed, again: rest === 'again' }
}

/** First in, first out. A window may hold 100,000 small batches, and shift() moves all that are left. */
function createWaiting() {
  let batches: (Batch | undefined)[] = []
  let next = 0
  return {
    get length() {
      return batches.length - next
    },
    add: (batch: Batch) => void batches.push(batch),
    first: (): Batch => {
      const batch = batches[next]!
      // Let go of at once: it may hold megabytes.
      batches[next++] = undefined
      if (next > 256 && next * 2 > batches.length) {
        batches = batches.slice(next)
        next = 0
      }
      return batch
    }
  }
}

function* piecesOf(batch: Batch): Generator<Batch> {
  const { piece } = batch.meta
  const fits =
    !piece ||
    (batch.logs.records <= (piece.records ?? Number.POSITIVE_INFINITY) &&
      batch.logs.bytes <= (piece.bytes ?? Number.POSITIVE_INFINITY))
  if (fits) {
    yield batch
    return
  }
  for (const logs of cutLogs(batch.logs, piece)) {
    yield { logs, meta: batch.meta, settle: () => {} }
  }
}

function askedFor(error: unknown): number {
  return error instanceof RefusedError ? error.retryAfter * 1000 : 0
}

function spent(retry: RetryOptions, elapsed: number): boolean {
  return !retry.enabled || (retry.max_elapsed_time > 0 && elapsed > retry.max_elapsed_time)
}
