import { randomBytes } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { decodeEnvelope } from './envelope.ts'
import { type Frame, frameType, takesLsn } from './frame.ts'
import { type FrameReader, framesBehind, openFrames } from './frame_reader.ts'
import { isSettled } from './position.ts'
import {
  createSegment,
  decodeHeader,
  listSegments,
  removeUnfinished,
  type Segment,
  type SegmentHeader,
  segmentHeaderBytes,
  segmentPath,
  UnknownVersion
} from './segment.ts'
import { applyFrame, emptyState, type JournalState, snapshotOf, stateOf } from './state.ts'

/** What is waiting for a lane. */
export interface Backlog {
  records: number
  bytes: number
  /** When the first of them was accepted, milliseconds since the epoch. */
  oldest: number | undefined
  /** Where the lane goes on reading: its first frame, or the end of the journal. */
  start: { segment: number; at: number; lsn: number }
}

export interface Recovered {
  readonly state: JournalState
  /** In order; the last one is being written to. Empty only for a journal that has just been made. */
  readonly segments: Segment[]
  /** By the lane's number. */
  readonly backlog: Map<number, Backlog>
}

/**
 * Reads what a journal holds, without changing it. Throws when acknowledged data is damaged: the
 * text names segment, offset and lsn (J7).
 */
export async function inspectJournal(directory: string): Promise<Recovered | undefined> {
  const segments = await openSegments(directory)
  if (segments.length === 0) return undefined
  const last = segments.at(-1)!
  await findEnd(last)
  const state = await replay(last, last.lastLsn)
  return { state, segments, backlog: await countBacklog(segments, state) }
}

/**
 * Makes a journal ready for writing. A new segment is begun, with the state and the frames above
 * the highest lsn known to be durable, and synced, before anybody reads: after a failed fsync the
 * page cache shows frames that the disk does not have (J6).
 */
export async function recoverJournal(
  directory: string
): Promise<Recovered & { readonly file: FileHandle }> {
  await removeUnfinished(directory)
  const segments = await openSegments(directory)
  const last = segments.at(-1)
  if (!last) return beginJournal(directory)
  const durable = await findEnd(last)
  const state = await replay(last, last.lastLsn)
  // All that may be damaged is read before anything is changed.
  const backlog = await countBacklog(segments, state)
  const { segment, file } = await createSegment({
    directory,
    number: last.number + 1,
    writer: state.writer,
    firstLsn: durable + 1,
    snapshot: snapshotOf(await replay(last, durable)),
    frames: framesAbove(last, durable)
  })
  await endAt(last, durable)
  segments.push(segment)
  for (const { start } of backlog.values()) {
    if (start.lsn > durable)
      Object.assign(start, { segment: segment.number, at: segmentHeaderBytes })
  }
  return { state, segments, backlog, file }
}

async function beginJournal(directory: string) {
  const state = emptyState(randomBytes(8).toString('hex'))
  const { segment, file } = await createSegment({
    directory,
    number: 1,
    writer: state.writer,
    firstLsn: 1,
    snapshot: snapshotOf(state)
  })
  return { state, segments: [segment], backlog: new Map<number, Backlog>(), file }
}

/** All segments, each ending where the next one begins; the last one's end is not known yet. */
async function openSegments(directory: string): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const number of await listSegments(directory)) {
    const path = segmentPath(directory, number)
    const { salt, firstLsn } = await headerOf(path)
    const { size } = await stat(path)
    const before = segments.at(-1)
    if (before && (before.number + 1 !== number || firstLsn < before.firstLsn)) {
      throw new Error(`${path} does not follow ${before.path}: a segment is missing. ${advice}`)
    }
    if (before) before.lastLsn = firstLsn - 1
    segments.push({ number, path, firstLsn, lastLsn: firstLsn - 1, end: size, salt: crc32(salt) })
  }
  return segments
}

async function headerOf(path: string): Promise<SegmentHeader> {
  try {
    return decodeHeader(await readHeader(path), path)
  } catch (error) {
    if (error instanceof UnknownVersion) throw error
    throw new Error(`${(error as Error).message}. ${advice}`, { cause: error })
  }
}

export async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(segmentHeaderBytes),
      0,
      segmentHeaderBytes,
      0
    )
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * Finds where the last segment ends, and returns the highest lsn known to be durable. What does not
 * read above it is a torn tail: it was never acknowledged. What does not read below it is damage.
 */
async function findEnd(segment: Segment): Promise<number> {
  const { size } = await stat(segment.path)
  let durable = segment.firstLsn - 1
  segment.end = segmentHeaderBytes
  for await (const { frame, at } of framesOf(segment, size)) {
    durable = Math.max(durable, frame.durable)
    segment.lastLsn = Math.max(segment.lastLsn, frame.lsn)
    segment.end = at + frame.bytes
  }
  if (segment.end === size) return durable
  const { path, salt, end, lastLsn } = segment
  const behind = await framesBehind(path, salt, end, size, lastLsn)
  durable = Math.max(durable, ...behind.map(({ frame }) => frame.durable))
  if (durable > lastLsn) throw damage(segment, end, lastLsn + 1, durable)
  return durable
}

/** The state after `lsn`: the segment's snapshot and the control frames behind it. */
async function replay(segment: Segment, lsn: number): Promise<JournalState> {
  let state: JournalState | undefined
  for await (const { frame } of framesOf(segment, segment.end)) {
    if (frame.lsn > lsn) break
    if (frame.type === frameType.snapshot) state = stateOf(frame.payload)
    else if (state) applyFrame(state, frame)
  }
  if (!state) throw damage(segment, segmentHeaderBytes, segment.firstLsn - 1, segment.firstLsn - 1)
  return state
}

async function* framesAbove(segment: Segment, lsn: number) {
  for await (const { frame } of framesOf(segment, segment.end)) {
    if (takesLsn(frame.type) && frame.lsn > lsn) yield frame
  }
}

/** Cuts a segment's part of the journal off behind `lsn`: the next segment has the rest. */
async function endAt(segment: Segment, lsn: number): Promise<void> {
  for await (const { frame, at } of framesOf(segment, segment.end)) {
    if (frame.lsn <= lsn) continue
    segment.end = at
    break
  }
  segment.lastLsn = lsn
}

/** One pass over everything that a lane may still need: counts it, and checks every frame on the way. */
async function countBacklog(
  segments: Segment[],
  state: JournalState
): Promise<Map<number, Backlog>> {
  const tail = segments.at(-1)!
  const end = { segment: tail.number, at: tail.end, lsn: tail.lastLsn + 1 }
  const backlog = new Map(
    [...state.lanes.keys()].map((index): [number, Backlog] => [
      index,
      { records: 0, bytes: 0, oldest: undefined, start: { ...end } }
    ])
  )
  const marks = [...state.lanes.values()].map((lane) => lane.mark)
  const lowest = Math.min(tail.lastLsn, ...marks)
  if (marks.length > 0 && lowest < segments[0]!.firstLsn - 1) {
    throw new Error(
      `${segments[0]!.path} begins with ${segments[0]!.firstLsn}, but a lane has settled only up to ` +
        `${lowest}: an earlier segment is missing. ${advice}`
    )
  }
  for (const segment of segments) {
    if (segment.lastLsn <= lowest) continue
    await countSegment(segment, state, backlog, segment === tail)
  }
  return backlog
}

async function countSegment(
  segment: Segment,
  state: JournalState,
  backlog: Map<number, Backlog>,
  tail: boolean
): Promise<void> {
  let reached = segment.firstLsn - 1
  let end = segmentHeaderBytes
  for await (const { frame, at } of framesOf(segment, segment.end)) {
    if (frame.lsn > segment.lastLsn) break
    reached = Math.max(reached, frame.lsn)
    end = at + frame.bytes
    if (frame.type !== frameType.records) continue
    const envelope = decodeEnvelope(frame.payload)
    for (const index of envelope.lanes) {
      const lane = state.lanes.get(index)
      const counted = backlog.get(index)
      if (!lane || !counted || isSettled(lane, frame.lsn)) continue
      if (counted.records === 0) counted.start = { segment: segment.number, at, lsn: frame.lsn }
      counted.oldest ??= envelope.arrived
      counted.records += envelope.records
      counted.bytes += frame.bytes
    }
  }
  if (reached < segment.lastLsn) throw damage(segment, end, reached + 1, segment.lastLsn)
  if (!tail) segment.end = end
}

export async function* framesOf(
  segment: Segment,
  end: number
): AsyncGenerator<{ frame: Frame; at: number }> {
  const reader: FrameReader = openFrames(segment.path, segment.salt)
  try {
    let at = segmentHeaderBytes
    let lsn = segment.firstLsn - 1
    for (;;) {
      const frame = await reader.read(at, end)
      if (!frame || frame.lsn !== (takesLsn(frame.type) ? lsn + 1 : lsn)) return
      yield { frame, at }
      lsn = frame.lsn
      at += frame.bytes
    }
  } finally {
    await reader.close()
  }
}

function damage(segment: Segment, at: number, first: number, last: number): Error {
  return new Error(
    `${segment.path} is damaged at byte ${at}: the acknowledged frames ${first} to ${last} do not read. ${advice}`
  )
}

const advice =
  'Nothing was changed. Restore the file from a copy, or run `auditcol repair`, which keeps what ' +
  'does not read and names what is lost'
