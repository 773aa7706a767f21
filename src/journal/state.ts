import type {
  Abandoned,
  ArchiveFrame,
  ArchiveLane,
  ArchiveState,
  Carried,
  Commit,
  Committed,
  Gap,
  GapFrame,
  IntentFrame,
  Manifest,
  Manifested,
  Rekeyed,
  Void
} from './archive_frames.ts'
import {
  bearArchive,
  declareGap,
  endCommit,
  rekey,
  seal,
  settleCarried,
  voidObject,
  writeCommit
} from './archives.ts'
import type { Checks } from './book.ts'
import { decodeEnvelope, type Envelope } from './envelope.ts'
import { type Frame, frameType } from './frame.ts'
import { endManifest, writeManifest } from './partitions.ts'
import type { Range } from './position.ts'

/** What the frames so far say; a snapshot is this as JSON, and recovery reads nothing else (J4). */
export interface JournalState {
  /** The journal's own random id: 16 hex digits. */
  writer: string
  /** By the small number that stands for the lane in frames. */
  lanes: Map<number, LaneState>
  nextLane: number
  /** The last `resume` mark of each receiver. */
  resume: Map<string, string>
  /** When each receiver was given something last. */
  arrivals: Map<string, Arrival>
  /** What was found of each store (A12). */
  checks: Map<string, Checks>
  /** Dead letters whose end a frame tells, replayed or given up; their files are on the way out (L6). */
  ended: Set<string>
  /** What operators have given up of dead letters. */
  givenUp: GivenUpLetters
  /** Lanes that were given up with all that would have shown it; the next of their name tells. */
  abandoned: AbandonedLane[]
  /** Nobody knows it any more: it stands where repair found none that reads. */
  lost?: true
}

export interface GivenUpLetters {
  readonly letters: number
  /** Of those letters that told. */
  readonly records: number
}

export interface Arrival {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Nothing has arrived yet: since then it is waited for. */
  readonly awaited?: true
}

export interface AbandonedLane extends Abandoned {
  readonly name: string
}

export interface LaneState extends ArchiveLane {
  readonly index: number
  /** Random, from birth, never given twice: 16 hex digits (J3). */
  readonly id: string
  name: string
}

/** Payloads of the control frames, by type. */
export interface Birth {
  readonly lane: number
  readonly id: string
  readonly name: string
}
export interface Settled {
  readonly lanes: readonly {
    readonly lane: number
    readonly ranges: readonly Range[]
    /** Records in these frames, those that became dead letters, the letters (L6), and those routed elsewhere. */
    readonly in?: number
    readonly dead?: number
    readonly routed?: number
    readonly letters?: readonly string[]
  }[]
}
export interface Numbers {
  readonly lane: number
  readonly archive: string
  readonly next: number
}
export interface Ended {
  readonly lane: number
  readonly reason: 'delivered' | 'abandoned'
  /** Of one that was abandoned: when, and the records that it had not delivered. */
  readonly at?: number
  readonly records?: number
}
export interface Renamed {
  readonly lane: number
  readonly name: string
}
export interface Probed {
  readonly store: string
  readonly checks: Checks
}
export interface Removed {
  readonly letter: string
  readonly at: number
  /** Undefined when the letter did not tell. */
  readonly records?: number
}
/** A frame of one lane's archives, or of several lanes for a gap. */
type OfLane<T> = T & { readonly lane: number }

export function emptyState(writer: string): JournalState {
  return {
    writer,
    lanes: new Map(),
    nextLane: 1,
    resume: new Map(),
    arrivals: new Map(),
    checks: new Map(),
    ended: new Set(),
    givenUp: { letters: 0, records: 0 },
    abandoned: []
  }
}

/** A lane that begins behind `mark`. */
export function emptyLane(index: number, id: string, name: string, mark: number): LaneState {
  return {
    ...{ index, id, name, mark },
    ranges: [],
    numbers: new Map(),
    archives: new Map(),
    gaps: [],
    early: []
  }
}

/** Takes a frame into the state; also the way in which the running journal keeps its own. */
export function applyFrame(
  state: JournalState,
  frame: Pick<Frame, 'lsn' | 'type' | 'payload'>
): void {
  const changes = apply[frame.type]
  if (changes) changes(state, frame)
}

/** What a records frame says beside its records; also when the running journal has written one. */
export function applyRecords(
  { resume, ended, arrivals }: JournalState,
  meta: Pick<Envelope, 'receiver' | 'arrived' | 'resume' | 'replay'>,
  records: number
): void {
  const { receiver, arrived, replay } = meta
  if (meta.resume !== undefined) resume.set(receiver, meta.resume)
  for (const letter of replay?.letters ?? []) ended.add(letter)
  // What is replayed has arrived long ago. A frame without records begins the wait for the first.
  if (replay !== undefined) return
  if (records > 0) arrivals.set(receiver, { at: arrived })
  else if (!arrivals.has(receiver)) arrivals.set(receiver, { at: arrived, awaited: true })
}

/** A first leaf has room for a few hundred. */
const abandonedMax = 100

type Apply = (state: JournalState, frame: Pick<Frame, 'lsn' | 'payload'>) => void

const apply: Record<number, Apply> = {
  [frameType.records]: (state, frame) => {
    const envelope = decodeEnvelope(frame.payload)
    if (envelope === undefined) return
    applyRecords(state, envelope, envelope.records)
  },
  [frameType.birth]: (state, frame) => {
    const { lane, id, name } = parse<Birth>(frame)
    state.lanes.set(lane, emptyLane(lane, id, name, frame.lsn))
    state.nextLane = Math.max(state.nextLane, lane + 1)
  },
  [frameType.settled]: (state, frame) => {
    for (const { lane, ranges, ...passed } of parse<Settled>(frame).lanes) {
      const found = state.lanes.get(lane)
      if (found) settleCarried(found, ranges, { in: 0, dead: 0, ...passed })
    }
  },
  [frameType.numbers]: (state, frame) => {
    const { lane, archive, next } = parse<Numbers>(frame)
    state.lanes.get(lane)?.numbers.set(archive, next)
  },
  [frameType.ended]: (state, frame) => {
    const { lane, reason, at, records = 0 } = parse<Ended>(frame)
    const { id, name } = state.lanes.get(lane) ?? {}
    state.lanes.delete(lane)
    if (reason !== 'abandoned' || at === undefined || !id || !name) return
    state.abandoned.push({ name, lane: id, records, at })
    state.abandoned.splice(0, state.abandoned.length - abandonedMax)
  },
  [frameType.renamed]: (state, frame) => {
    const { lane, name } = parse<Renamed>(frame)
    const found = state.lanes.get(lane)
    if (found) found.name = name
  },
  [frameType.archive]: inLane<ArchiveFrame>(bearArchive),
  [frameType.intent]: inLane<IntentFrame>(seal),
  [frameType.commit]: inLane<Commit>(writeCommit),
  [frameType.committed]: inLane<Committed>(endCommit),
  [frameType.rekeyed]: inLane<Rekeyed>(rekey),
  [frameType.void]: inLane<Void>(voidObject),
  [frameType.gap]: inLane<GapFrame>(declareGap),
  [frameType.manifest]: inLane<Manifest>(writeManifest),
  [frameType.manifested]: inLane<Manifested>(endManifest),
  [frameType.probed]: (state, frame) => {
    const { store, checks } = parse<Probed>(frame)
    state.checks.set(store, checks)
  },
  [frameType.removed]: (state, frame) => {
    const { letter, records = 0 } = parse<Removed>(frame)
    const { givenUp } = state
    state.ended.add(letter)
    state.givenUp = { letters: givenUp.letters + 1, records: givenUp.records + records }
  }
}

function inLane<T>(change: (lane: LaneState, value: T) => void): Apply {
  return (state, frame) => {
    const value = parse<OfLane<T>>(frame)
    const lane = state.lanes.get(value.lane)
    if (lane) change(lane, value)
  }
}

interface Snapshot {
  readonly writer: string
  readonly nextLane: number
  readonly resume: readonly [string, string][]
  readonly lanes: readonly {
    readonly index: number
    readonly id: string
    readonly name: string
    readonly mark: number
    readonly ranges: [number, number][]
    readonly numbers: readonly [string, number][]
    /** Left out by versions without leaves. */
    readonly archives?: readonly ArchiveState[]
    readonly gaps?: Gap[]
    readonly early?: Carried[]
  }[]
  readonly arrivals?: readonly [string, Arrival][]
  readonly checks?: readonly [string, Checks][]
  /** Those that are given up too: the name is that of a version without them. */
  readonly replayed?: readonly string[]
  readonly givenUp?: GivenUpLetters
  readonly abandoned?: readonly AbandonedLane[]
  readonly lost?: true
}

export function snapshotOf(state: JournalState): Buffer {
  const snapshot: Snapshot = {
    writer: state.writer,
    nextLane: state.nextLane,
    resume: [...state.resume],
    lanes: [...state.lanes.values()].map((lane) => ({
      ...lane,
      numbers: [...lane.numbers],
      archives: [...lane.archives.values()]
    })),
    arrivals: [...state.arrivals],
    checks: [...state.checks],
    replayed: [...state.ended],
    givenUp: state.givenUp,
    abandoned: state.abandoned,
    ...(state.lost && { lost: true })
  }
  return Buffer.from(JSON.stringify(snapshot))
}

export function stateOf(payload: Buffer): JournalState {
  const snapshot: Snapshot = JSON.parse(payload.toString())
  return {
    writer: snapshot.writer,
    nextLane: snapshot.nextLane,
    resume: new Map(snapshot.resume),
    lanes: new Map(
      snapshot.lanes.map(({ archives = [], gaps = [], early = [], ...lane }) => [
        lane.index,
        {
          ...lane,
          numbers: new Map(lane.numbers),
          archives: new Map(archives.map((archive) => [archive.name, restored(archive)])),
          gaps,
          early
        }
      ])
    ),
    arrivals: new Map(snapshot.arrivals),
    checks: new Map(snapshot.checks),
    ended: new Set(snapshot.replayed),
    givenUp: snapshot.givenUp ?? { letters: 0, records: 0 },
    abandoned: [...(snapshot.abandoned ?? [])],
    ...(snapshot.lost && { lost: true })
  }
}

/** JSON leaves out what is undefined. */
function restored(archive: ArchiveState): ArchiveState {
  return { ...archive, pending: archive.pending }
}

function parse<T>(frame: Pick<Frame, 'payload'>): T {
  return JSON.parse(frame.payload.toString())
}
