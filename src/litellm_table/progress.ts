import type { Row } from './connection.ts'
import type { Bounds, Page } from './table.ts'

/*
 * Which rows are taken. A row's time is set by LiteLLM before the row is committed, by another clock: rows
 * appear behind others that have been read already. So a row is final only when it is older than `overlap`,
 * and of younger ones that were taken the ids are kept, in the mark too: whoever starts again with the mark
 * finds what has appeared meanwhile, and takes nothing twice, with `dedup` or without.
 */
export interface Progress {
  /** Every row up to this time and id is taken, or was never wanted. */
  readonly after: readonly [time: string, id: string]
  /** Ids of rows after that which are taken, with their times. */
  readonly taken: ReadonlyMap<string, string>
}

/** Ids kept at most, about 70 bytes of each mark; with so many of them younger rows wait until they are final. */
export const takenMax = 5_000

export const fromBeginning: Progress = { after: ['-infinity', ''], taken: new Map() }

export function fromTime(time: string): Progress {
  return { after: [time, ''], taken: new Map() }
}

/** The rows of a page that are taken now, and where that leads; `isLast`: there is nothing more to take for now. */
export function take(
  { after, taken }: Progress,
  page: Page,
  { settled }: Bounds
): { rows: readonly Row[]; progress: Progress; isLast: boolean } {
  const isFinal = ({ updated_at }: Row) => updated_at! <= settled
  const final = page.rows.filter(isFinal)
  const young = page.rows.slice(final.length)
  const room = Math.max(0, takenMax - taken.size)
  const rows = [...final, ...young.slice(0, room)]
  // Rows come in order: with a young one among them no final one is left.
  const isFinalDone = page.isLast || young.length > 0
  const last = final.at(-1)
  const next: Progress['after'] = isFinalDone
    ? later(after, [settled, ''])
    : last
      ? [last.updated_at!, last.id!]
      : after
  const kept = new Map([...taken].filter(([, time]) => time >= next[0]))
  if (isFinalDone) {
    for (const { id, updated_at } of rows) if (updated_at! >= next[0]) kept.set(id!, updated_at!)
  }
  return {
    rows,
    progress: { after: next, taken: kept },
    isLast: page.isLast || young.length > room
  }
}

function later(a: Progress['after'], b: Progress['after']): Progress['after'] {
  return a[0] < b[0] ? b : a
}

export function markOf({ after, taken }: Progress): string {
  return JSON.stringify({ v: 1, after, taken: [...taken] })
}

export function progressFrom(mark: string): Progress {
  const { v, after, taken } = JSON.parse(mark)
  if (v !== 1) {
    throw new Error(
      `reading the receiver's mark: it has version ${v}, this auditcol reads 1: start the version that wrote it`
    )
  }
  return { after, taken: new Map(taken) }
}
