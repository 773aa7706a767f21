import type { Position, Range } from './position.ts'

/* What frames say of a lane's archives (A1), and the state that they make. */

/** What became of the records of some frames: `in` = dropped + routed + dead + elsewhere + out. */
export interface Counts {
  readonly in: number
  /** By a processor that was meant to; negative where one has made more records. */
  readonly dropped: number
  /** By a connector on the lane's way, to other pipelines than the lane's; left out where there is none. */
  readonly routed?: number
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
  /** Partitions with committed objects that no manifest lists; left out where there are none. */
  partitions?: OpenPartition[]
  /** Where those lie, as the last intent of them has it; the store's business. */
  place?: unknown
  /** The next manifest as it was written down: repeated unchanged, as commits are. */
  manifest?: Manifest
}

/** A folder of one span of time, as an intent has fixed it; milliseconds since the epoch. */
export interface PartitionOf {
  readonly name: string
  /** The first that belongs to it, and the first behind it. */
  readonly from: number
  readonly to: number
  /** When a manifest is to list the object. */
  readonly due: number
}

export interface OpenPartition extends PartitionOf {
  /** In the order in which they were committed. */
  readonly objects: ListedObject[]
}

export type ListedObject = Pick<SpooledObject, 'number' | 'key' | 'size' | 'sha256' | 'records'>

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
  /** Its key has no number in it, and anybody may have the same one (A6). */
  readonly unnumbered?: true
  readonly content?: ContentHeaders
  /** Left out where folders are of the time of sealing. */
  readonly partition?: PartitionOf
}

/** What a bucket keeps with an object for those who fetch it, beside its type and our own compression. */
export interface ContentHeaders {
  /** In the place of the type of the format. */
  readonly type?: string
  readonly language?: string
  readonly disposition?: string
  readonly cacheControl?: string
  /** As the sender had encoded it before we saw it. */
  readonly encoding?: string
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
  /** Records in the frames, those of them that became dead letters, and those that a connector has routed elsewhere. */
  readonly in: number
  readonly dead: number
  readonly routed?: number
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
/** What lies in a partition, as far as it is committed and no other manifest says so. */
export interface Manifest {
  readonly archive: string
  readonly key: string
  /** The exact bytes, as text. */
  readonly text: string
  readonly partition: string
  /** It lists the partition's objects up to this number. */
  readonly through: number
}
export interface Manifested {
  readonly archive: string
  readonly key: string
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
  /** Settled above the mark: an archive that is born now answers for it. */
  early: Carried[]
}
