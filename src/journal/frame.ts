import { crc32 } from 'node:zlib'

/**
 * One frame of the journal (J1), little-endian:
 *
 *     u32 length of the payload | u32 crc32 | u64 lsn | u64 durable lsn | u8 type | u8 version
 *     | u8 encoding | u8 0 | payload
 *
 * The checksum covers all that follows it and begins with the segment's salt, so that stale bytes
 * of a reused block never pass for a frame. `durable` is the highest lsn known to be synced when
 * the frame was written: it tells a torn tail from damage (J7).
 */
export const frameHeaderBytes = 28
const frameVersion = 1

export const frameType = {
  /** One accepted request. */
  records: 1,
  /** A lane's birth (J3). */
  birth: 2,
  /** What lanes have settled since their last such frame (J4). */
  settled: 3,
  /** Numbers of an archive that are given out from now on (A1). */
  numbers: 4,
  /** The state after the lsn that it carries; begins every segment (J4). */
  snapshot: 5,
  /** Nothing but a new durable lsn, which is its own lsn (J7). */
  synced: 6,
  /** A lane has ended: delivered and gone from the configuration, or abandoned (L7). */
  ended: 7,
  /** A lane goes on under another name (L7). */
  renamed: 8,
  /** Birth of an archive: where its commits lie, what its first leaf says (A1). */
  archive: 9,
  /** Objects are sealed and their frames settled (A2). */
  intent: 10,
  /** The exact bytes of a commit, before its first PUT (A8). */
  commit: 11,
  /** The commit is stored. */
  committed: 12,
  /** An object gets another key (A6). */
  rekeyed: 13,
  /** An object is given up by an operator (A7). */
  void: 14,
  /** Frames are lost, and `repair` says so. */
  gap: 15,
  /** What a store can do (A12). */
  probed: 16,
  /** A dead letter is given up by an operator (L6). */
  removed: 17,
  /** The exact bytes of a partition's manifest, before its first PUT. */
  manifest: 18,
  /** The manifest is stored. */
  manifested: 19
} as const

/** Snapshots and synced frames say something of the lsn that they carry; all others take the next one. */
export function takesLsn(type: number): boolean {
  return type !== frameType.snapshot && type !== frameType.synced
}

const knownTypes = new Set<number>(Object.values(frameType))

export function isFrameType(type: number): boolean {
  return knownTypes.has(type)
}

export interface Frame {
  readonly lsn: number
  readonly durable: number
  readonly type: number
  readonly payload: Buffer
  /** Header and payload. */
  readonly bytes: number
}

export interface FrameStart {
  readonly length: number
  readonly lsn: number
}

/** Writes a frame's header into `into` at `at`. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  frame: { lsn: number; durable: number; type: number; payload: readonly Uint8Array[] },
  salt: number
): void {
  const length = frame.payload.reduce((sum, part) => sum + part.length, 0)
  into.writeUInt32LE(length, at)
  writeLsn(into, frame.lsn, at + 8)
  writeLsn(into, frame.durable, at + 16)
  into[at + 24] = frame.type
  into[at + 25] = frameVersion
  into[at + 26] = 0
  into[at + 27] = 0
  let crc = crc32(into.subarray(at + 8, at + frameHeaderBytes), salt)
  for (const part of frame.payload) crc = crc32(part, crc)
  into.writeUInt32LE(crc, at + 4)
}

/** Length and lsn as the header claims them; nothing is checked yet. */
export function frameStart(bytes: Buffer, at: number): FrameStart {
  return { length: bytes.readUInt32LE(at), lsn: readLsn(bytes, at + 8) }
}

/** The frame at `at`, or undefined when its checksum does not hold. The whole frame must be in `bytes`. */
export function readFrame(bytes: Buffer, at: number, salt: number): Frame | undefined {
  const end = at + frameHeaderBytes + bytes.readUInt32LE(at)
  if (crc32(bytes.subarray(at + 8, end), salt) !== bytes.readUInt32LE(at + 4)) return undefined
  const type = bytes[at + 24]!
  const version = bytes[at + 25]!
  const encoding = bytes[at + 26]!
  if (version !== frameVersion || encoding !== 0 || !isFrameType(type)) {
    throw new Error(
      `frame ${readLsn(bytes, at + 8)} has type ${type}, version ${version}, encoding ${encoding}, ` +
        'which this version of auditcol does not know: start the version that wrote it'
    )
  }
  return {
    lsn: readLsn(bytes, at + 8),
    durable: readLsn(bytes, at + 16),
    type,
    payload: bytes.subarray(at + frameHeaderBytes, end),
    bytes: end - at
  }
}

export function writeLsn(into: Buffer, lsn: number, at: number): void {
  into.writeUInt32LE(lsn % 2 ** 32, at)
  into.writeUInt32LE(Math.floor(lsn / 2 ** 32), at + 4)
}

export function readLsn(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
}
