import type { Batch } from '../component.ts'
import type { Component, Config } from '../config/config.ts'
import { joint, type LanePath, pathsOf } from '../config/paths.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalLane } from '../journal/lane.ts'
import { checkLogs } from '../logs/check.ts'
import type { Logs } from '../logs/logs.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { QueueLimit } from './admission.ts'
import { createDirectSource, type DirectSource, giveToAll } from './direct.ts'
import { createLane, type Lane, type LaneSource, type StageComponent } from './lane.ts'

/** Bytes of records that a lane may have under way at once (L2). */
export const windowBytes = 64 * 2 ** 20

/** A lane with what leads into it: its part of the journal, or the receivers themselves. */
export interface Way {
  readonly lane: Lane
  readonly receivers: readonly string[]
  /** What may wait for it; unset, only the journal's own limits hold. */
  readonly limit: QueueLimit | undefined
  readonly journalLane: JournalLane | undefined
  readonly direct: DirectSource | undefined
}

/** Builds the lane of each way from receivers to an exporter; a lane that the journal does not know is born (J3). */
export async function openWays(
  config: Config,
  journal: Journal | undefined,
  log: Log,
  { add, fatal }: { add: (way: Way) => void; fatal: (error: Error) => void }
): Promise<void> {
  for (const path of pathsOf(config)) {
    const { name, receivers } = path
    const exporter = config.exporters.get(path.exporter)!
    const journalLane = journal && (journal.lanes.get(name) ?? (await journal.bear(name)))
    // What an exporter may hold of a window, in its own format, it may also have to write down.
    journalLane?.bound(windowBytes, Math.max(1, exporter.memory(windowBytes) / windowBytes))
    const direct = journalLane ? undefined : createDirectSource(name, fatal)
    const lane = await createLane({
      name,
      stages: stagesOf(path, config),
      exporter,
      window: windowBytes,
      log,
      source: direct ?? sourceOf(journal!, journalLane!)
    })
    add({ lane, receivers, journalLane, direct, limit: limitOf(exporter, lane, journalLane) })
  }
}

/** The processors of each pipeline on the way, and the connectors between them. */
function stagesOf({ legs }: LanePath, config: Config): StageComponent[] {
  const stages = legs.flatMap(({ pipeline, processors, connector }, index) => [
    ...processors.map((id) => ({ pipeline, component: config.processors.get(id)! })),
    ...(connector === undefined
      ? []
      : [{ pipeline, component: config.connectors.get(connector)!, to: legs[index + 1]!.pipeline }])
  ])
  const ids = stages.map(({ component }) => component.id)
  return stages.map(({ pipeline, ...stage }, index) => {
    const { id } = stage.component
    const isOnly = ids.indexOf(id) === index && ids.lastIndexOf(id) === index
    return { ...stage, name: isOnly ? id : `${pipeline}${joint}${id}` }
  })
}

/** The ways that a receiver's batches take. */
export function waysFrom(receiver: string, ways: readonly Way[]): Way[] {
  return ways.filter(({ receivers }) => receivers.includes(receiver))
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
    routed: lane.reader.routed,
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
