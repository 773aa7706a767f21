import { type Batch, RefusedError } from './component.ts'
import type { Logs } from './logs/logs.ts'

/** What a lane's `sending_queue` allows to wait for it; unset, only the journal's own limits hold. */
export interface QueueLimit {
  readonly lane: string
  readonly size: number
  readonly sizer: 'bytes' | 'items' | 'requests'
  /** Past it senders wait instead of being refused. */
  readonly block: boolean
  behind(): { readonly records: number; readonly bytes: number }
  /** Records in each of the lane's recent batches, on average. */
  recordsPerBatch(): number
}

export interface Intake {
  /** Passes the batch on, refuses it, or keeps it waiting. */
  take(batch: Batch, limits: readonly QueueLimit[], pass: () => void): void
  /** Something has been settled: those who wait may have room now. */
  settled(): void
  /** Refuses all that wait. */
  close(): void
}

/** The receivers' door (DESIGN 5, `queue_size`): who waits here is counted in his receiver's bytes, so their number is limited there. */
export function openIntake(): Intake {
  let waiting: { batch: Batch; limits: readonly QueueLimit[]; pass: () => void }[] = []

  const take: Intake['take'] = (batch, limits, pass) => {
    const over = limits.find((limit) => exceeds(limit, batch.logs))
    if (!over) return pass()
    if (over.block) return void waiting.push({ batch, limits, pass })
    batch.settle(
      new RefusedError(`sending_queue of ${over.lane} is full`, {
        reason: 'exhausted',
        retryAfter: 5
      })
    )
  }

  return {
    take,
    settled: () => {
      if (waiting.length === 0) return
      const again = waiting
      waiting = []
      for (const { batch, limits, pass } of again) take(batch, limits, pass)
    },
    close: () => {
      const stopping = new RefusedError('stopping', { reason: 'unavailable', retryAfter: 5 })
      for (const { batch } of waiting.splice(0)) batch.settle(stopping)
    }
  }
}

/** An empty queue takes a batch of any size, or a large one would wait for ever. */
function exceeds(limit: QueueLimit, logs: Logs): boolean {
  const { records, bytes } = limit.behind()
  if (records === 0) return false
  if (limit.sizer === 'bytes') return bytes + logs.bytes > limit.size
  if (limit.sizer === 'items') return records + logs.records > limit.size
  return records / Math.max(1, limit.recordsPerBatch()) >= limit.size
}
