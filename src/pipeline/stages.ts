import { filter, map, merge, type Observable, Subject, tap } from 'rxjs'
import { type Batch, PermanentError, type Processor, type Refused } from '../component.ts'
import { noLogs } from '../logs/logs.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { left } from './attempts.ts'
import type { DeadLetters } from './dead_letters.ts'
import { refusalOf } from './refusal.ts'

/** A processor of the lane, or a connector on its way, under a name that no other of them has. */
export interface Stage {
  readonly name: string
  readonly processor: Processor
}

export interface StagesOptions {
  readonly stages: readonly Stage[]
  readonly letters: DeadLetters
  /** Takes what passes no processor any more. */
  past(batch: Batch): void
}

/**
 * The processors of a lane, each of which may refuse records: it settles their batch with a
 * PermanentError, and what the error leaves over enters it again without them (L4). What was refused
 * goes on with the batch, for the lane to keep; a batch of which nothing is left goes past the rest.
 * Dead letters of a processor that are replayed enter there (L5).
 */
export function throughStages(
  source: Observable<Batch>,
  { stages, letters, past }: StagesOptions
): Observable<Batch> {
  const entries = new Map<string, (batch: Batch) => void>()

  /** An operator may drop a batch by settling it, and knows nothing of what others have refused of it. */
  const answered = (batch: Batch, again: (batch: Batch) => void, name: string): Batch => {
    const settle = (error?: Error) => {
      if (error instanceof PermanentError) return refuse(batch, error, again, name)
      if (error === undefined && letters.owes(batch))
        return past({ ...batch, logs: noLogs, settle })
      batch.settle(error)
    }
    return { logs: batch.logs, meta: batch.meta, settle }
  }

  const refuse = (
    batch: Batch,
    error: PermanentError,
    again: (batch: Batch) => void,
    name: string
  ) => {
    const { refused, unnamed, rest } = refusalOf(batch.logs, error)
    const letter: Refused = {
      ...{ logs: refused, reason: reasonOf(error), by: name, at: 'processors', from: batch.meta },
      ...(unnamed !== undefined && { unnamed })
    }
    const meta = { ...batch.meta, refused: [...(batch.meta.refused ?? []), letter] }
    const others = { logs: rest, meta, settle: batch.settle }
    if (rest.records > 0) again(others)
    else past(others)
  }

  const through = (before: Observable<Batch>, { name, processor }: Stage) => {
    const entry = createEntry()
    entries.set(name, entry.enter)
    const until = before.pipe(tap({ complete: entry.close }))
    return merge(until, entry.batches).pipe(
      map((batch) => answered(batch, entry.enter, name)),
      processor
    )
  }

  /** Whether it enters further on than at the beginning. */
  const entersElsewhere = (batch: Batch): boolean => {
    const { at, by = '' } = batch.meta.replay ?? {}
    const enter = at === 'exporter' || batch.logs.records === 0 ? past : entries.get(by)
    enter?.(batch)
    return enter !== undefined
  }

  const entering = source.pipe(filter((batch) => !entersElsewhere(batch)))
  return stages.reduce(through, entering as Observable<Batch>)
}

/**
 * A second way into a stage. What comes while another batch is on its way in waits for its turn, or
 * records that are refused one by one would exhaust the stack.
 */
function createEntry() {
  const batches = new Subject<Batch>()
  const waiting: Batch[] = []
  let entering = false
  let closed = false
  return {
    batches,
    enter: (batch: Batch) => {
      // Too late for a processor that has ended: the next start does it.
      if (closed) return batch.settle(left)
      waiting.push(batch)
      if (entering) return
      entering = true
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        batches.next(next)
      entering = false
    },
    close: () => {
      closed = true
      batches.complete()
    }
  }
}
