import { joinRanges, type Position, type Range, settleRange, unsettledIn } from './position.ts'

/*
 * What frames say of a lane's archives (A1): archive, intent, commit, committed, rekeyed, void, gap.
 * Applying them in order gives the same state in the running journal, in recovery, in a snapshot,
 * and in memory where there is no journal (L8).
 */

/** What became of the records of some frames: `in` = dropped + dead + elsewhere + out. */
export interface Counts {
  readonly in: number
  /** By a processor that was meant to; negative where one has made more records. */
  readonly dropped: number
  /** Kept as dead letters. */
  readonly dead: number
  /** In objects of the lane's other archives. */
  readonly elsewhere: number
  /** In objects here. */
  readonly out: number
}

/** One lane's objects in one bucket (A1). */
export interface ArchiveState {
  /** The store's name: `s3://bucket` or `file:./archive`. */
  readonly name: string
  /** `<configured prefix>/.auditcol/<writer id>/<lane id>/`, fixed at birth: commits lie there. */
  readonly root: string
  /** The next object's number; dense from 1. */
  next: number
  /** The next commit's number; dense from 1. */
  commit: number
  /** Leaves in the commits before it. */
  leaves: number
  /** Settled by the lane, with no object here since the last intent that has one (A9). */
  carried: Carried
  /** What leaves are still to be made of, in order. */
  queue: Item[]
  /** The next commit as it was written down: repeated unchanged until it is stored (A8). */
  pending: Commit | undefined
}

export interface Carried {
  covers: Range[]
  counts: Counts
}

export type Item = Genesis | Gap | Intent

/** The first leaf of an archive. */
export interface Genesis {
  readonly kind: 'genesis'
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly host: string
  /** Of auditcol. */
  readonly version: string
  readonly writer: string
  readonly lane: string
  readonly laneName: string
  /** `covers` of this archive begin behind this lsn. */
  readonly after: number
  /** Numbers from 1 to this one were used before there were leaves. */
  readonly unledgered?: number
  /** `<writer id>/<lane id>` of the archive that this one goes on from, as an operator has said. */
  readonly predecessor?: string
  /** A lane of this name that was given up, with what it had not delivered. */
  readonly abandoned?: readonly Abandoned[]
  /** What the store was found able to do (A12). */
  readonly checks?: Readonly<Record<string, unknown>>
}

export interface Abandoned {
  readonly lane: string
  readonly records: number
  readonly at: number
}

/** Frames that are lost, or were given up: a loss is evidence, never silence. */
export interface Gap {
  readonly kind: 'gap'
  readonly at: number
  readonly covers: readonly Range[]
  /** Records known to be concerned; left out where nobody can know. */
  readonly records?: number
  readonly reason: string
}

/** The part of an intent that concerns one archive. */
export interface Intent {
  readonly kind: 'intent'
  /** Name of the spool file that holds the objects' bytes. */
  readonly spool: string
  /** When it was sealed, and when the oldest of its records was accepted. */
  readonly sealed: number
  readonly arrived: number
  readonly host: string
  /** What this archive's leaves answer for: the intent's frames and what was carried. */
  readonly covers: readonly Range[]
  readonly counts: Counts
  /** The lowest lsn of the frames themselves: their segment stays until the objects are committed (J8). */
  readonly from: number
  /** How the store is to be reached and what headers its objects have (A3, L7); the store's business. */
  readonly place: unknown
  readonly objects: OpenObject[]
  /** Of the objects, those that stand in commits already. */
  taken: number
}

/** One object in its final bytes. */
export interface SpooledObject {
  readonly archive: string
  readonly number: number
  readonly key: string
  /** Where its bytes begin in the spool file. */
  readonly at: number
  readonly size: number
  /** Hex; `raw` is what was compressed. */
  readonly sha256: string
  readonly rawSize: number
  readonly rawSha256: string
  readonly records: number
  readonly contentType: string
  readonly contentEncoding?: 'gzip' | 'zstd'
}

export interface OpenObject extends SpooledObject {
  /** An operator has given it up (A7): its leaf says so, and its bytes are kept aside. */
  readonly voided?: { readonly at: number; readonly reason: string }
}

/** Payloads of the frames, beside the lane's number. */
export interface ArchiveFrame {
  readonly archive: string
  readonly root: string
  readonly genesis: Omit<Genesis, 'kind' | 'after' | 'unledgered'>
}
export interface IntentFrame {
  readonly spool: string
  readonly sealed: number
  readonly arrived: number
  readonly host: string
  readonly covers: readonly Range[]
  /** Records in the frames, and those of them that became dead letters. */
  readonly in: number
  readonly dead: number
  readonly letters?: readonly string[]
  readonly objects: readonly SpooledObject[]
  /** By archive. */
  readonly places: Readonly<Record<string, unknown>>
}
export interface Commit {
  readonly archive: string
  readonly commit: number
  /** The exact bytes of `commits/<commit>` as text: one leaf a line. */
  readonly text: string
  /** Leaves in it. */
  readonly leaves: number
  /** Items of the queue that it ends, and objects that it takes of the intent after those. */
  readonly items: number
  readonly objects: number
}
export interface Committed {
  readonly archive: string
  readonly commit: number
}
/** A key that was taken, and had no number in it, is replaced by one that has (A6). */
export interface Rekeyed {
  readonly archive: string
  readonly number: number
  readonly key: string
}
export interface Void {
  readonly archive: string
  readonly number: number
  readonly at: number
  readonly reason: string
}
export interface GapFrame {
  readonly at: number
  readonly covers: readonly Range[]
  readonly records?: number
  readonly reason: string
}

/** The part of a lane's state that these frames change. */
export interface ArchiveLane extends Position {
  archives: Map<string, ArchiveState>
  /** The next number of each archive, as versions without leaves have reserved them. */
  numbers: Map<string, number>
  /** Losses that archives born later have to show. */
  gaps: Gap[]
}

const none: Counts = { in: 0, dropped: 0, dead: 0, elsewhere: 0, out: 0 }

/** Birth of an archive. What the lane has settled above its mark is carried, so that covers leave no hole. */
export function bearArchive(lane: ArchiveLane, { archive, root, genesis }: ArchiveFrame): void {
  if (lane.archives.has(archive)) return
  const next = lane.numbers.get(archive) ?? 1
  lane.archives.set(archive, {
    name: archive,
    root,
    next,
    commit: 1,
    leaves: 0,
    carried: { covers: lane.ranges.map(([first, last]) => [first, last]), counts: none },
    queue: [
      {
        kind: 'genesis',
        ...genesis,
        after: lane.mark,
        ...(next > 1 && { unledgered: next - 1 })
      },
      ...lane.gaps
    ],
    pending: undefined
  })
}

/** Settles frames that left no object: dropped as meant, or dead letters. All archives carry them (A9). */
export function settleCarried(
  lane: ArchiveLane,
  ranges: readonly Range[],
  records: number,
  dead: number
): void {
  const fresh = settleFresh(lane, ranges)
  // An intent has settled these frames, and counted their records.
  if (fresh.length === 0) return
  for (const archive of lane.archives.values()) {
    carry(archive, fresh, { ...none, in: records, dead, dropped: records - dead })
  }
}

/** That intent is the settlement (A2). */
export function seal(lane: ArchiveLane, frame: IntentFrame): void {
  const fresh = settleFresh(lane, frame.covers)
  const all = frame.objects.reduce((sum, { records }) => sum + records, 0)
  for (const archive of lane.archives.values()) {
    const objects = frame.objects.filter((object) => object.archive === archive.name)
    const out = objects.reduce((sum, { records }) => sum + records, 0)
    carry(archive, fresh, {
      in: frame.in,
      dropped: frame.in - frame.dead - all,
      dead: frame.dead,
      elsewhere: all - out,
      out
    })
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
  for (const archive of lane.archives.values()) archive.queue.push(gap)
}

export function writeCommit(lane: ArchiveLane, commit: Commit): void {
  const archive = lane.archives.get(commit.archive)
  if (archive) archive.pending = commit
}

export function endCommit(lane: ArchiveLane, { archive: name, commit }: Committed): void {
  const archive = lane.archives.get(name)
  if (!archive?.pending || archive.pending.commit !== commit) return
  const { leaves, items, objects } = archive.pending
  archive.queue.splice(0, items)
  const intent = archive.queue[0]
  if (objects > 0 && intent?.kind === 'intent') intent.taken += objects
  archive.commit = commit + 1
  archive.leaves += leaves
  archive.pending = undefined
}

export function rekey(lane: ArchiveLane, { archive, number, key }: Rekeyed): void {
  change(lane, archive, number, (object) => ({ ...object, key }))
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

/** The lowest lsn that an uncommitted object was sealed from (J8). */
export function heldFrom(lane: ArchiveLane): number {
  let lowest = Number.MAX_SAFE_INTEGER
  for (const { queue } of lane.archives.values()) {
    for (const item of queue) if (item.kind === 'intent') lowest = Math.min(lowest, item.from)
  }
  return lowest
}

/** Of the ranges, what was not settled yet; a frame read again after a restart may span what is. */
function settleFresh(lane: ArchiveLane, ranges: readonly Range[]): Range[] {
  const fresh = ranges.flatMap((range) => unsettledIn(lane, range))
  for (const range of ranges) settleRange(lane, range)
  return fresh
}

function carry(archive: ArchiveState, covers: readonly Range[], more: Counts): void {
  const { counts } = archive.carried
  archive.carried = {
    covers: joinRanges([...archive.carried.covers, ...covers]),
    counts: {
      in: counts.in + more.in,
      dropped: counts.dropped + more.dropped,
      dead: counts.dead + more.dead,
      elsewhere: counts.elsewhere + more.elsewhere,
      out: counts.out + more.out
    }
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
