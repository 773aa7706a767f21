import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { Batch } from '../component.ts'
import { makeDirectory } from '../disk.ts'
import { createControlFrames } from './control_frames.ts'
import { watchDelivered } from './delivered.ts'
import { type FrameIndex, learnFrames } from './frame_index.ts'
import { openIntake } from './intake.ts'
import type { JournalLane } from './lane.ts'
import { createLanes } from './lanes.ts'
import { createLetterEnds, type LetterEnds } from './letter_ends.ts'
import { type Letters, openLetters } from './letters.ts'
import { lockJournal } from './lock.ts'
import { createRecent } from './recent.ts'
import { recoverJournal } from './recover.ts'
import { releaseFrames, watchRoom } from './room.ts'
import { segmentBytes } from './segment.ts'
import { type Arrival, type Ended, type GivenUpLetters, snapshotOf } from './state.ts'
import { createWriter } from './writer.ts'

export interface JournalOptions {
  readonly directory: string
  readonly maxSize: number
  readonly minFree: number
  /** Bytes of dead letters that are kept before their lanes wait. */
  readonly maxDeadLetters?: number
  /** Frames go to a new segment when this is reached; 64 MiB. */
  readonly segmentBytes?: number
  /** What has to know of records beyond their segments. */
  readonly index?: FrameIndex
  /** A lane has settled something. */
  settled(): void
  /** The journal cannot be trusted any more: the program must end (J6). */
  fatal(error: Error): void
}

/** The one durable buffer. */
export interface Journal {
  /** The journal's own random id: 16 hex digits. */
  readonly writer: string
  readonly directory: string
  /** The lanes that it knows, by name. */
  readonly lanes: ReadonlyMap<string, JournalLane>
  /**
   * Writes a batch for these lanes and settles it after the fsync; with a RefusedError when there is
   * no room. `stored` hears the frame's lsn just before it is settled with success.
   */
  append(batch: Batch, lanes: readonly JournalLane[], stored?: (lsn: number) => void): void
  /** Makes a lane whose position is the end of the journal; resolves when that is durable (J3). */
  bear(name: string): Promise<JournalLane>
  /** The lane has ended; what it has not delivered is given up. Resolves when that is durable. */
  end(lane: JournalLane, reason: Ended['reason']): Promise<void>
  /** All that waits to be sealed becomes a gap, which the lane's archives are going to show; for a lane that nobody reads. */
  giveUp(lane: JournalLane, reason: string): Promise<void>
  rename(lane: JournalLane, name: string): Promise<void>
  /** The last durable mark of a receiver. */
  resume(receiver: string): string | undefined
  /** When each receiver was given something last, as far as that is durable. */
  readonly arrivals: ReadonlyMap<string, Arrival>
  readonly letters: Letters
  readonly letterEnds: LetterEnds
  /** What operators have given up of dead letters. */
  readonly givenUp: GivenUpLetters
  segments(): readonly SegmentStatus[]
  /** Bytes on the disk and about to be there. */
  readonly bytes: number
  /** Writes what waits, syncs, and lets go of the directory. */
  close(): Promise<void>
}

export interface SegmentStatus {
  readonly number: number
  readonly first: number
  readonly last: number
  readonly bytes: number
}

export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory } = options
  await makeDirectory(directory).catch((cause) => {
    throw new Error(`opening the journal ${directory}`, { cause })
  })
  const lock = await lockJournal(directory)
  if (!lock) {
    throw new Error(
      `the journal ${directory} is in use by another process: stop it, or name another directory`
    )
  }
  try {
    await chmod(directory, 0o700)
    return await openLocked(options, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openLocked(options: JournalOptions, release: () => void): Promise<Journal> {
  const { directory, index, fatal } = options
  await index?.open(directory)
  // Recovery writes a segment: on a full disk it needs what was kept for that (J10).
  await releaseFrames(directory)
  const { state, segments, backlog, file } = await recoverJournal(directory)
  const lanes = new Map<string, JournalLane>()
  const need = (more: number) => [...lanes.values()].reduce((sum, lane) => sum + lane.need(more), 0)
  const room = await watchRoom({ directory, minFree: options.minFree, need, fatal })
  const makeRoom = room.forFrame
  const maxBytes = options.maxDeadLetters ?? Number.POSITIVE_INFINITY
  const letters = await openLetters({ directory, maxBytes, room, fatal }, state)
  if (index) await learnFrames(segments, index)
  const recent = createRecent(segments.at(-1)!.lastLsn + 1)
  let durable = segments.at(-1)!.lastLsn

  const frames = createControlFrames(state, lanes, () => writer)
  const writer = createWriter({
    ...{ directory, writer: state.writer, segments, file, makeRoom, fatal },
    // A small journal in small segments: only whole ones are deleted.
    segmentBytes: options.segmentBytes ?? Math.min(segmentBytes, options.maxSize / 8),
    snapshot: () => snapshotOf(state),
    collect: frames.collect,
    synced: (lsn) => synced(lsn)
  })

  const passed = () => {
    if (frames.touched) return
    frames.touch()
    setImmediate(writer.kick)
  }
  const delivered = watchDelivered({
    ...{ directory, segments, state, lanes, index, passed, makeRoom, fatal }
  })

  const synced = (lsn: number) => {
    durable = lsn
    for (const lane of lanes.values()) lane.reader.pump()
    recent.trim(Math.min(...[...lanes.values()].map((lane) => lane.reader.head)))
    delivered.remove()
  }

  const { add, bear, end, giveUp, rename } = createLanes({
    ...{ state, lanes, frames, room, fatal },
    source: { segments, recent, durable: () => durable, spool: join(directory, 'spool') },
    settled: () => {
      frames.touch()
      writer.kick()
      options.settled()
    },
    freed: delivered.remove
  })
  for (const lane of state.lanes.values()) add(lane, backlog.get(lane.index)!)
  // Every start begins a segment: without requests nothing else would let go of those before it.
  delivered.remove()

  const { maxSize } = options
  const intake = openIntake({ maxSize, room, writer, segments, state, lanes, recent })

  return {
    writer: state.writer,
    ...{ directory, lanes, letters, bear, end, giveUp, rename },
    append: intake.append,
    letterEnds: createLetterEnds({
      directory,
      state,
      lanes,
      letters,
      frames,
      append: intake.append
    }),
    get givenUp() {
      return state.givenUp
    },
    resume: (receiver) => state.resume.get(receiver),
    arrivals: state.arrivals,
    segments: () =>
      segments.map(({ number, firstLsn, lastLsn, end }) => {
        return { number, first: firstLsn, last: lastLsn, bytes: end }
      }),
    get bytes() {
      return intake.bytes
    },
    close: async () => {
      await writer.close()
      await delivered.end()
      await room.close()
      release()
    }
  }
}
