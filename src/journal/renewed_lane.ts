import { randomBytes } from 'node:crypto'
import type { Range } from './position.ts'
import { emptyLane, type JournalState, type LaneState } from './state.ts'

/**
 * The lane under a new id, so that no number is ever given twice when nobody knows which have been
 * given (A11). What was sealed and is not known to be committed is unsettled again: its records are
 * still in the journal (J8), and get new numbers.
 */
export function renewLane(state: JournalState, lane: LaneState): LaneState {
  const open: Range[] = []
  for (const { queue } of lane.archives.values()) {
    for (const item of queue) if (item.kind === 'intent') open.push(...item.covers)
  }
  const id = randomBytes(8).toString('hex')
  const renewed = emptyLane(lane.index, id, lane.name, lane.mark)
  renewed.ranges = lane.ranges.map(([first, last]) => [first, last])
  for (const range of open) unsettle(renewed, range)
  renewed.gaps = [...lane.gaps]
  state.lanes.set(lane.index, renewed)
  return renewed
}

function unsettle(position: Pick<LaneState, 'mark' | 'ranges'>, [first, last]: Range): void {
  const ranges: [number, number][] = []
  for (const [from, to] of [[1, position.mark] as const, ...position.ranges]) {
    if (from < first) ranges.push([from, Math.min(to, first - 1)])
    if (to > last) ranges.push([Math.max(from, last + 1), to])
  }
  const begins = ranges[0]?.[0] === 1
  position.mark = begins ? ranges.shift()![1] : 0
  position.ranges = ranges
}
