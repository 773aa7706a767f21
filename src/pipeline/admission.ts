import { type Batch, RefusedError } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { stopping } from './stopping.ts'

/** What a lane's `sending_queue` allows to wait for it; unset, only the journal's own limits hold. */
export interface QueueLimit {
  readonly lane: string
  readonly size: number
  readonly sizer: 'bytes' | 'items' | 'requests'
  /** Past it senders wait instead of being refused. */
  readonly block: boolean
  /** Accepted for the lane and not delivered, without what is still being accepted. */
  behind(): { readonly records: number; readonly bytes: number }
  /** Records in each of the lane's recent batches, on average. */
  recordsPerBatch(): number
}

/** The receivers' door. */
export interface Admission {
  /** Passes the batch on, refuses it, or keeps it waiting. */
  take(batch: Batch, limits: readonly QueueLimit[], pass: (batch: Batch) => void): void
  /** Something has been settled: those who wait may have room now. */
  settled(): void
  /** Refuses all that wait, and from now on who would have to. */
  close(): void
}

interface Arrival {
  readonly batch: Batch
  readonly limits: readonly QueueLimit[]
  readonly pass: (batch: Batch) => void
}

/** Lets batches in as far as `queue_size` allows (DESIGN 5): who waits here is counted in his receiver's bytes, so their number is limited there. */
export function openAdmission(): Admission {
  const entering = createEntering()
  let waiting: Arrival[] = []
  /** Limits that somebody waits for: who comes later waits behind him, or a large batch would never have its turn. */
  const queued = new Set<QueueLimit>()
  let waking: NodeJS.Immediate | undefined
  let closed = false

  const admit = (arrival: Arrival) => {
    const { batch, limits, pass } = arrival
    if (limits.length === 0) return pass(batch)
    const over = limits.find(
      (limit) => queued.has(limit) || exceeds(limit, entering.of(limit), batch.logs)
    )
    if (!over) return pass(entering.count(batch, limits, settled))
    if (!over.block) return batch.settle(full(over))
    if (closed) return batch.settle(stopping())
    queued.add(over)
    waiting.push(arrival)
  }

  /** Once for all that is settled in one turn: many batches may be, and many may wait. */
  const settled = () => {
    if (waiting.length > 0) waking ??= setImmediate(wake)
  }

  const wake = () => {
    waking = undefined
    const again = waiting
    waiting = []
    queued.clear()
    for (const arrival of again) admit(arrival)
  }

  return {
    take: (batch, limits, pass) => admit({ batch, limits, pass }),
    settled,
    close: () => {
      closed = true
      if (waking) clearImmediate(waking)
      for (const { batch } of waiting.splice(0)) batch.settle(stopping())
      queued.clear()
    }
  }
}

interface Amount {
  records: number
  bytes: number
}

const nothing: Readonly<Amount> = { records: 0, bytes: 0 }

/** What has passed and is not settled yet: without it requests that come at once would all find room. */
function createEntering() {
  const amounts = new Map<QueueLimit, Amount>()
  const add = ({ records, bytes }: Logs, limits: readonly QueueLimit[], sign: 1 | -1) => {
    for (const limit of limits) {
      const before = amounts.get(limit) ?? nothing
      amounts.set(limit, {
        records: before.records + sign * records,
        bytes: before.bytes + sign * bytes
      })
    }
  }
  return {
    of: (limit: QueueLimit) => amounts.get(limit) ?? nothing,
    /** The same batch, counted until it is settled. */
    count: (batch: Batch, limits: readonly QueueLimit[], settled: () => void): Batch => {
      add(batch.logs, limits, 1)
      const settle = (error?: Error) => {
        add(batch.logs, limits, -1)
        batch.settle(error)
        settled()
      }
      return { logs: batch.logs, meta: batch.meta, settle }
    }
  }
}

/** An empty queue takes a batch of any size, or a large one would wait for ever. */
function exceeds(limit: QueueLimit, entering: Amount, logs: Logs): boolean {
  const behind = limit.behind()
  const records = behind.records + entering.records
  if (records === 0) return false
  if (limit.sizer === 'bytes') return behind.bytes + entering.bytes + logs.bytes > limit.size
  if (limit.sizer === 'items') return records + logs.records > limit.size
  return records / Math.max(1, limit.recordsPerBatch()) >= limit.size
}

function full({ lane }: QueueLimit): RefusedError {
  return new RefusedError(`sending_queue of ${lane} is full`, {
    reason: 'exhausted',
    retryAfter: 5
  })
}
