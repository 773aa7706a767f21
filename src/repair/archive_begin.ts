import type { ArchiveFrame, Carried, Gap, Genesis, Intent } from '../journal/archive_frames.ts'
import { bearArchive } from '../journal/archives.ts'
import {
  copyPosition,
  joinRanges,
  type Position,
  type Range,
  settleRange,
  unsettleRange
} from '../journal/position.ts'
import type { LaneState } from '../journal/state.ts'
import { bareLane, type LaneFrame, settleFrame } from './lane_frames.ts'

/** From where on an archive's frames are gone through. */
export interface Begin {
  /** What was answered for by then, or comes before the archive. */
  readonly position: Position
  readonly carried: Carried
  readonly queue: readonly (Gap | Intent)[]
  /** Its first leaf, if that may be still to be written. */
  readonly genesis: readonly Genesis[]
  /** The last number in a commit, and the next that was to be given. */
  readonly committed: number
  readonly next: number
  /** Those after it. */
  readonly frames: readonly LaneFrame[]
}

export interface Birth {
  readonly base: LaneState
  readonly birth: ArchiveFrame
  readonly frames: readonly LaneFrame[]
}

/** `after` is what its first leaf says, where that is written down. */
export function beginOf({ base, birth, frames }: Birth, after: number | undefined): Begin {
  const archive = base.archives.get(birth.archive)
  if (archive === undefined) return bornSince({ base, birth, frames }, after)
  const queue = archive.queue.filter((item) => item.kind !== 'genesis')
  const position = copyPosition(base)
  const open = [archive.carried, ...queue].flatMap(({ covers }) => covers)
  for (const range of open) unsettleRange(position, range)
  const intent = queue.find((item) => item.kind === 'intent')
  return {
    ...{ position, queue, carried: archive.carried, next: archive.next, frames },
    genesis: archive.queue.filter((item) => item.kind === 'genesis'),
    committed: (intent === undefined ? archive.next : intent.objects[intent.taken]!.number) - 1
  }
}

function bornSince({ base, birth, frames }: Birth, said: number | undefined): Begin {
  // Where its birth is lost, too, it answers for all that is known since the base.
  const at = frames.findIndex(
    ({ kind, value }) => kind === 'archive' && value.archive === birth.archive
  )
  const lane = bareLane(base)
  for (const frame of frames.slice(0, Math.max(0, at))) settleFrame(lane, frame)
  bearArchive(lane, birth)
  const { carried, next, queue } = lane.archives.get(birth.archive)!
  const [genesis, ...gaps] = queue as [Genesis, ...Gap[]]
  const after = said ?? genesis.after
  // Its birth is gone with the state that had what it carries: which frames is known, not their counts.
  const unknown: Range[] = after < genesis.after ? [[after + 1, genesis.after]] : []
  const carries = { ...carried, covers: joinRanges([...unknown, ...carried.covers]) }
  const position = copyPosition(lane)
  for (const range of [carries, ...gaps].flatMap(({ covers }) => covers)) {
    unsettleRange(position, range)
  }
  if (after > 0) settleRange(position, [1, after])
  return {
    ...{ position, next, carried: carries, queue: gaps, committed: next - 1 },
    genesis: [{ ...genesis, after }],
    frames: frames.slice(at + 1)
  }
}
