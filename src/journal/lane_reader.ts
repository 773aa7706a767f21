import { Observable, type Subscriber } from 'rxjs'
import { type Batch, type Meta, type Refused, RefusedError } from '../component.ts'
import { type Logs, noLogs } from '../logs/logs.ts'
import { type Frame, frameType, takesLsn } from './frame.ts'
import { type FrameReader, openFrames } from './frame_reader.ts'
import { isSettled, type Position, type Range, settleRange } from './position.ts'
import type { Recent } from './recent.ts'
import { type Segment, segmentHeaderBytes } from './segment.ts'
import { storedRecords } from './stored_records.ts'

export interface ReaderOptions {
  readonly lane: number
  readonly position: Position
  readonly start: { readonly segment: number; readonly at: number; readonly lsn: number }
  readonly segments: readonly Segment[]
  readonly recent: Recent
  /** The highest lsn that may be read (J5). */
  durable(): number
  /** Something has been settled. */
  settled(records: number, bytes: number): void
}

export interface ReadOptions {
  /** Bytes between the low-water mark and the read head (L2). */
  readonly window: number
  /** The window is full. */
  full(): void
  /** A batch came back with an error: nothing more is read, what is under way may still be settled. */
  stopped(error: Error): void
  /** Why these records cannot be read, if so. Asked for what an earlier process has accepted, whatever its version let pass. */
  unreadable?(logs: Logs): string | undefined
}

export interface LaneReader {
  batches(options: ReadOptions): Observable<Batch>
  /** There may be more to read. */
  pump(): void
  /** Completes the batches when everything durable has been read. */
  drain(): void
  /** The next lsn to be read. */
  readonly head: number
  /** These frames are settled by an intent: their batches have only to say so (A2). */
  sealed(covers: readonly Range[]): void
  /** These frames are about to be settled, and left dead letters (L6). An intent names its own. */
  refused(covers: readonly Range[], letters: readonly string[], records: number): void
  /** These frames are about to be settled, and so many of their records went to other pipelines. An intent counts its own. */
  routed(covers: readonly Range[], records: number): void
  /** What has been settled since this was asked last, but not by an intent. */
  collect(): Collected
  /** Arrival time of the oldest record that has been read and not settled. */
  readonly oldest: number | undefined
  readonly full: boolean
}

export interface Collected {
  readonly ranges: Range[]
  /** Records in these frames, those that became dead letters, the letters, and those routed elsewhere. */
  readonly in?: number
  readonly dead?: number
  readonly routed?: number
  readonly letters?: readonly string[]
}

/** What a batch under way costs beside its bytes: objects, closures, promises (measured: 0.4 to 0.6 KiB). */
const overheadBytes = 512

interface Outstanding {
  readonly range: Range
  readonly bytes: number
  readonly arrived: number
  settled: boolean
}

/** Reads the frames that were accepted for one lane, in order, at most a window ahead of the oldest unsettled one. */
export function createLaneReader(options: ReaderOptions): LaneReader {
  const { lane, position, segments, recent } = options
  const accepted = recent.floor
  let out: Subscriber<Batch> | undefined
  let read: ReadOptions | undefined
  let cursor = { ...options.start }
  let covered = position.mark
  let used = 0
  let outstanding: Outstanding[] = []
  let front = 0
  let fresh: [number, number][] = []
  let settledRecords = 0
  let dead = 0
  let routed = 0
  let letters: string[] = []
  /** One reader at a time; a batch settled while it is being emitted must not begin another. */
  let reading = false
  let draining = false
  let stopped = false

  const pump = () => {
    if (!out || !read || reading || stopped) return
    reading = true
    readMemory(read.window)
    reading = false
    if (used >= read.window) return read.full()
    if (cursor.lsn < recent.floor) {
      reading = true
      readDisk(read.window)
        .catch(stop)
        .finally(() => {
          reading = false
          pump()
        })
    } else if (draining) {
      out.complete()
      out = undefined
    }
  }

  const readMemory = (window: number) => {
    while (used < window && cursor.lsn >= recent.floor) {
      const frame = recent.from(cursor.lsn)
      if (!frame) {
        cursor.lsn = Math.max(cursor.lsn, options.durable() + 1)
        return
      }
      const { lsn, segment, at } = frame.place
      cursor = { segment: segment.number, at: at + frame.bytes, lsn: lsn + 1 }
      if (frame.lanes.includes(lane)) emit(lsn, frame.bytes, frame.logs, frame.meta)
    }
  }

  const readDisk = async (window: number) => {
    let reader: FrameReader | undefined
    let opened: Segment | undefined
    try {
      while (!stopped && out && used < window && cursor.lsn < recent.floor) {
        const segment = segmentAt(cursor.segment)
        if (cursor.segment !== segment.number || cursor.at >= segment.end) {
          const number = Math.max(segment.number, cursor.segment + 1)
          cursor = { segment: number, at: segmentHeaderBytes, lsn: cursor.lsn }
          continue
        }
        if (segment !== opened) {
          await reader?.close()
          reader = openFrames(segment.path, segment.salt)
          opened = segment
        }
        const frame = await reader!.read(cursor.at, segment.end)
        if (!frame) throw new Error(`${segment.path} is damaged at byte ${cursor.at}`)
        cursor.at += frame.bytes
        if (!takesLsn(frame.type) || frame.lsn < cursor.lsn) continue
        cursor.lsn = frame.lsn + 1
        if (frame.type === frameType.records) emitStored(frame)
      }
    } finally {
      await reader?.close()
    }
  }

  /** Numbers leave no gap. What the lane has passed may be gone by now: then the first that is there. */
  const segmentAt = (number: number): Segment => {
    const found = segments[Math.max(0, number - segments[0]!.number)]
    if (!found) throw new Error(`segment ${number} of the journal is missing`)
    return found
  }

  const emitStored = (frame: Frame) => {
    const { lanes, logs, meta, unreadable } = storedRecords(frame.payload)
    if (lanes?.includes(lane) === false || isSettled(position, frame.lsn)) return
    const reason = unreadable ?? (frame.lsn < accepted ? read?.unreadable?.(logs) : undefined)
    emit(frame.lsn, frame.bytes, logs, meta, reason)
  }

  /** A frame is counted with the skipped and control frames before it, so that ranges leave no gaps (A9). */
  const emit = (lsn: number, bytes: number, logs: Logs, meta: Meta, unreadable?: string) => {
    const range: Range = [covered + 1, lsn]
    covered = lsn
    const entry: Outstanding = {
      range,
      bytes: bytes + overheadBytes,
      arrived: meta.arrived,
      settled: false
    }
    outstanding.push(entry)
    used += entry.bytes
    const settle = (error?: Error) => {
      if (entry.settled) return
      // A halted lane refuses what it has not tried: the frame stays unsettled, and nothing is wrong.
      if (error) return error instanceof RefusedError ? undefined : stop(error)
      entry.settled = true
      settleEntry(entry, logs.records, bytes)
    }
    const known = { ...meta, accepted: logs.records, covers: [range] }
    if (unreadable === undefined) return out?.next({ logs, meta: known, settle })
    const frame: Refused = {
      ...{ logs, reason: unreadable, by: 'journal', at: 'journal', from: known }
    }
    out?.next({ logs: noLogs, meta: { ...known, refused: [frame] }, settle })
  }

  const settleEntry = (entry: Outstanding, records: number, bytes: number) => {
    if (!isSettled(position, entry.range[1])) {
      settleRange(position, entry.range)
      const last = fresh.at(-1)
      if (last && last[1] + 1 === entry.range[0]) last[1] = entry.range[1]
      else fresh.push([entry.range[0], entry.range[1]])
      settledRecords += records
    }
    const wasFull = read !== undefined && used >= read.window
    while (front < outstanding.length && outstanding[front]!.settled)
      used -= outstanding[front++]!.bytes
    if (front > 256 && front * 2 > outstanding.length) {
      outstanding = outstanding.slice(front)
      front = 0
    }
    options.settled(records, bytes)
    if (wasFull || draining) pump()
  }

  const areSettled = (covers: readonly Range[]) =>
    covers.every(([, last]) => isSettled(position, last))

  const stop = (error: Error) => {
    if (stopped) return
    stopped = true
    read?.stopped(error)
  }

  return {
    batches: (chosen) =>
      new Observable((subscriber) => {
        out = subscriber
        read = chosen
        pump()
        return () => {
          out = undefined
        }
      }),
    pump,
    drain: () => {
      draining = true
      pump()
    },
    get head() {
      return cursor.lsn
    },
    sealed: (covers) => {
      for (const range of covers) settleRange(position, range)
    },
    refused: (covers, written, records) => {
      if (areSettled(covers)) return
      letters.push(...written)
      dead += records
    },
    routed: (covers, records) => {
      if (!areSettled(covers)) routed += records
    },
    collect: () => {
      const ranges = fresh
      const told = {
        in: settledRecords,
        ...(letters.length > 0 && { dead, letters }),
        ...(routed > 0 && { routed })
      }
      fresh = []
      settledRecords = dead = routed = 0
      letters = []
      if (front === outstanding.length && cursor.lsn - 1 > position.mark) {
        const passed: [number, number] = [position.mark + 1, cursor.lsn - 1]
        settleRange(position, passed)
        ranges.push(passed)
      }
      return { ranges, ...told }
    },
    get oldest() {
      return outstanding[front]?.arrived
    },
    get full() {
      return read !== undefined && used >= read.window
    }
  }
}
