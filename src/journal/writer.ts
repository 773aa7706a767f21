import type { FileHandle } from 'node:fs/promises'
import { RefusedError } from '../component.ts'
import { isBroken, SyncFailed, writeAll } from '../disk.ts'
import { frameHeaderBytes, frameType, takesLsn, writeFrameHeader } from './frame.ts'
import { createSegment, type Segment } from './segment.ts'

/** A frame that is to be written. */
export interface Entry {
  readonly type: number
  readonly payload: readonly Uint8Array[]
  /** Header and payload. */
  readonly bytes: number
  /** Called once: after the fsync with the frame's place, or with the reason why it is not written. */
  done(error: Error | undefined, place: Place): void
}

export interface Place {
  readonly lsn: number
  readonly segment: Segment
  readonly at: number
}

export interface WriterOptions {
  readonly directory: string
  readonly writer: string
  /** The journal's segments, in order; new ones are added at the end. */
  readonly segments: Segment[]
  readonly file: FileHandle
  readonly segmentBytes: number
  /** The state after the last durable frame, for the snapshot of a new segment. */
  snapshot(): Uint8Array
  /** A control frame that sums up what has changed since the last one, asked for with every group. */
  collect(): Entry | undefined
  /** After each fsync: everything up to this lsn is durable and its entries are done. */
  synced(lsn: number): void
  /** The disk is full: intake is to stop. Resolves when writing may be tried again. */
  makeRoom(): Promise<void>
  /** An fsync or the disk has failed, or what is left of a failed write cannot be cut off: the program must end (J6). */
  fatal(error: Error): void
}

export interface Writer {
  push(entry: Entry): void
  /** Something may be collected. */
  kick(): void
  /** Ends the segment although it is not full. */
  rotate(): void
  readonly pendingBytes: number
  /** Writes what waits and a synced frame, as far as the disk takes it, and closes the file. */
  close(): Promise<void>
}

/** Written with one fsync; more would keep a sender waiting for others' megabytes. */
const groupBytesMax = 16 * 2 ** 20
/** How long nothing must wait before a synced frame is appended and synced (J7). At once would cost a group of its own between two requests of a single sender. */
const idleMs = 10

/**
 * The journal's one writer loop (J1): it writes all frames that wait, one fdatasync, then answers
 * all that waited. A write that the disk has no room for is cut off again and its senders are refused;
 * a failed fsync, or a disk that fails, is never tried again (J6).
 */
export function createWriter(options: WriterOptions): Writer {
  const { segments } = options
  let file = options.file
  let segment = segments.at(-1)!
  let durable = segment.lastLsn
  /** Where this writer's frames begin: a snapshot of many open objects must not fill a segment by itself. */
  let begin = segment.end
  /** The highest lsn that a frame on the disk says to be durable. */
  let marked = durable
  let pending: Entry[] = []
  let pendingBytes = 0
  let running: Promise<void> | undefined
  let idle: NodeJS.Timeout | undefined
  let rotating = false
  let closing = false
  let lastTry = false
  /** Why nothing is written any more. */
  let ended: RefusedError | undefined

  const start = () => {
    if (running || ended) return
    clearTimeout(idle)
    running = run().finally(() => {
      running = undefined
      if (ended) return
      if (pending.length > 0) start()
      else if (marked < durable) idle = setTimeout(() => pushSynced(), idleMs)
    })
  }

  const run = async () => {
    for (;;) {
      const collected = options.collect()
      if (collected) add(collected)
      if (pending.length === 0 && !rotating) return
      await writeGroup(takeGroup())
      if (ended) return
    }
  }

  const add = (entry: Entry) => {
    pending.push(entry)
    pendingBytes += entry.bytes
  }

  const takeGroup = (): Entry[] => {
    let bytes = 0
    let count = 0
    while (
      count < pending.length &&
      (count === 0 || bytes + pending[count]!.bytes <= groupBytesMax)
    ) {
      bytes += pending[count++]!.bytes
    }
    const group = count === pending.length ? pending : pending.slice(0, count)
    pending = count === pending.length ? [] : pending.slice(count)
    pendingBytes -= bytes
    return group
  }

  const writeGroup = async (group: Entry[]) => {
    let laid: Laid
    try {
      await rotateIfFull(group)
      laid = layOut(group, segment, durable)
      segment.end = await writeAll(file, laid.parts, segment.end)
    } catch (cause) {
      if (cause instanceof SyncFailed) fail(cause, group)
      else if (isBroken(cause)) fail(new Error(`writing to ${options.directory}`, { cause }), group)
      else await takeBack(group, cause as Error)
      return
    }
    try {
      await file.datasync()
    } catch (cause) {
      fail(new SyncFailed(segment.path, cause), group)
      return
    }
    marked = durable
    durable = laid.lastLsn
    segment.lastLsn = durable
    for (let i = 0; i < group.length; i++) group[i]!.done(undefined, laid.places[i]!)
    options.synced(durable)
  }

  const rotateIfFull = async (group: Entry[]) => {
    const bytes = group.reduce((sum, entry) => sum + entry.bytes, 0)
    const full = rotating || segment.end - begin + bytes > options.segmentBytes
    rotating = false
    if (segment.lastLsn < segment.firstLsn || !full) return
    const next = {
      directory: options.directory,
      number: segment.number + 1,
      writer: options.writer
    }
    const made = await createSegment({
      ...next,
      firstLsn: durable + 1,
      snapshot: options.snapshot()
    })
    marked = durable
    await file.close()
    file = made.file
    segment = made.segment
    begin = segment.end
    segments.push(segment)
  }

  /**
   * The segment ends again where it did. All records that wait are refused, or they would use up the
   * reserve that the lanes need (J10); control frames are tried again, at the close only once.
   */
  const takeBack = async (group: Entry[], cause: Error) => {
    try {
      await file.truncate(segment.end)
      await file.datasync()
    } catch (error) {
      fail(new Error(`cutting off a failed write to ${segment.path}`, { cause: error }), group)
      return
    }
    const refused = refusal('writing to the journal', cause)
    if (closing && lastTry) return end(refused, group)
    lastTry = closing
    const waiting = [...group, ...pending]
    pending = []
    pendingBytes = 0
    for (const entry of waiting) {
      if (entry.type === frameType.records) entry.done(refused, nowhere())
      else add(entry)
    }
    await options.makeRoom()
  }

  const fail = (error: Error, group: Entry[]) => {
    end(refusal('the journal has failed', error), group)
    options.fatal(error)
  }

  const end = (refused: RefusedError, group: Entry[]) => {
    ended = refused
    for (const entry of [...group, ...pending]) entry.done(refused, nowhere())
    pending = []
    pendingBytes = 0
  }

  const nowhere = (): Place => ({ lsn: 0, segment, at: 0 })

  const pushSynced = () => {
    push({ type: frameType.synced, payload: [], bytes: frameHeaderBytes, done: () => {} })
  }

  const push = (entry: Entry) => {
    if (ended) return entry.done(ended, nowhere())
    add(entry)
    start()
  }

  return {
    push,
    kick: start,
    rotate: () => {
      rotating = true
      start()
    },
    get pendingBytes() {
      return pendingBytes
    },
    close: async () => {
      closing = true
      start()
      await running
      while (!ended && (pending.length > 0 || marked < durable)) {
        if (marked < durable) pushSynced()
        await running
      }
      ended ??= refusal('the journal is closed')
      clearTimeout(idle)
      await file.close()
    }
  }
}

function refusal(message: string, cause?: Error): RefusedError {
  return new RefusedError(message, { cause, reason: 'unavailable', retryAfter: 5 })
}

interface Laid {
  readonly parts: Uint8Array[]
  readonly places: Place[]
  readonly lastLsn: number
}

/** Gives the group its lsns and headers, one allocation for all of them. */
function layOut(group: readonly Entry[], segment: Segment, durable: number): Laid {
  const headers = Buffer.allocUnsafe(frameHeaderBytes * group.length)
  const parts: Uint8Array[] = []
  const places: Place[] = []
  let lsn = durable
  let at = segment.end
  for (let i = 0; i < group.length; i++) {
    const { type, payload, bytes } = group[i]!
    if (takesLsn(type)) lsn++
    writeFrameHeader(headers, i * frameHeaderBytes, { lsn, durable, type, payload }, segment.salt)
    parts.push(headers.subarray(i * frameHeaderBytes, (i + 1) * frameHeaderBytes), ...payload)
    places.push({ lsn, segment, at })
    at += bytes
  }
  return { parts, places, lastLsn: lsn }
}
