import type { Batch } from '../component.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'

/** What a receiver has taken in. */
export interface Outcomes {
  accepted: number
  refused: number
}

const repeatMs = 60_000

/**
 * Passes a receiver's batches on with their outcome counted. A person hears of refusals when they
 * begin and then once a minute: senders that come again are no line each.
 */
export function watchOutcomes(counted: Outcomes, log: Log): (batch: Batch) => Batch {
  let said = Number.NEGATIVE_INFINITY
  let unsaid = 0

  const refused = (records: number, error: Error) => {
    counted.refused += records
    unsaid += records
    if (performance.now() - said < repeatMs) return
    log.warn('records are refused', {
      reason: reasonOf(error),
      records: unsaid
    })
    said = performance.now()
    unsaid = 0
  }

  return (batch) => {
    const settle = (error?: Error, known?: number) => {
      if (error) refused(batch.logs.records, error)
      else counted.accepted += batch.logs.records
      batch.settle(error, known)
    }
    return { logs: batch.logs, meta: batch.meta, settle }
  }
}
