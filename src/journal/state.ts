import { decodeEnvelope } from './envelope.ts'
import { type Frame, frameType } from './frame.ts'
import { type Position, type Range, settleRange } from './position.ts'

/** What the frames so far say; a snapshot is this as JSON, and recovery reads nothing else (J4). */
export interface JournalState {
  /** The journal's own random id: 16 hex digits. */
  writer: string
  /** By the small number that stands for the lane in frames. */
  lanes: Map<number, LaneState>
  nextLane: number
  /** The last `resume` mark of each receiver. */
  resume: Map<string, string>
}

export interface LaneState extends Position {
  readonly index: number
  /** Random, from birth, never given twice: 16 hex digits (J3). */
  readonly id: string
  name: string
  /** The next number of each archive that has not been reserved. */
  numbers: Map<string, number>
}

/** Payloads of the control frames, by type. */
export interface Birth {
  readonly lane: number
  readonly id: string
  readonly name: string
}
export interface Settled {
  readonly lanes: readonly { readonly lane: number; readonly ranges: readonly Range[] }[]
}
export interface Numbers {
  readonly lane: number
  readonly archive: string
  readonly next: number
}
export interface Ended {
  readonly lane: number
  readonly reason: 'delivered' | 'abandoned'
}
export interface Renamed {
  readonly lane: number
  readonly name: string
}

export function emptyState(writer: string): JournalState {
  return { writer, lanes: new Map(), nextLane: 1, resume: new Map() }
}

/** Takes a frame into the state; also the way in which the running journal keeps its own. */
export function applyFrame(
  state: JournalState,
  frame: Pick<Frame, 'lsn' | 'type' | 'payload'>
): void {
  if (frame.type === frameType.records) {
    const { receiver, resume } = decodeEnvelope(frame.payload)
    if (resume !== undefined) state.resume.set(receiver, resume)
  } else if (frame.type === frameType.birth) {
    const { lane, id, name } = parse<Birth>(frame)
    const born = { index: lane, id, name, mark: frame.lsn, ranges: [], numbers: new Map() }
    state.lanes.set(lane, born)
    state.nextLane = Math.max(state.nextLane, lane + 1)
  } else if (frame.type === frameType.settled) {
    for (const { lane, ranges } of parse<Settled>(frame).lanes) {
      const found = state.lanes.get(lane)
      if (found) for (const range of ranges) settleRange(found, range)
    }
  } else if (frame.type === frameType.numbers) {
    const { lane, archive, next } = parse<Numbers>(frame)
    state.lanes.get(lane)?.numbers.set(archive, next)
  } else if (frame.type === frameType.ended) {
    state.lanes.delete(parse<Ended>(frame).lane)
  } else if (frame.type === frameType.renamed) {
    const { lane, name } = parse<Renamed>(frame)
    const found = state.lanes.get(lane)
    if (found) found.name = name
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
  }[]
}

export function snapshotOf(state: JournalState): Buffer {
  const snapshot: Snapshot = {
    writer: state.writer,
    nextLane: state.nextLane,
    resume: [...state.resume],
    lanes: [...state.lanes.values()].map((lane) => ({ ...lane, numbers: [...lane.numbers] }))
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
      snapshot.lanes.map((lane) => [lane.index, { ...lane, numbers: new Map(lane.numbers) }])
    )
  }
}

function parse<T>(frame: Pick<Frame, 'payload'>): T {
  return JSON.parse(frame.payload.toString())
}
