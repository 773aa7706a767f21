import type {
  ArchiveFrame,
  ArchiveLane,
  ArchiveState,
  Carried,
  Commit,
  Committed,
  Counts,
  Gap,
  GapFrame,
  Intent,
  IntentFrame,
  OpenObject,
  Rekeyed,
  Void
} from './archive_frames.ts'
import { none, type Passed, passedCounts, plus, sealedCounts } from './counts.ts'
import { listCommitted } from './partitions.ts'
import { joinRanges, type Range, settleRange, unsettledIn } from './position.ts'

/*
 * What frames say of a lane's archives (A1): archive, intent, commit, committed, rekeyed, void, gap.
 * Applying them in order gives the same state in the running journal, in recovery, in a snapshot,
 * and in memory where there is no journal (L8).
 */

/**
 * Birth of an archive. Its covers begin behind the lane's mark, or before the first gap that it has to
 * show; what the lane has settled since, without the gaps, is carried, so that covers leave no hole.
 */
export function bearArchive(lane: ArchiveLane, { archive, root, genesis }: ArchiveFrame): void {
  if (lane.archives.has(archive)) return
  const next = lane.numbers.get(archive) ?? 1
  const gaps = joinRanges(lane.gaps.flatMap(({ covers }) => covers))
  const after = Math.min(earlyFrom(lane), ...gaps.map(([first]) => first - 1))
  const settled: Range[] = [[after + 1, lane.mark], ...lane.ranges]
  const carried = settled.flatMap((range) => unsettledIn({ mark: 0, ranges: gaps }, range))
  lane.archives.set(archive, {
    name: archive,
    root,
    next,
    commit: 1,
    leaves: 0,
    carried: {
      covers: carried.map(([first, last]) => [first, last]),
      // All that was stored of it is in the lane's other archives.
      counts: lane.early.reduce(
        (sum, { counts: { out, ...early } }) => plus(sum, { ...early, elsewhere: out, out: 0 }),
        none
      )
    },
    queue: [
      {
        kind: 'genesis',
        ...genesis,
        after,
        ...(next > 1 && { unledgered: next - 1 })
      },
      ...lane.gaps
    ],
    pending: undefined
  })
}

/** Settles frames that left no object: dropped as meant, routed elsewhere, or dead letters. All archives carry them (A9). */
export function settleCarried(lane: ArchiveLane, ranges: readonly Range[], passed: Passed): void {
  const fresh = settleFresh(lane, ranges)
  // An intent has settled these frames, and counted their records.
  if (fresh.length === 0) return
  const counts = passedCounts(passed)
  settleEarly(lane, fresh, counts)
  for (const archive of lane.archives.values()) carry(archive, fresh, counts)
}

/** That intent is the settlement (A2). */
export function seal(lane: ArchiveLane, frame: IntentFrame): void {
  const fresh = settleFresh(lane, frame.covers)
  settleEarly(lane, fresh, sealedCounts(frame, frame.objects))
  for (const archive of lane.archives.values()) {
    const objects = frame.objects.filter((object) => object.archive === archive.name)
    carry(archive, fresh, sealedCounts(frame, objects))
    if (objects.length === 0) continue
    archive.next = Math.max(archive.next, objects.at(-1)!.number + 1)
    archive.queue.push({
      kind: 'intent',
      spool: frame.spool,
      sealed: frame.sealed,
      arrived: frame.arrived,
      host: frame.host,
      covers: archive.carried.covers,
      counts: archive.carried.counts,
      from: frame.covers[0]?.[0] ?? Number.MAX_SAFE_INTEGER,
      place: frame.places[archive.name],
      objects,
      taken: 0
    })
    archive.carried = { covers: [], counts: none }
  }
}

export function declareGap(lane: ArchiveLane, { at, covers, records, reason }: GapFrame): void {
  const fresh = settleFresh(lane, covers)
  const gap: Gap = {
    kind: 'gap',
    at,
    covers: fresh,
    reason,
    ...(records !== undefined && { records })
  }
  lane.gaps.push(gap)
  for (const archive of lane.archives.values()) archive.queue.push(withCarried(archive, gap))
}

/** Frames without records that were settled before it go with its leaf, or that would leave a hole until the next. */
function withCarried(archive: ArchiveState, gap: Gap): Gap {
  const { covers, counts } = archive.carried
  if (covers.length === 0 || counts.in > 0) return gap
  archive.carried = { covers: [], counts: none }
  return { ...gap, covers: joinRanges([...covers, ...gap.covers]) }
}

export function writeCommit(lane: ArchiveLane, commit: Commit): void {
  const archive = lane.archives.get(commit.archive)
  if (archive) archive.pending = commit
}

export function endCommit(lane: ArchiveLane, { archive: name, commit }: Committed): void {
  const archive = lane.archives.get(name)
  if (!archive?.pending || archive.pending.commit !== commit) return
  const { leaves, items, objects } = archive.pending
  listCommitted(archive, archive.pending)
  archive.queue.splice(0, items)
  const intent = archive.queue[0]
  if (objects > 0 && intent?.kind === 'intent') intent.taken += objects
  archive.commit = commit + 1
  archive.leaves += leaves
  archive.pending = undefined
}

export function rekey(lane: ArchiveLane, { archive, number, key }: Rekeyed): void {
  change(lane, archive, number, ({ unnumbered, ...object }) => ({ ...object, key }))
}

export function voidObject(lane: ArchiveLane, { archive, number, at, reason }: Void): void {
  change(lane, archive, number, (object) => ({ ...object, voided: { at, reason } }))
}

/** Objects that are sealed and not committed, in order of their numbers. */
export function openObjects(archive: ArchiveState): { intent: Intent; object: OpenObject }[] {
  return archive.queue.flatMap((intent) =>
    intent.kind === 'intent'
      ? intent.objects.slice(intent.taken).map((object) => ({ intent, object }))
      : []
  )
}

/**
 * The lowest lsn that an uncommitted object was sealed from (J8). What an operator has given up holds
 * nothing: its leaf may wait for ever, for a bucket that is gone.
 */
export function heldFrom(lane: ArchiveLane): number {
  let lowest = Number.MAX_SAFE_INTEGER
  for (const { queue } of lane.archives.values()) {
    for (const item of queue) {
      if (item.kind === 'intent' && isWanted(item)) lowest = Math.min(lowest, item.from)
    }
  }
  return lowest
}

function isWanted({ objects, taken }: Intent): boolean {
  return objects.some(({ voided }, index) => index >= taken && voided === undefined)
}

/** Of the ranges, what was not settled yet; a frame read again after a restart may span what is. */
function settleFresh(lane: ArchiveLane, ranges: readonly Range[]): Range[] {
  const fresh = ranges.flatMap((range) => unsettledIn(lane, range))
  for (const range of ranges) settleRange(lane, range)
  return fresh
}

/** Batches are settled out of order: what lies above the mark is remembered until that has passed it. */
function settleEarly(lane: ArchiveLane, covers: readonly Range[], counts: Counts): void {
  if (counts.in > 0) lane.early.push({ covers: joinRanges(covers), counts })
  if (lane.early.length === 0) return
  const from = earlyFrom(lane)
  lane.early = lane.early.filter((one) => lastOf(one) > from)
  if (lane.early.length > earlyMax) lane.early = [joined(lane.early)]
}

/**
 * Behind a batch that is refused for hours others pass, a window of them in each run (L2). None of those
 * that are left lies below another one that has been let go, so that they may be one: an archive that
 * is born then answers for a few frames more.
 */
const earlyMax = 1000

function joined(early: readonly Carried[]): Carried {
  return {
    covers: joinRanges(early.flatMap(({ covers }) => covers)),
    counts: early.reduce((sum, { counts }) => plus(sum, counts), none)
  }
}

/** The mark, or what lies before the first frame of a batch that reaches above it: its counts are of all its frames. */
function earlyFrom(lane: ArchiveLane): number {
  for (let from = lane.mark; ; ) {
    const above = lane.early.filter((one) => lastOf(one) > from)
    const before = above.reduce((lowest, { covers }) => Math.min(lowest, covers[0]![0] - 1), from)
    if (before === from) return from
    from = before
  }
}

function lastOf({ covers }: Carried): number {
  return covers.at(-1)?.[1] ?? 0
}

function carry(archive: ArchiveState, covers: readonly Range[], more: Counts): void {
  const { carried } = archive
  archive.carried = {
    covers: joinRanges([...carried.covers, ...covers]),
    counts: plus(carried.counts, more)
  }
}

function change(
  lane: ArchiveLane,
  archive: string,
  number: number,
  changed: (object: OpenObject) => OpenObject
): void {
  for (const item of lane.archives.get(archive)?.queue ?? []) {
    if (item.kind !== 'intent') continue
    const index = item.objects.findIndex((object) => object.number === number)
    if (index >= 0) item.objects[index] = changed(item.objects[index]!)
  }
}
