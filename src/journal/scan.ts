import { open, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import {
  type Frame,
  frameHeaderBytes,
  frameStart,
  frameType,
  readFrame,
  takesLsn
} from './frame.ts'
import { framesBehind, openFrames } from './frame_reader.ts'
import { type Loss, lossIn } from './loss.ts'
import { seedOf } from './range_checksum.ts'
import {
  decodeHeader,
  type SegmentHeader,
  saltOf,
  segmentHeaderBytes,
  UnknownVersion
} from './segment.ts'
import { framesOf, readHeader } from './segment_frames.ts'
import { stateOf } from './state.ts'

/** What reads of one segment file. */
export interface Scanned {
  readonly number: number
  readonly path: string
  readonly size: number
  /** What checksums begin with. */
  readonly salt: number
  readonly firstLsn: number
  /** The journal's own id, where header or state tell it. */
  readonly writer: string | undefined
  /** The header reads. */
  readonly header: boolean
  readonly runs: readonly Run[]
}

/** Frames that follow each other without a gap. */
export interface Run {
  readonly at: number
  end: number
  /** What they are of the lsns; `last` is below `first` when no frame among them takes one. */
  readonly first: number
  last: number
  /** The highest lsn that one of them knows to be synced. */
  durable: number
}

/** Reads all frames of a segment that read; undefined when neither its header nor any frame does. */
export async function scanSegment(number: number, path: string): Promise<Scanned | undefined> {
  const { size } = await stat(path)
  const header = await headerOf(path)
  if (header !== undefined) {
    const { salt, firstLsn, writer } = header
    const seed = crc32(salt)
    const runs = await runsOf(path, seed, firstLsn, size)
    return { number, path, size, salt: seed, firstLsn, writer, header: true, runs }
  }
  for (const salt of await likelySalts(path)) {
    const begin = await framesBehind(path, salt, segmentHeaderBytes, size, -1)
    const first = begin[0]?.frame
    if (first === undefined) continue
    const firstLsn = takesLsn(first.type) ? first.lsn : first.lsn + 1
    const runs = await runsOf(path, salt, firstLsn, size)
    const writer = first.type === frameType.snapshot ? stateOf(first.payload).writer : undefined
    return { number, path, size, salt, firstLsn, writer, header: false, runs }
  }
  return undefined
}

async function headerOf(path: string): Promise<SegmentHeader | undefined> {
  try {
    return decodeHeader(await readHeader(path), path)
  } catch (error) {
    if (error instanceof UnknownVersion) throw error
    return undefined
  }
}

/**
 * The header is damaged somewhere: the salt in it may be whole all the same. If not, the snapshot
 * behind the header tells it, since its own checksum began with it.
 */
async function likelySalts(path: string): Promise<number[]> {
  const salts = [crc32(saltOf(await readHeader(path)))]
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(frameHeaderBytes)
    await file.read(head, 0, frameHeaderBytes, segmentHeaderBytes)
    const { length } = frameStart(head, 0)
    const { size } = await file.stat()
    if (head[24] !== frameType.snapshot || segmentHeaderBytes + length > size) return salts
    const frame = Buffer.alloc(frameHeaderBytes + length)
    await file.read(frame, 0, frame.length, segmentHeaderBytes)
    const salt = seedOf(frame.subarray(8), frame.readUInt32LE(4))
    // Any bytes have some seed: only a state that reads proves it.
    if (readFrame(frame, 0, salt) && isJson(frame.subarray(frameHeaderBytes))) salts.push(salt)
    return salts
  } finally {
    await file.close()
  }
}

function isJson(bytes: Buffer): boolean {
  try {
    return typeof JSON.parse(bytes.toString()) === 'object'
  } catch {
    return false
  }
}

async function runsOf(path: string, salt: number, firstLsn: number, size: number): Promise<Run[]> {
  const runs: Run[] = []
  for await (const { frame, at } of framesOf({ path, salt, firstLsn }, size)) add(runs, frame, at)
  const before = runs.at(-1)
  const end = before?.end ?? segmentHeaderBytes
  if (end === size) return runs
  const behind = await framesBehind(path, salt, end, size, before?.last ?? firstLsn - 1)
  for (const { frame, at } of behind) add(runs, frame, at)
  return runs
}

function add(runs: Run[], { lsn, type, durable, bytes }: Frame, at: number): void {
  const run = runs.at(-1)
  if (run && at === run.end && lsn === (takesLsn(type) ? run.last + 1 : run.last)) {
    run.end = at + bytes
    run.last = lsn
    run.durable = Math.max(run.durable, durable)
  } else if (lsn >= (run?.last ?? 0)) {
    runs.push({ at, end: at + bytes, first: takesLsn(type) ? lsn : lsn + 1, last: lsn, durable })
  }
}

/** What does not read of a segment's frames up to `lastLsn`; above it they are the next segment's, or a torn tail. */
export async function lossesIn(
  { path, size, firstLsn, runs }: Scanned,
  lastLsn: number
): Promise<Loss[]> {
  const losses: Loss[] = []
  let next = firstLsn
  let end = segmentHeaderBytes
  for (const run of runs) {
    if (next > lastLsn && end > segmentHeaderBytes) break
    if (run.at > end) {
      const last = Math.min(run.first - 1, lastLsn)
      losses.push(await lossIn(path, end, run.at, last < next ? undefined : [next, last]))
    }
    next = Math.max(next, run.last + 1)
    end = run.end
  }
  if (next <= lastLsn || runs.length === 0) {
    losses.push(await lossIn(path, end, size, next > lastLsn ? undefined : [next, lastLsn]))
  }
  return losses
}

/** The frames that read, in order; those above `lastLsn` are not this segment's. */
export async function* readRuns(
  { path, salt, runs }: Scanned,
  lastLsn: number
): AsyncGenerator<Frame> {
  const reader = openFrames(path, salt)
  try {
    for (const run of runs) {
      for (let at = run.at; at < run.end; ) {
        const frame = await reader.read(at, run.end)
        if (!frame) throw new Error(`reading ${path} again at byte ${at}`)
        if (frame.lsn > lastLsn) return
        yield frame
        at += frame.bytes
      }
    }
  } finally {
    await reader.close()
  }
}
