import { randomBytes } from 'node:crypto'
import { Subject } from 'rxjs'
import type { Batch } from '../component.ts'
import { createMemoryBook } from '../journal/memory_book.ts'
import type { LaneSource } from './lane.ts'
import { stopping } from './stopping.ts'

/**
 * `service.journal: false` (L8): a lane whose batches come straight from the receivers. Each start
 * is a new writer with numbers in memory, and a sender is answered when all its lanes have settled.
 */
export interface DirectSource extends LaneSource {
  give(batch: Batch): void
}

export function createDirectSource(name: string, fatal: (error: Error) => void): DirectSource {
  const batches = new Subject<Batch>()
  const id = randomBytes(8).toString('hex')
  const book = createMemoryBook(id, name, fatal)
  let last = 0
  let routed = 0
  let ended = false

  /** Batches stand in for frames: leaves answer for them by number (A9). */
  const numbered = (batch: Batch): Batch => {
    const at = ++last
    const accepted = batch.logs.records
    return {
      logs: batch.logs,
      meta: { ...batch.meta, accepted, covers: [[at, at]] },
      settle: (error) => {
        // What went back to its sender was never taken in.
        const passed = error ? { in: 0, dead: 0 } : { in: accepted, dead: 0, routed }
        routed = 0
        book.settle([[at, at]], passed)
        batch.settle(error)
      }
    }
  }

  return {
    id,
    writer: randomBytes(8).toString('hex'),
    book,
    letter: undefined,
    refused: () => {},
    // Told just before the batch that it was routed from is settled.
    routed: (_, records) => {
      routed += records
    },
    batches: () => batches,
    full: () => false,
    drain: () => {
      ended = true
      batches.complete()
    },
    give: (batch) => {
      if (ended) batch.settle(stopping())
      else batches.next(numbered(batch))
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
