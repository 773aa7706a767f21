import { asCommit, type StoredCommit } from '../archive/stored_commits.ts'
import type {
  ArchiveFrame,
  ArchiveState,
  Carried,
  Counts,
  Gap,
  Intent,
  Item
} from '../journal/archive_frames.ts'
import { minus, none, passedCounts, plus, sealedCounts } from '../journal/counts.ts'
import {
  copyPosition,
  joinRanges,
  type Position,
  type Range,
  settleRange,
  unsettledIn
} from '../journal/position.ts'
import type { LaneState } from '../journal/state.ts'
import { type Answers, answersOf } from './answers.ts'
import { type Begin, beginOf } from './archive_begin.ts'
import { changeObjects, intentOf, type LaneFrame, objectsIn } from './lane_frames.ts'
import { rebuildPartitions } from './rebuilt_partitions.ts'

export interface Known {
  /** The lane as the newest state that reads has it. */
  readonly base: LaneState
  readonly birth: ArchiveFrame
  /** What is left of the lane's frames since then. */
  readonly frames: readonly LaneFrame[]
  /** Commits that the store has since then. */
  readonly stored: readonly StoredCommit[]
}

export interface RebuiltArchive {
  readonly archive: ArchiveState
  /** All that its leaves answer for, or are still to. */
  readonly known: Position
  /** Frames that leaves in the store answer for and no frame tells of. */
  readonly lump: Lump
}

export interface Lump {
  readonly covers: readonly Range[]
  readonly counts: Counts
}

/** Nothing tells what the archive has sealed or stored: the text says why not. */
export class Untold extends Error {}

/**
 * An archive's state from what is left of its frames and from its commits in the store (A11). Frames
 * say what changes: repeated without one that is lost, all later changes would go to the wrong place.
 * So they are not repeated. Leaves that are stored say what is answered for, and what else the frames
 * tell is what leaves are still to be made of.
 */
export function rebuildArchive({ base, birth, frames, stored }: Known): RebuiltArchive {
  const name = birth.archive
  const before = base.archives.get(name)
  const next = (before?.commit ?? 1) + stored.length
  const leaves = stored.at(-1)?.leaves.at(-1)?.i as number | undefined
  const answers = answersOf(stored)
  const pending = pendingIn(frames, name, next)
  const promised = answersOf(pending === undefined ? [] : [pending])
  const begin = beginOf({ base, birth, frames }, answers.after ?? promised.after)
  refuseOthers({ base, birth, frames, stored }, answers)

  const made = collect({ name, begin, answers, promised, first: next === 1 })
  const archive: ArchiveState = {
    ...{ name, root: birth.root, commit: next, queue: made.queue, carried: made.carried },
    next: Math.max(begin.next, made.last + 1),
    leaves: leaves === undefined ? (before?.leaves ?? 0) : leaves + 1,
    pending: undefined,
    ...rebuildPartitions(name, { before, frames, committed: made.committed })
  }
  refuseHoles(archive, made.committed)
  changeObjects(archive, frames)
  if (pending !== undefined) {
    archive.pending = asCommit(archive, pending)
    if (archive.pending === undefined)
      throw new Untold(`commit ${next} of ${name} was written down for other objects`)
  }
  return { archive, known: made.known, lump: made.lump }
}

/** Takes over what only another archive of the lane tells: its records went elsewhere, if they went anywhere. */
export function carryLump(
  { archive, known, lump: own }: RebuiltArchive,
  { covers, counts }: Lump
): void {
  const fresh = covers.flatMap((range) => unsettledIn(known, range))
  if (fresh.length === 0) return
  for (const range of fresh) settleRange(known, range)
  // What its own leaves answer for of the same frames is not to be counted again.
  const theirs: Position = { mark: 0, ranges: [] }
  for (const range of covers) settleRange(theirs, range)
  const shared = own.covers.every((range) => unsettledIn(theirs, range).length === 0)
  const { out, elsewhere, ...rest } = shared ? minus(counts, own.counts) : counts
  archive.carried = {
    covers: joinRanges([...archive.carried.covers, ...fresh]),
    counts: plus(archive.carried.counts, { ...rest, elsewhere: elsewhere + out, out: 0 })
  }
}

interface Collecting {
  readonly name: string
  readonly begin: Begin
  readonly answers: Answers
  readonly promised: Answers
  /** No commit is stored. */
  readonly first: boolean
}

/** Goes through what was settled, in order, and leaves out what is answered for. */
function collect({ name, begin, answers, promised, first }: Collecting) {
  const seen = copyPosition(begin.position)
  const answered = copyPosition(begin.position)
  for (const range of answers.covers) settleRange(answered, range)
  const said = copyPosition(answered)
  for (const range of promised.covers) settleRange(said, range)
  const committed = Math.max(begin.committed, ...answers.objects.keys())
  const queue: Item[] = first ? [...begin.genesis] : []
  let last = committed
  let carried: Carried = { covers: [], counts: none }
  let told: Lump = { covers: [], counts: none }

  const carry = (covers: readonly Range[], counts: Counts) => {
    const fresh = covers.flatMap((range) => unsettledIn(seen, range))
    for (const range of covers) settleRange(seen, range)
    if (fresh.length === 0) return
    const rest = fresh.flatMap((range) => unsettledIn(said, range))
    if (rest.length > 0) {
      carried = {
        covers: joinRanges([...carried.covers, ...rest]),
        counts: plus(carried.counts, counts)
      }
    }
    if (fresh.every((range) => unsettledIn(answered, range).length === 0)) {
      told = { covers: [...told.covers, ...fresh], counts: plus(told.counts, counts) }
    }
  }
  const addGap = (gap: Gap) => {
    const covers = gap.covers.flatMap((range) => unsettledIn(seen, range))
    for (const range of covers) settleRange(seen, range)
    if (answers.gaps.has(gap.at)) {
      told = { ...told, covers: [...told.covers, ...covers] }
    } else if (promised.gaps.has(gap.at)) queue.push(gap)
    else {
      const alone = carried.counts.in > 0
      queue.push({ ...gap, covers: alone ? covers : joinRanges([...carried.covers, ...covers]) })
      if (!alone) carried = { covers: [], counts: none }
    }
  }
  const addIntent = (intent: Intent) => {
    carry(intent.covers, intent.counts)
    last = Math.max(last, ...intent.objects.map(({ number }) => number))
    const taken = intent.objects.filter(({ number }) => number <= committed).length
    if (taken === intent.objects.length) return
    const leaf = promised.firsts.get(intent.objects[0]!.number)
    queue.push({ ...intent, ...(leaf ?? carried), taken })
    if (leaf === undefined) carried = { covers: [], counts: none }
  }

  carry(begin.carried.covers, begin.carried.counts)
  for (const item of begin.queue) item.kind === 'gap' ? addGap(item) : addIntent(item)
  for (const { kind, value } of begin.frames) {
    if (kind === 'settled') carry(value.ranges, passedCounts(value))
    if (kind === 'gap') addGap({ kind: 'gap', ...value })
    if (kind !== 'intent') continue
    const counts = sealedCounts(value, objectsIn(value, name))
    if (objectsIn(value, name).length === 0) carry(value.covers, counts)
    else addIntent(intentOf(value, name, counts))
  }
  const explained = copyPosition(begin.position)
  for (const range of told.covers) settleRange(explained, range)
  const covers = answers.covers.flatMap((range) => unsettledIn(explained, range))
  for (const range of [...answers.covers, ...promised.covers]) settleRange(seen, range)
  return {
    queue,
    carried,
    committed,
    last,
    known: seen,
    lump: { covers, counts: minus(answers.counts, told.counts) }
  }
}

/** A commit that was written down, and is not stored as far as the store says. */
function pendingIn(
  frames: readonly LaneFrame[],
  name: string,
  next: number
): StoredCommit | undefined {
  for (const { kind, value } of frames) {
    if (kind !== 'commit' || value.archive !== name || value.commit !== next) continue
    const leaves = value.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    return { commit: next, text: value.text, leaves }
  }
  return undefined
}

/** The store must have what was stored, and have it from this journal. */
function refuseOthers(
  { base, birth: { archive: name }, frames, stored }: Known,
  answers: Answers
): void {
  const before = base.archives.get(name)
  const next = (before?.commit ?? 1) + stored.length
  let index = before?.leaves ?? 0
  for (const { commit, leaves } of stored) {
    for (const { i } of leaves) {
      if (i !== index++)
        throw new Untold(`commit ${commit} of ${name} does not follow the one before it`)
    }
  }
  for (const { kind, value } of frames) {
    if (kind === 'committed' && value.archive === name && value.commit >= next) {
      throw new Untold(`${name} has no commit ${value.commit}, which was stored there`)
    }
    if (kind !== 'intent') continue
    for (const { number, sha256 } of objectsIn(value, name)) {
      const there = answers.objects.get(number)
      if (there !== undefined && there !== sha256) {
        throw new Untold(
          `object ${number} of ${name} is another one in the commits that are stored there`
        )
      }
    }
  }
}

function refuseHoles({ name, queue }: ArchiveState, committed: number): void {
  let number = committed
  for (const item of queue) {
    for (const object of item.kind === 'intent' ? item.objects.slice(item.taken) : []) {
      if (object.number !== ++number) {
        throw new Untold(
          `object ${object.number} of ${name} was sealed, and nothing tells what became of those from ${number} on`
        )
      }
    }
  }
}
