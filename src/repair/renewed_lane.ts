import { randomBytes } from 'node:crypto'
import { unsettleRange } from '../journal/position.ts'
import { emptyLane, type JournalState, type LaneState } from '../journal/state.ts'

/**
 * The lane under a new id, so that no number is ever given twice when nobody knows which have been
 * given (A11). What was sealed and is not known to be committed is unsettled again: its records are
 * still in the journal (J8), and get new numbers.
 */
export function renewLane(state: JournalState, lane: LaneState): LaneState {
  const renewed = emptyLane(lane.index, randomBytes(8).toString('hex'), lane.name, lane.mark)
  renewed.ranges = lane.ranges.map(([first, last]) => [first, last])
  for (const { queue } of lane.archives.values()) {
    for (const item of queue) {
      if (item.kind === 'intent') for (const range of item.covers) unsettleRange(renewed, range)
    }
  }
  renewed.gaps = [...lane.gaps]
  state.lanes.set(lane.index, renewed)
  return renewed
}
