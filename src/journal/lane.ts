import { openObjects } from './archives.ts'
import type { Book, Checks, Entry } from './book.ts'
import { createLaneReader, type LaneReader, type ReaderOptions } from './lane_reader.ts'
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
  /** Where its archives write down what they have sealed and committed. */
  readonly book: Book
  /** Accepted for the lane and not delivered: not settled, or sealed and not committed (L7). */
  readonly behind: { readonly records: number; readonly bytes: number }
  /** What of that is sealed in objects. */
  readonly sealed: Sealed
  /** When the oldest unsettled record was accepted, milliseconds since the epoch. */
  oldest(): number | undefined
  /** A frame was accepted for it and is durable. */
  accepted(records: number, bytes: number): void
  /** By who reads it: at most so many bytes and a frame are under way at once, and may become so many times larger. */
  bound(window: number, growth: number): void
  /** Bytes that what is under way may take in spool files and letters, if so many more wait (J10). */
  need(more: number): number
  /** An operator has given an object up, and the frame that says so is durable. */
  voided(archive: string, number: number): void
}

export interface Sealed {
  readonly objects: number
  readonly records: number
  readonly bytes: number
}

export interface LaneEvents {
  settled(): void
  write(entry: Entry): Promise<void>
  checks(store: string): Checks | undefined
  readonly room: Book['room']
  fatal(error: Error): void
}

export function createLane(
  from: LaneState,
  waiting: Backlog,
  source: Pick<ReaderOptions, 'segments' | 'recent' | 'durable'> & { readonly spool: string },
  events: LaneEvents
): JournalLane {
  const unsettled = { records: waiting.records, bytes: waiting.bytes }
  let largest = waiting.largest
  let bounds = { window: 0, growth: 0 }
  let voided = (_archive: string, _number: number) => {}
  const reader = createLaneReader({
    ...source,
    lane: from.index,
    position: { mark: from.mark, ranges: from.ranges.map(([first, last]) => [first, last]) },
    start: waiting.start,
    settled: (records, bytes) => {
      unsettled.records -= records
      unsettled.bytes -= bytes
      events.settled()
    }
  })
  const book: Book = {
    durable: true,
    spool: source.spool,
    archives: from.archives,
    checks: events.checks,
    write: async (entry) => {
      await events.write(entry)
      if (entry.do === 'intent') reader.sealed(entry.covers)
    },
    room: events.room,
    fatal: events.fatal,
    onVoid: (listener) => {
      voided = listener
    }
  }
  return {
    get name() {
      return from.name
    },
    id: from.id,
    index: from.index,
    reader,
    book,
    get behind() {
      const { records, bytes } = sealedOf(from)
      return { records: unsettled.records + records, bytes: unsettled.bytes + bytes }
    },
    get sealed() {
      return sealedOf(from)
    },
    oldest: () => (unsettled.records === 0 ? undefined : (reader.oldest ?? waiting.oldest)),
    accepted: (records, bytes) => {
      largest = Math.max(largest, bytes)
      unsettled.records += records
      unsettled.bytes += bytes
    },
    bound: (window, growth) => {
      bounds = { window, growth }
    },
    need: (more) => {
      const { window, growth } = bounds
      return growth * Math.min(unsettled.bytes + more, window + Math.max(largest, more))
    },
    voided: (archive, number) => voided(archive, number)
  }
}

/** Objects of all its archives that are not committed; what an operator has given up waits for nothing. */
export function sealedOf(lane: LaneState): Sealed {
  const open = [...lane.archives.values()]
    .flatMap(openObjects)
    .filter(({ object }) => object.voided === undefined)
  return {
    objects: open.length,
    records: open.reduce((sum, { object }) => sum + object.records, 0),
    bytes: open.reduce((sum, { object }) => sum + object.size, 0)
  }
}
