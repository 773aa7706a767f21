import { type FileHandle, open } from 'node:fs/promises'
import { type Frame, frameHeaderBytes, frameStart, isFrameType, readFrame } from './frame.ts'
import { rangeChecksum } from './range_checksum.ts'

/** Read at once: frames are a few hundred bytes to a few megabytes. */
const blockBytes = 256 * 1024

export interface FrameReader {
  /**
   * The frame that begins at `at` and ends at or before `end`; undefined when no valid frame does.
   * Its payload is a view of a block that is not written again.
   */
  read(at: number, end: number): Promise<Frame | undefined>
  close(): Promise<void>
}

/** Reads the frames of one segment file, in order or not. */
export function openFrames(path: string, salt: number): FrameReader {
  let file: Promise<FileHandle> | undefined
  let block: Buffer = Buffer.alloc(0)
  let blockAt = 0

  const load = async (at: number, length: number, end: number) => {
    if (at >= blockAt && at + length <= blockAt + block.length) return true
    file ??= open(path, 'r')
    block = await readUpTo(await file, at, Math.min(Math.max(length, blockBytes), end - at))
    blockAt = at
    return block.length >= length
  }

  return {
    read: async (at, end) => {
      if (at + frameHeaderBytes > end || !(await load(at, frameHeaderBytes, end))) return undefined
      const bytes = frameHeaderBytes + frameStart(block, at - blockAt).length
      if (at + bytes > end || !(await load(at, bytes, end))) return undefined
      return readFrame(block, at - blockAt, salt)
    },
    close: async () => {
      await (await file)?.close()
    }
  }
}

/**
 * The valid frames between `from` and `end`, whatever lies between them, when the frame at `from`
 * does not read. Pages of one group may reach the disk in any order, so a valid frame behind an
 * invalid one alone proves nothing: what it knows to be durable does (J7).
 */
export async function framesBehind(
  path: string,
  salt: number,
  from: number,
  end: number,
  lastLsn: number
): Promise<{ frame: Frame; at: number }[]> {
  const file = await open(path, 'r')
  try {
    return validFrames(await readUpTo(file, from, end - from), salt, from, lastLsn)
  } finally {
    await file.close()
  }
}

/** The cost is that of one pass, whatever the bytes are: senders choose most of them. */
function validFrames(bytes: Buffer, salt: number, from: number, lastLsn: number) {
  const found: { frame: Frame; at: number }[] = []
  const checksum = rangeChecksum(bytes)
  for (let at = 0; at + frameHeaderBytes <= bytes.length; at++) {
    if (!plausible(bytes, at, lastLsn)) continue
    const end = at + frameHeaderBytes + frameStart(bytes, at).length
    if (checksum(at + 8, end, salt) !== bytes.readUInt32LE(at + 4)) continue
    const frame = readFrame(bytes, at, salt)
    if (frame === undefined) continue
    found.push({ frame, at: from + at })
    at += frame.bytes - 1
  }
  return found
}

/** A type of ours, an lsn a little further on, an end within the bytes. */
function plausible(bytes: Buffer, at: number, lastLsn: number): boolean {
  const type = bytes[at + 24]!
  if (!isFrameType(type) || bytes[at + 27] !== 0) return false
  const { length, lsn } = frameStart(bytes, at)
  return lsn > lastLsn && lsn < lastLsn + 2 ** 32 && at + frameHeaderBytes + length <= bytes.length
}

async function readUpTo(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const into = Buffer.allocUnsafeSlow(Math.max(0, length))
  let have = 0
  while (have < length) {
    const { bytesRead } = await file.read(into, have, length - have, at + have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  return into.subarray(0, have)
}
