import { filter, map, pipe } from 'rxjs'
import { type Batch, PermanentError, type Processor } from './component.ts'
import type { Logs } from './logs/logs.ts'

/**
 * Lifts a plain function over logs to a processor. A throw inside an rxjs operator would end the
 * stream for good, so it becomes `settle(PermanentError)` here and the next batch flows (L4).
 * Logs without records were meant to be dropped: they are settled and go no further.
 */
export function eachBatch(change: (logs: Logs, batch: Batch) => Logs): Processor {
  return pipe(
    map((batch) => changed(batch, change)),
    filter((batch) => batch !== undefined)
  )
}

function changed(batch: Batch, change: (logs: Logs, batch: Batch) => Logs): Batch | undefined {
  let logs: Logs
  try {
    logs = change(batch.logs, batch)
  } catch (cause) {
    const permanent = cause instanceof PermanentError
    batch.settle(permanent ? cause : new PermanentError('processing', { cause }))
    return undefined
  }
  if (logs === batch.logs) return batch
  if (logs.records > 0) return { logs, meta: batch.meta, settle: (error) => batch.settle(error) }
  batch.settle()
  return undefined
}
