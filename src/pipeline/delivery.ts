import { type Batch, type Exporter, type Meta, PermanentError, type Refused } from '../component.ts'
import { cutLogs } from '../logs/cut.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { createAttempts, left, type RetryOptions } from './attempts.ts'
import type { DeadLetters } from './dead_letters.ts'
import { refusalOf } from './refusal.ts'

export interface DeliveryOptions {
  readonly exporter: Exporter
  /** The exporter's id. */
  readonly id: string
  /** Exports that run at once. */
  readonly consumers: number
  readonly retry: RetryOptions
  /** Of one attempt; 0: no limit, or the exporter's own. */
  readonly timeout: number
  readonly log: Log
  /** Keep what will fail again; without them such a batch goes back to where it came from (L8). */
  readonly letters?: DeadLetters | undefined
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

export function createDelivery(options: DeliveryOptions): Delivery {
  const { exporter, id, letters } = options
  const waiting = createWaiting()
  const halted = new AbortController()
  let running = 0
  let delivered = 0
  let finished: (() => void)[] = []

  const halt = () => {
    if (halted.signal.aborted) return
    halted.abort()
    while (waiting.length > 0) waiting.first().settle(left)
    options.idle()
  }

  const attempts = createAttempts({ ...options, halted: halted.signal, halt })

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

  /** A batch larger than a piece may be goes on after the last piece delivered (L1). */
  const deliver = async (batch: Batch) => {
    const dead: Dead = { letters: [], records: 0 }
    try {
      if (batch.meta.refused) await bury(batch.meta.refused, dead)
      if (batch.logs.records > 0) {
        for (const piece of exporter.cuts ? [batch] : piecesOf(batch)) {
          delivered += await deliverPiece(piece, dead)
        }
      }
      if (dead.records > 0) options.refused?.(batch.meta.covers ?? [], dead.letters, dead.records)
      batch.settle()
    } catch (error) {
      batch.settle(error as Error)
    }
  }

  /** Returns how many records the exporter has taken over; the others are dead letters (L5). */
  const deliverPiece = async (piece: Batch, dead: Dead): Promise<number> => {
    let { logs } = piece
    for (;;) {
      const again = logs === piece.logs ? piece : { ...piece, logs }
      try {
        if (!exporter.cuts) refuseTooLarge(again)
        await attempts.deliver(dead.records > 0 ? naming(again, dead) : again)
        return logs.records
      } catch (error) {
        if (!letters || error === left) throw error
        const { refused, unnamed, rest, delivered } = refusalOf(logs, error as Error)
        const reason = reasonOf(error)
        const from = piece.meta
        const told = unnamed === undefined ? {} : { unnamed }
        await bury([{ logs: refused, reason, by: id, at: 'exporter', from, ...told }], dead)
        if (rest.records === 0) return delivered
        logs = rest
      }
    }
  }

  /** Durable before the lane moves; if that cannot be, the lane waits. */
  const bury = async (refused: readonly Refused[], dead: Dead) => {
    const written = await letters?.keep(refused, halted.signal)
    if (written === undefined) throw left
    dead.letters.push(...written)
    for (const { logs, unnamed } of refused) dead.records += unnamed ?? logs.records
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
      return attempts.failing
    },
    get halted() {
      return halted.signal.aborted
    },
    waited: attempts.waited,
    finish: attempts.finish,
    halt,
    finished: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => finished.push(resolve)),
    abort: attempts.abort
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

/** What cannot be cut any more. An exporter that cuts by itself, as the archive, has no such limit for one record. */
function refuseTooLarge({ logs, meta: { piece } }: Batch): void {
  if (logs.records > 1 || logs.bytes <= (piece?.bytes ?? Number.POSITIVE_INFINITY)) return
  throw new PermanentError(
    `a record of ${logs.bytes} bytes is above the ${piece!.bytes} bytes that the exporter is handed at once`
  )
}
