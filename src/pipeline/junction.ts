import { filter, map, pipe } from 'rxjs'
import type { Batch, Connector, Meta, Processor } from '../component.ts'
import { changedLogs } from '../each_batch.ts'
import { noLogs } from '../logs/logs.ts'

export interface JunctionOptions {
  /** These frames are about to be settled, and so many of their records went to other pipelines. */
  routed(covers: NonNullable<Meta['covers']>, records: number): void
  /** Takes a batch of which nothing goes on. */
  past(batch: Batch): void
}

/**
 * Lifts a connector to an operator of its lane, which goes on with what the next pipeline gets. What goes
 * elsewhere is no loss and no drop, so the batch carries its number, and the journal hears of it with the
 * frames.
 */
export function junction(connector: Connector, { routed, past }: JunctionOptions): Processor {
  const passed = (batch: Batch): Batch | undefined => {
    let elsewhere = 0
    const logs = changedLogs(batch, (logs) => {
      const found = connector(logs, batch)
      elsewhere = found.elsewhere
      return found.logs
    })
    if (logs === undefined) return undefined
    const onward = elsewhere === 0 ? batch : lessened(batch, elsewhere)
    if (logs.records > 0) return { ...onward, logs }
    past({ ...onward, logs: noLogs })
    return undefined
  }

  const lessened = (batch: Batch, elsewhere: number): Batch => {
    const { covers = [] } = batch.meta
    const settle = (error?: Error) => {
      if (error === undefined) routed(covers, elsewhere)
      batch.settle(error)
    }
    const meta = { ...batch.meta, routed: (batch.meta.routed ?? 0) + elsewhere }
    return { logs: batch.logs, meta, settle }
  }

  return pipe(
    map(passed),
    filter((batch) => batch !== undefined)
  )
}
