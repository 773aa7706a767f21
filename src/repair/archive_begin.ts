import type { ArchiveFrame, Carried, Gap, Genesis, Intent } from '../journal/archive_frames.ts'
import {
  copyPosition,
  type Position,
  type Range,
  settleRange,
  unsettledIn,
  unsettleRange
} from '../journal/position.ts'
import type { LaneState } from '../journal/state.ts'
import { nothing } from './answers.ts'
import type { LaneFrame } from './lane_frames.ts'

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
  readonly born: boolean
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
    ...{ position, queue, carried: archive.carried, next: archive.next, born: true },
    genesis: archive.queue.filter((item) => item.kind === 'genesis'),
    committed: (intent === undefined ? archive.next : intent.objects[intent.taken]!.number) - 1
  }
}

function bornSince({ base, birth, frames }: Birth, said: number | undefined): Begin {
  const next = base.numbers.get(birth.archive) ?? 1
  const after = said ?? beforeGaps(base, frames, birth.archive)
  const position: Position = { mark: after, ranges: [] }
  const settled: Range[] = [[1, base.mark], ...base.ranges]
  const covers = settled.flatMap((range) => unsettledIn(position, range))
  const gaps = base.gaps.flatMap((gap) => gap.covers)
  const unlost: Position = { mark: 0, ranges: [] }
  for (const range of gaps) settleRange(unlost, range)
  const genesis: Genesis = {
    kind: 'genesis',
    ...birth.genesis,
    after,
    ...(next > 1 && { unledgered: next - 1 })
  }
  return {
    ...{ position, next, committed: next - 1, queue: base.gaps, genesis: [genesis] },
    carried: {
      covers: covers.flatMap((range) => unsettledIn(unlost, range)).map(([a, b]) => [a, b]),
      counts: nothing
    },
    // Where its birth is lost, too, it answers for all that is known.
    born: !frames.some(({ kind, value }) => kind === 'archive' && value.archive === birth.archive)
  }
}

/** Its covers begin behind what the lane had settled by then, or before the first gap that it has to show. */
function beforeGaps(base: LaneState, frames: readonly LaneFrame[], archive: string): number {
  const position = copyPosition(base)
  const gaps = base.gaps.flatMap(({ covers }) => covers)
  for (const { kind, value } of frames) {
    if (kind === 'archive' && value.archive === archive) break
    if (kind === 'settled') for (const range of value.ranges) settleRange(position, range)
    if (kind === 'intent' || kind === 'gap') {
      for (const range of value.covers) settleRange(position, range)
    }
    if (kind === 'gap') gaps.push(...value.covers)
  }
  return Math.min(position.mark, ...gaps.map(([first]) => first - 1))
}
