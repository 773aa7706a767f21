import { mkdir, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncDirectory } from '../disk.ts'
import { type Frame, frameType, takesLsn } from './frame.ts'
import { framesBehind } from './frame_reader.ts'
import { framesOf, readHeader } from './recover.ts'
import {
  createSegment,
  decodeHeader,
  listSegments,
  removeUnfinished,
  type Segment,
  segmentHeaderBytes,
  segmentPath,
  UnknownVersion
} from './segment.ts'
import { applyFrame, type JournalState, snapshotOf, stateOf } from './state.ts'

export interface Repaired {
  /** What does not read, in words: segment and lsns. */
  readonly lost: readonly string[]
  /** Record frames that were kept. */
  readonly kept: number
  /** Where the segments as they were lie now. */
  readonly aside: string
}

/**
 * Makes a damaged journal readable again (J7): every frame that reads is copied to one new segment,
 * under its own lsn, and the segments as they were are put aside. What is lost is named, never
 * passed over. The caller holds the lock.
 */
export async function repairJournal(directory: string): Promise<Repaired> {
  await removeUnfinished(directory)
  const numbers = await listSegments(directory)
  if (numbers.length === 0) throw new Error(`there is no journal in ${directory}`)
  const lost: string[] = []
  const segments = await openReadable(directory, numbers, lost)
  const { state, lastLsn } = await fold(directory, segments, lost)
  const marks = [...state.lanes.values()].map(({ mark }) => mark)
  const firstLsn = Math.min(lastLsn, ...marks) + 1
  const kept = { count: 0 }
  const { file } = await createSegment({
    directory,
    number: numbers.at(-1)! + 1,
    writer: state.writer,
    firstLsn,
    snapshot: snapshotOf(state),
    frames: withoutGaps(framesOfAll(segments), firstLsn, lastLsn, kept)
  })
  await file.close()
  return { lost, kept: kept.count, aside: await putAside(directory, numbers) }
}

/** The segments whose headers read, each ending where the next one begins. */
async function openReadable(
  directory: string,
  numbers: readonly number[],
  lost: string[]
): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const number of numbers) {
    const path = segmentPath(directory, number)
    try {
      const { salt, firstLsn } = decodeHeader(await readHeader(path), path)
      const { size } = await stat(path)
      const before = segments.at(-1)
      if (before) before.lastLsn = firstLsn - 1
      const lastLsn = Number.POSITIVE_INFINITY
      segments.push({ number, path, firstLsn, lastLsn, end: size, salt: crc32(salt) })
    } catch (error) {
      if (error instanceof UnknownVersion) throw error
      lost.push(`all of ${basename(path)}: ${(error as Error).message}`)
    }
  }
  return segments
}

/** The state after all frames that read, from the oldest snapshot on, and what is missing between them. */
async function fold(directory: string, segments: readonly Segment[], lost: string[]) {
  let state: JournalState | undefined
  let lastLsn = 0
  let read = 0
  for await (const { frame, segment } of framesOfAll(segments)) {
    if (frame.type === frameType.snapshot) state ??= stateOf(frame.payload)
    if (read === 0) read = frame.lsn
    if (takesLsn(frame.type)) {
      if (state) applyFrame(state, frame)
      if (frame.lsn > read + 1) lost.push(missing(read + 1, frame.lsn - 1, segment))
      read = frame.lsn
    }
    lastLsn = Math.max(lastLsn, frame.lsn)
  }
  if (state) return { state, lastLsn }
  throw new Error(`no segment in ${directory} has a state that reads: restore it from a copy`)
}

function missing(first: number, last: number, { path }: Segment): string {
  const which = first === last ? `frame ${first}` : `frames ${first} to ${last}`
  return `${which}, in or before ${basename(path)}`
}

async function* framesOfAll(segments: readonly Segment[]) {
  for (const segment of segments) {
    let end = segmentHeaderBytes
    let lsn = segment.firstLsn - 1
    for await (const { frame, at } of framesOf(segment, segment.end)) {
      if (frame.lsn > segment.lastLsn) break
      end = at + frame.bytes
      lsn = frame.lsn
      yield { frame, segment }
    }
    if (end === segment.end || lsn === segment.lastLsn) continue
    for (const { frame } of await framesBehind(segment.path, segment.salt, end, segment.end, lsn)) {
      if (frame.lsn <= segment.lastLsn) yield { frame, segment }
    }
  }
}

/** One frame for each lsn: an empty one stands where there is none that a lane could read. */
async function* withoutGaps(
  frames: AsyncIterable<{ frame: Frame }>,
  first: number,
  last: number,
  kept: { count: number }
) {
  const empty = (lsn: number) => ({
    lsn,
    type: frameType.settled,
    payload: Buffer.from(JSON.stringify({ lanes: [] }))
  })
  let next = first
  for await (const { frame } of frames) {
    if (frame.type !== frameType.records || frame.lsn < next) continue
    while (next < frame.lsn) yield empty(next++)
    yield frame
    kept.count++
    next = frame.lsn + 1
  }
  while (next <= last) yield empty(next++)
}

async function putAside(directory: string, numbers: readonly number[]): Promise<string> {
  const aside = join(directory, `damaged-${new Date().toISOString().replaceAll(':', '')}`)
  await mkdir(aside, { mode: 0o700 })
  for (const number of numbers) {
    const path = segmentPath(directory, number)
    await rename(path, join(aside, basename(path)))
  }
  await syncDirectory(aside)
  await syncDirectory(directory)
  return aside
}
