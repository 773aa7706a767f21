import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { SyncFailed, syncDirectory, writeAll } from '../disk.ts'
import { frameHeaderBytes, frameType, readLsn, writeFrameHeader, writeLsn } from './frame.ts'

/** Frames go to a new segment when this is reached (J1). */
export const segmentBytes = 64 * 2 ** 20

/**
 * Header of a segment file: magic (8), version u32, 0 u32, salt (16), writer id (8), first lsn u64,
 * 0 (12), crc32 of what stands before it. Every version keeps magic, version and the checksum where
 * they are: a flipped bit in the version must not pass for a later version (J11).
 */
export const segmentHeaderBytes = 64
const magic = Buffer.from('AUDITCOL')
const segmentVersion = 1

export interface SegmentHeader {
  readonly salt: Buffer
  /** The journal's own id: 16 hex digits. */
  readonly writer: string
  readonly firstLsn: number
}

/** A segment as the running journal knows it. */
export interface Segment {
  readonly number: number
  readonly path: string
  readonly firstLsn: number
  /** The last lsn that is this segment's; what lies after it in the file belongs to nobody (J6). */
  lastLsn: number
  /** Where its last frame ends. */
  end: number
  /** What checksums begin with. */
  readonly salt: number
}

export function segmentPath(directory: string, number: number): string {
  return join(directory, `${String(number).padStart(8, '0')}.wal`)
}

/** Numbers of the segments in the directory, in order. */
export async function listSegments(directory: string): Promise<number[]> {
  const names = await readdir(directory)
  const found = names.filter((name) => /^\d{8}\.wal$/.test(name))
  return found.map((name) => Number(name.slice(0, 8))).sort((a, b) => a - b)
}

/** Removes segments whose making was cut short: a segment has its name only once it is whole and synced. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith('.wal.new')) await rm(join(directory, name))
  }
}

export interface NewSegment {
  readonly directory: string
  readonly number: number
  readonly writer: string
  /** The first lsn that this segment may hold; wins over a later part of an earlier segment (J6). */
  readonly firstLsn: number
  /** The state after firstLsn - 1. */
  readonly snapshot: Uint8Array
  /** Frames taken over from an earlier segment, their lsns from firstLsn on without a gap. */
  readonly frames?: AsyncIterable<{ lsn: number; type: number; payload: Uint8Array }>
}

/**
 * Makes a segment that begins with a snapshot. It is written under another name, synced, renamed,
 * and its directory synced, before anything is appended: a header that does not read is damage,
 * never a cut-off beginning.
 */
export async function createSegment(
  wanted: NewSegment
): Promise<{ segment: Segment; file: FileHandle }> {
  const path = segmentPath(wanted.directory, wanted.number)
  const file = await open(`${path}.new`, 'wx', 0o600)
  try {
    return { segment: await fillSegment(wanted, path, file), file }
  } catch (cause) {
    await file.close()
    await rm(`${path}.new`, { force: true })
    throw cause
  }
}

async function fillSegment(wanted: NewSegment, path: string, file: FileHandle): Promise<Segment> {
  const salt = randomBytes(16)
  const seed = crc32(salt)
  let lastLsn = wanted.firstLsn - 1
  let end = 0
  const put = async (parts: Uint8Array[]) => {
    end = await writeAll(file, parts, end).catch((cause) => {
      throw new Error(`writing ${path}.new`, { cause })
    })
  }
  // The file counts only once all of it is synced, so each frame may say that itself is durable.
  const frame = (lsn: number, type: number, payload: Uint8Array) => {
    const header = Buffer.alloc(frameHeaderBytes)
    writeFrameHeader(header, 0, { lsn, durable: lsn, type, payload: [payload] }, seed)
    return put([header, payload])
  }
  await put([encodeHeader({ salt, writer: wanted.writer, firstLsn: wanted.firstLsn })])
  await frame(lastLsn, frameType.snapshot, wanted.snapshot)
  for await (const { lsn, type, payload } of wanted.frames ?? []) {
    await frame(lsn, type, payload)
    lastLsn = lsn
  }
  if (lastLsn >= wanted.firstLsn) await frame(lastLsn, frameType.synced, Buffer.alloc(0))
  await file.sync().catch((cause) => {
    throw new SyncFailed(`${path}.new`, cause)
  })
  await rename(`${path}.new`, path)
  await syncDirectory(wanted.directory)
  return {
    number: wanted.number,
    path,
    firstLsn: wanted.firstLsn,
    lastLsn,
    end,
    salt: seed
  }
}

/** Not damage: a later version wrote it, and nothing here may judge or move it (J11). */
export class UnknownVersion extends Error {
  override name = 'UnknownVersion'
}

function encodeHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(segmentHeaderBytes)
  magic.copy(bytes)
  bytes.writeUInt32LE(segmentVersion, 8)
  header.salt.copy(bytes, 16)
  bytes.write(header.writer, 32, 'hex')
  writeLsn(bytes, header.firstLsn, 40)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

export function decodeHeader(bytes: Buffer, path: string): SegmentHeader {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, 8).equals(magic)) {
    throw new Error(`${path} is no segment of a journal`)
  }
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) {
    throw new Error(`the header of ${path} is damaged`)
  }
  const version = bytes.readUInt32LE(8)
  if (version !== segmentVersion) {
    throw new UnknownVersion(
      `${path} has version ${version}, this auditcol reads ${segmentVersion}: start the version that wrote it`
    )
  }
  return {
    salt: saltOf(bytes),
    writer: bytes.toString('hex', 32, 40),
    firstLsn: readLsn(bytes, 40)
  }
}

/** The salt as it stands there, whether the header reads or not. */
export function saltOf(header: Buffer): Buffer {
  return Buffer.from(header.subarray(16, 32))
}
