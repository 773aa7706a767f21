import type { Batch } from '../component.ts'
import type { Component, Config } from '../config/config.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalLane } from '../journal/lane.ts'
import { checkLogs } from '../logs/check.ts'
import type { Logs } from '../logs/logs.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { QueueLimit } from './admission.ts'
import { createDirectSource, type DirectSource, giveToAll } from './direct.ts'
import { createLane, type Lane, type LaneSource, laneName } from './lane.ts'

/** Bytes of records that a lane may have under way at once (L2). */
export const windowBytes = 64 * 2 ** 20

/** A lane with what leads into it: its part of the journal, or the receivers themselves. */
export interface Way {
  readonly lane: Lane
  /** What may wait for it; unset, only the journal's own limits hold. */
  readonly limit: QueueLimit | undefined
  readonly journalLane: JournalLane | undefined
  readonly direct: DirectSource | undefined
}

/** Builds the lane of each exporter in each pipeline; a lane that the journal does not know is born (J3). */
export async function openWays(
  config: Config,
  journal: Journal | undefined,
  log: Log,
  { add, fatal }: { add: (way: Way) => void; fatal: (error: Error) => void }
): Promise<void> {
  for (const { id: pipeline, processors, exporters } of config.pipelines) {
    for (const id of exporters) {
      const exporter = config.exporters.get(id)!
      const name = laneName(pipeline, id)
      const journalLane = journal && (journal.lanes.get(name) ?? (await journal.bear(name)))
      const direct = journalLane ? undefined : createDirectSource(name, fatal)
      const lane = await createLane({
        pipeline,
        processors: processors.map((processor) => config.processors.get(processor)!),
        exporter,
        window: windowBytes,
        log,
        source: direct ?? sourceOf(journal!, journalLane!)
      })
      add({ lane, journalLane, direct, limit: limitOf(exporter, lane, journalLane) })
    }
  }
}

/** The ways that a receiver's batches take: one for each exporter of each of its pipelines. */
export function waysFrom(config: Config, receiver: string, ways: readonly Way[]): Way[] {
  const names = config.pipelines
    .filter(({ receivers }) => receivers.includes(receiver))
    .flatMap(({ id, exporters }) => exporters.map((exporter) => laneName(id, exporter)))
  return ways.filter(({ lane }) => names.includes(lane.name))
}

/** One append and one answer, however many ways a batch takes (DESIGN 3). */
export function entryTo(
  ways: readonly Way[],
  journal: Journal | undefined
): (batch: Batch, stored?: (lsn: number) => void) => void {
  const direct = ways.flatMap((way) => way.direct ?? [])
  const lanes = ways.flatMap(({ journalLane }) => journalLane ?? [])
  return journal
    ? (batch, stored) => journal.append(batch, lanes, stored)
    : (batch) => giveToAll(batch, direct)
}

function sourceOf(journal: Journal, lane: JournalLane): LaneSource {
  return {
    id: lane.id,
    writer: journal.writer,
    book: lane.book,
    letter: (letter, logs) => journal.letters.write(lane, letter, logs),
    refused: lane.reader.refused,
    batches: (events) => lane.reader.batches({ window: windowBytes, unreadable, ...events }),
    full: () => lane.reader.full,
    drain: () => lane.reader.drain()
  }
}

/** As checked at the door, where a frame of another version may not have been. */
function unreadable(logs: Logs): string | undefined {
  try {
    const found = logs.chunks.reduce((sum, chunk) => sum + checkLogs(chunk).records, 0)
    if (found === logs.records) return undefined
    return `the frame does not read: it has ${found} records, not ${logs.records}`
  } catch (error) {
    return `the frame does not read: ${reasonOf(error)}`
  }
}

function limitOf(
  exporter: Component,
  lane: Lane,
  journalLane: JournalLane | undefined
): QueueLimit | undefined {
  const { queue_size, sizer, block_on_overflow } = exporter.delivery!.sending_queue
  if (queue_size === undefined) return undefined
  return {
    lane: lane.name,
    size: queue_size,
    sizer,
    block: block_on_overflow,
    // Without a journal a batch is being accepted until it is delivered, so nothing is behind it.
    behind: () => journalLane?.behind ?? { records: 0, bytes: 0 },
    recordsPerBatch: () => lane.recordsPerBatch
  }
}
