import { createLaneReader, type LaneReader, type ReaderOptions } from './lane_reader.ts'
import { numbersFrom } from './numbers.ts'
import type { Backlog } from './recover.ts'
import type { LaneState } from './state.ts'

/** A lane of the journal that is open. */
export interface JournalLane {
  readonly name: string
  /** Random, from birth, never given twice: 16 hex digits. */
  readonly id: string
  /** Stands for the lane in frames. */
  readonly index: number
  readonly reader: LaneReader
  /** Accepted for the lane and not settled. */
  readonly behind: { readonly records: number; readonly bytes: number }
  /** When the oldest of them was accepted, milliseconds since the epoch. */
  oldest(): number | undefined
  /** Takes the next number of an archive (A1). */
  number(archive: string): Promise<number>
  /** A frame was accepted for it and is durable. */
  accepted(records: number, bytes: number): void
}

export interface LaneEvents {
  settled(): void
  reserve(archive: string, next: number): Promise<void>
}

export function createLane(
  from: LaneState,
  waiting: Backlog,
  source: Pick<ReaderOptions, 'segments' | 'recent' | 'durable'>,
  events: LaneEvents
): JournalLane {
  const behind = { records: waiting.records, bytes: waiting.bytes }
  const reader = createLaneReader({
    ...source,
    lane: from.index,
    position: { mark: from.mark, ranges: from.ranges.map(([first, last]) => [first, last]) },
    start: waiting.start,
    settled: (records, bytes) => {
      behind.records -= records
      behind.bytes -= bytes
      events.settled()
    }
  })
  return {
    name: from.name,
    id: from.id,
    index: from.index,
    reader,
    behind,
    oldest: () => (behind.records === 0 ? undefined : (reader.oldest ?? waiting.oldest)),
    number: numbersFrom(from.numbers, events.reserve),
    accepted: (records, bytes) => {
      behind.records += records
      behind.bytes += bytes
    }
  }
}
