import { filter, map, pipe } from 'rxjs'
import { type Batch, PermanentError, type Processor } from './component.ts'
import type { Logs } from './logs/logs.ts'
import { pickRecords } from './logs/pick.ts'
import { reasonOf } from './telemetry/reason.ts'

type Change = (logs: Logs, batch: Batch) => Logs

/**
 * Lifts a plain function over logs to a processor. A throw inside an rxjs operator would end the
 * stream for good, so it becomes `settle(PermanentError)` here, which names the records that cause
 * it, and the next batch flows (L4). To find them the function is called again with fewer records:
 * it must do nothing but return. Logs without records were meant to be dropped: they are settled and
 * go no further.
 */
export function eachBatch(change: Change): Processor {
  return pipe(
    map((batch) => changed(batch, change)),
    filter((batch) => batch !== undefined)
  )
}

function changed(batch: Batch, change: Change): Batch | undefined {
  const logs = changedLogs(batch, change)
  if (logs === undefined || logs === batch.logs) return logs && batch
  if (logs.records > 0) return { logs, meta: batch.meta, settle: (error) => batch.settle(error) }
  batch.settle()
  return undefined
}

/** What the change makes of a batch; undefined when it throws, and the batch was settled with that. */
export function changedLogs(batch: Batch, change: Change): Logs | undefined {
  try {
    return change(batch.logs, batch)
  } catch (cause) {
    batch.settle(namesRecords(cause) ? cause : isolated(batch, change, cause))
    return undefined
  }
}

function namesRecords(cause: unknown): cause is PermanentError {
  return cause instanceof PermanentError && cause.records !== undefined
}

/** The error of the records that fail by themselves; of all, when only together they do. */
function isolated(batch: Batch, change: Change, thrown: unknown): PermanentError {
  const reasons = new Map<string, unknown>()
  const found = culprits(batch.logs, 0, (logs) => {
    try {
      change(logs, batch)
      return false
    } catch (error) {
      if (logs.records === 1) reasons.set(reasonOf(error), error)
      return true
    }
  })
  const records = found.length < batch.logs.records ? { records: found } : {}
  const [first = thrown] = reasons.values()
  const more = reasons.size > 1 ? ` (the first of ${reasons.size} reasons)` : ''
  return new PermanentError(`processing${more}`, { cause: first, ...records })
}

/**
 * By halves: n log n records are looked at in at most 2n - 1 calls, however many of them fail.
 * `logs` are known to fail; `first` is the index of their first record.
 */
function culprits(logs: Logs, first: number, fails: (logs: Logs) => boolean): number[] {
  const all = Array.from({ length: logs.records }, (_, index) => first + index)
  if (logs.records <= 1) return all
  const middle = logs.records >> 1
  const low = pickRecords(logs, (index) => index < middle)
  const high = pickRecords(logs, (index) => index >= middle)
  // Bytes that do not hold as many records as they claim.
  if (low.records !== middle || low.records + high.records !== logs.records) return all
  const failing = [
    { half: low, at: first },
    { half: high, at: first + middle }
  ].filter(({ half }) => fails(half))
  if (failing.length === 0) return all
  return failing.flatMap(({ half, at }) => culprits(half, at, fails))
}
