import type { ArchiveState } from './archive_frames.ts'
import { openObjects } from './archives.ts'
import type { Journal } from './journal.ts'
import { type Sealed, sealedOf } from './lane.ts'
import type { Recovered } from './recover.ts'
import type { GivenUpLetters } from './state.ts'

/** What `auditcol journal` shows. */
export interface JournalStatus {
  readonly writer: string
  readonly segments: readonly { number: number; first: number; last: number; bytes: number }[]
  readonly lanes: readonly LaneStatus[]
  readonly givenUp: GivenUpLetters
  readonly receivers: readonly ReceiverStatus[]
}

export interface ReceiverStatus {
  readonly id: string
  /** When something arrived last, milliseconds since the epoch; undefined: nothing yet. */
  readonly last?: number
  /** Milliseconds since then, or since it is waited for. */
  readonly waiting: number
  /** Whether that is longer than it should be; the running process alone knows. */
  readonly silent?: boolean
}

export interface LaneStatus {
  readonly name: string
  readonly id: string
  /** Accepted for the lane and not delivered. */
  readonly records: number
  readonly bytes: number
  /** When the oldest of them was accepted, milliseconds since the epoch. */
  readonly oldest?: number
  /** Why it has stopped; the running process alone knows. */
  readonly stopped?: string
  /** What of that is sealed and not committed. */
  readonly sealed: Sealed
  readonly archives: readonly { archive: string; objects: number; commits: number }[]
}

/** `stopped`: reasons by the lanes' names. */
export function statusOf(
  journal: Journal,
  stopped: ReadonlyMap<string, string>,
  receivers: readonly ReceiverStatus[]
): JournalStatus {
  const lanes = [...journal.lanes.values()].map(({ name, id, behind, oldest, sealed, book }) => ({
    ...{ name, id, records: behind.records, bytes: behind.bytes, sealed },
    archives: archivesOf(book.archives),
    ...since(oldest(), book.archives),
    ...(stopped.has(name) && { stopped: stopped.get(name)! })
  }))
  const { writer, givenUp } = journal
  return { writer, segments: journal.segments(), lanes, givenUp, receivers }
}

/** The same of a journal that nobody has open. */
export function statusAtRest({ state, segments, backlog }: Recovered): JournalStatus {
  const lanes = [...state.lanes.values()].map((lane) => {
    const { records, bytes, oldest } = backlog.get(lane.index)!
    const sealed = sealedOf(lane)
    return {
      ...{ name: lane.name, id: lane.id, sealed, archives: archivesOf(lane.archives) },
      records: records + sealed.records,
      bytes: bytes + sealed.bytes,
      ...since(oldest, lane.archives)
    }
  })
  return {
    writer: state.writer,
    segments: segments.map(({ number, firstLsn, lastLsn, end }) => {
      return { number, first: firstLsn, last: lastLsn, bytes: end }
    }),
    lanes,
    givenUp: state.givenUp,
    receivers: [...state.arrivals].map(([id, { at, awaited }]) => ({
      ...{ id, waiting: Math.max(0, Date.now() - at) },
      ...(!awaited && { last: at })
    }))
  }
}

function archivesOf(archives: ReadonlyMap<string, ArchiveState>) {
  return [...archives.values()].map(({ name, next, commit }) => {
    return { archive: name, objects: next - 1, commits: commit - 1 }
  })
}

/** Of what waits to be sealed, and of what is sealed and not committed. */
function since(
  unsealed: number | undefined,
  archives: ReadonlyMap<string, ArchiveState>
): { oldest?: number } {
  const sealed = [...archives.values()]
    .flatMap(openObjects)
    .filter(({ object }) => object.voided === undefined)
    .map(({ intent }) => intent.arrived)
  const oldest = Math.min(unsealed ?? Number.POSITIVE_INFINITY, ...sealed)
  return oldest === Number.POSITIVE_INFINITY ? {} : { oldest }
}
