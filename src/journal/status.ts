import type { Journal } from './journal.ts'
import type { Recovered } from './recover.ts'

/** What `auditcol journal` shows. */
export interface JournalStatus {
  readonly writer: string
  readonly segments: readonly { number: number; first: number; last: number; bytes: number }[]
  readonly lanes: readonly LaneStatus[]
}

export interface LaneStatus {
  readonly name: string
  readonly id: string
  /** Accepted for the lane and not delivered. */
  readonly records: number
  readonly bytes: number
  /** When the oldest of them was accepted, milliseconds since the epoch. */
  readonly oldest?: number
}

export function statusOf(journal: Journal): JournalStatus {
  const lanes = [...journal.lanes.values()].map(({ name, id, behind, oldest }) => ({
    ...{ name, id, records: behind.records, bytes: behind.bytes },
    ...since(oldest())
  }))
  return { writer: journal.writer, segments: journal.segments(), lanes }
}

/** The same of a journal that nobody has open. */
export function statusAtRest({ state, segments, backlog }: Recovered): JournalStatus {
  const lanes = [...state.lanes.values()].map(({ index, name, id }) => {
    const { records, bytes, oldest } = backlog.get(index)!
    return { name, id, records, bytes, ...since(oldest) }
  })
  return {
    writer: state.writer,
    segments: segments.map(({ number, firstLsn, lastLsn, end }) => {
      return { number, first: firstLsn, last: lastLsn, bytes: end }
    }),
    lanes
  }
}

function since(oldest: number | undefined): { oldest?: number } {
  return oldest === undefined ? {} : { oldest }
}
