import { randomBytes } from 'node:crypto'
import { Subject } from 'rxjs'
import type { Batch } from '../component.ts'
import type { LaneSource } from './lane.ts'
import { stopping } from './stopping.ts'

/**
 * `service.journal: false` (L8): a lane whose batches come straight from the receivers. Each start
 * is a new writer with numbers in memory, and a sender is answered when all its lanes have settled.
 */
export interface DirectSource extends LaneSource {
  give(batch: Batch): void
}

export function createDirectSource(): DirectSource {
  const batches = new Subject<Batch>()
  const numbers = new Map<string, number>()
  let ended = false
  return {
    id: randomBytes(8).toString('hex'),
    writer: randomBytes(8).toString('hex'),
    number: async (archive) => {
      const number = (numbers.get(archive) ?? 0) + 1
      numbers.set(archive, number)
      return number
    },
    batches: () => batches,
    full: () => false,
    drain: () => {
      ended = true
      batches.complete()
    },
    give: (batch) => {
      if (ended) batch.settle(stopping())
      else batches.next(batch)
    }
  }
}

/** Gives the batch to every lane; it is settled once, when all have answered, with the first error. */
export function giveToAll(batch: Batch, sources: readonly DirectSource[]): void {
  let open = sources.length
  let failed: Error | undefined
  const settle = (error?: Error) => {
    failed ??= error
    if (--open === 0) batch.settle(failed)
  }
  for (const source of sources) source.give({ logs: batch.logs, meta: batch.meta, settle })
}
