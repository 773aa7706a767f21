import { randomBytes } from 'node:crypto'
import { type FileHandle, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { syncDirectory } from '../disk.ts'
import { frameType, takesLsn } from './frame.ts'
import { framesBehind } from './frame_reader.ts'
import { describeLoss } from './loss.ts'
import { isSettled } from './position.ts'
import { lossesIn, scanSegment } from './scan.ts'
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
import { framesOf, readHeader } from './segment_frames.ts'
import { applyFrame, emptyState, type JournalState, snapshotOf, stateOf } from './state.ts'
import { storedRecords } from './stored_records.ts'

/** What is waiting for a lane. */
export interface Backlog {
  records: number
  bytes: number
  /** Of its largest frame. */
  largest: number
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
  // A name that the last process has left unsynced must not be lost behind the one that is made now.
  await syncDirectory(directory)
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
  for (const { frame } of behind) durable = Math.max(durable, frame.durable)
  if (durable > lastLsn) {
    const known = await replay(segment, lastLsn)
    throw await damage({ ...segment, lastLsn: durable }, known)
  }
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
  if (!state) throw await damage(segment, undefined)
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
      { records: 0, bytes: 0, largest: 0, oldest: undefined, start: { ...end } }
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
    const { lanes, logs, meta } = storedRecords(frame.payload)
    for (const index of lanes ?? state.lanes.keys()) {
      const lane = state.lanes.get(index)
      const counted = backlog.get(index)
      if (!lane || !counted || isSettled(lane, frame.lsn)) continue
      if (counted.records === 0) counted.start = { segment: segment.number, at, lsn: frame.lsn }
      counted.oldest ??= meta.arrived
      counted.records += logs.records
      counted.bytes += frame.bytes
      counted.largest = Math.max(counted.largest, frame.bytes)
    }
  }
  if (reached < segment.lastLsn) throw await damage(segment, state)
  if (!tail) segment.end = end
}

/** Names what does not read of a segment: where, which frames, and as far as they tell whose records. */
async function damage(segment: Segment, state: JournalState | undefined): Promise<Error> {
  const { number, path, lastLsn } = segment
  const scanned = await scanSegment(number, path)
  const losses = scanned === undefined ? [] : await lossesIn(scanned, lastLsn)
  const nameOf = (lane: number) => state?.lanes.get(lane)?.name ?? `lane ${lane}`
  const told = losses.map((loss) => describeLoss(loss, nameOf)).join('. ')
  return new Error(`${path} is damaged at ${told || 'every place'}. ${advice}`)
}

const advice =
  'Nothing was changed. Restore the file from a copy, or run `auditcol repair`, which keeps what ' +
  'does not read and names what is lost'
