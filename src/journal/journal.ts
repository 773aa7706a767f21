import { randomBytes } from 'node:crypto'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Batch, RefusedError } from '../component.ts'
import { syncDirectory } from '../disk.ts'
import { heldFrom } from './archives.ts'
import type { Entry as BookEntry } from './book.ts'
import { encodeRecords } from './envelope.ts'
import { frameHeaderBytes, frameType } from './frame.ts'
import { createLane, type JournalLane } from './lane.ts'
import { type LetterHead, type Letters, openLetters, readLetter, removeLetter } from './letters.ts'
import { lockJournal } from './lock.ts'
import { createRecent } from './recent.ts'
import { type Backlog, recoverJournal } from './recover.ts'
import { releaseReserve, watchRoom } from './room.ts'
import { type Segment, segmentBytes } from './segment.ts'
import {
  applyFrame,
  type Birth,
  type Ended,
  type JournalState,
  type LaneState,
  type Renamed,
  type Settled,
  snapshotOf
} from './state.ts'
import { createWriter, type Entry, type Place } from './writer.ts'

/** A segment smaller than this is not ended for the space that it takes. */
const worthFreeingBytes = 2 ** 20

export interface JournalOptions {
  readonly directory: string
  readonly maxSize: number
  readonly minFree: number
  /** Bytes of dead letters that are kept before their lanes wait. */
  readonly maxDeadLetters?: number
  /** Frames go to a new segment when this is reached; 64 MiB. */
  readonly segmentBytes?: number
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
  /** Writes a batch for these lanes and settles it after the fsync; with a RefusedError when there is no room. */
  append(batch: Batch, lanes: readonly JournalLane[]): void
  /** Makes a lane whose position is the end of the journal; resolves when that is durable (J3). */
  bear(name: string): Promise<JournalLane>
  /** The lane has ended; what it has not delivered is given up. Resolves when that is durable. */
  end(lane: JournalLane, reason: Ended['reason']): Promise<void>
  rename(lane: JournalLane, name: string): Promise<void>
  /** The last durable mark of a receiver. */
  resume(receiver: string): string | undefined
  readonly letters: Letters
  /** Gives a dead letter's records to its lane again and removes it; twice is once (L6). */
  replay(id: string): Promise<LetterHead>
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
  const lock = await lockJournal(options.directory)
  if (!lock) {
    throw new Error(
      `the journal ${options.directory} is in use by another process: stop it, or name another directory`
    )
  }
  try {
    await chmod(options.directory, 0o700)
    return await openLocked(options, lock.release)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function openLocked(options: JournalOptions, release: () => void): Promise<Journal> {
  const { directory } = options
  // Recovery writes a segment: on a full disk it needs what was kept for that (J10).
  await releaseReserve(directory)
  const { state, segments, backlog, file } = await recoverJournal(directory)
  const room = await watchRoom(directory, options.minFree)
  const letters = await openLetters(
    {
      directory,
      maxBytes: options.maxDeadLetters ?? Number.POSITIVE_INFINITY,
      makeRoom: () => room.use(),
      fatal: options.fatal
    },
    state
  )
  const recent = createRecent(segments.at(-1)!.lastLsn + 1)
  const lanes = new Map<string, JournalLane>()
  let nextLane = state.nextLane
  let durable = segments.at(-1)!.lastLsn
  let dirty = false
  let removed = Promise.resolve()

  const writer = createWriter({
    directory,
    writer: state.writer,
    segments,
    file,
    // A small journal in small segments: only whole ones are deleted.
    segmentBytes: options.segmentBytes ?? Math.min(segmentBytes, options.maxSize / 8),
    snapshot: () => snapshotOf(state),
    collect: () => collect(),
    synced: (lsn) => synced(lsn),
    makeRoom: () => room.use(),
    fatal: options.fatal
  })

  const synced = (lsn: number) => {
    durable = lsn
    for (const lane of lanes.values()) lane.reader.pump()
    recent.trim(Math.min(...[...lanes.values()].map((lane) => lane.reader.head)))
    removeDelivered()
  }

  /** What all lanes have settled since the last such frame (J4). */
  const collect = (): Entry | undefined => {
    if (!dirty) return undefined
    dirty = false
    const settled = [...lanes.values()]
      .map((lane) => ({ lane: lane.index, ...lane.reader.collect() }))
      .filter(({ ranges }) => ranges.length > 0)
    const frame: Settled = { lanes: settled }
    return settled.length > 0 ? control(frameType.settled, frame, () => {}) : undefined
  }

  /** A control frame, taken into the state when it is durable. */
  const control = (
    type: number,
    value: unknown,
    done: (error: Error | undefined, place: Place) => void
  ): Entry => {
    const payload = Buffer.from(JSON.stringify(value))
    return {
      type,
      payload: [payload],
      bytes: frameHeaderBytes + payload.length,
      done: (error, place) => {
        if (!error) applyFrame(state, { lsn: place.lsn, type, payload })
        done(error, place)
      }
    }
  }

  const write = (type: number, value: unknown): Promise<Place> =>
    new Promise((resolve, reject) => {
      writer.push(control(type, value, (error, place) => (error ? reject(error) : resolve(place))))
    })

  /** J8: a segment goes when the durable position of every lane has passed it. */
  const removeDelivered = () => {
    while (segments.length > 1 && lowestMark(state) >= segments[0]!.lastLsn) {
      const { path } = segments.shift()!
      removed = removed.then(() => remove(path)).catch(options.fatal)
    }
    // A lane that had nothing to settle says only now that it has passed the old segments.
    if (segments.length > 1 && !dirty && lowestHead(lanes.values()) > segments[0]!.lastLsn) {
      dirty = true
      setImmediate(writer.kick)
    }
  }

  /** One after another: a crash must never leave an older segment without the one behind it. */
  const remove = async (path: string) => {
    await rm(path, { force: true }).catch((cause) => {
      throw new Error(`removing ${path}`, { cause })
    })
    await syncDirectory(directory)
  }

  const add = (from: LaneState, waiting: Backlog) => {
    const lane = createLane(
      from,
      waiting,
      { segments, recent, durable: () => durable, spool: join(directory, 'spool') },
      {
        settled: () => {
          dirty = true
          writer.kick()
          options.settled()
        },
        write: async (entry) => {
          const { do: what, ...frame } = entry
          await write(frameOf[what], { lane: from.index, ...frame })
          if (what === 'committed') removeDelivered()
        },
        checks: (store) => state.checks.get(store),
        makeRoom: () => room.use(),
        fatal: options.fatal
      }
    )
    lanes.set(lane.name, lane)
    return lane
  }

  for (const lane of state.lanes.values()) add(lane, backlog.get(lane.index)!)
  // Every start begins a segment: without requests nothing else would let go of those before it.
  removeDelivered()

  const shortage = (bytes: number): string | undefined => {
    const size = sizeOf(segments) + writer.pendingBytes + bytes
    if (size <= options.maxSize || isEmpty()) return room.shortage()
    return `the journal has reached its max_size of ${options.maxSize} bytes`
  }

  /** Everything is delivered: what it holds is the rest of a segment, and more is taken, or nothing would ever be again. */
  const isEmpty = () =>
    writer.pendingBytes === 0 && [...lanes.values()].every(({ behind }) => behind.records === 0)

  /** What is delivered lies in the last segment until that is full; on a full disk it would never be, so it ends early. */
  const freeDelivered = () => {
    if (isEmpty() && segments.at(-1)!.end > worthFreeingBytes) writer.rotate()
  }

  const journal: Journal = {
    writer: state.writer,
    directory,
    lanes,
    letters,
    append: (batch, chosen) => {
      const { logs, meta } = batch
      const indices = chosen.map((lane) => lane.index)
      const payload = encodeRecords(logs, meta, indices)
      const bytes = frameHeaderBytes + payload[0]!.length + logs.bytes
      const short = shortage(bytes)
      if (short) {
        freeDelivered()
        return batch.settle(new RefusedError(short, { reason: 'unavailable', retryAfter: 5 }))
      }
      room.taken(bytes)
      const done = (error: Error | undefined, place: Place) => {
        if (!error) {
          if (meta.resume !== undefined) state.resume.set(meta.receiver, meta.resume)
          for (const letter of meta.replay?.letters ?? []) state.replayed.add(letter)
          for (const lane of chosen) lane.accepted(logs.records, bytes)
          recent.add({ place, bytes, lanes: indices, logs, meta })
        }
        batch.settle(error)
      }
      writer.push({ type: frameType.records, payload, bytes, done })
    },
    replay: async (id) => {
      const { head, logs } = await readLetter(directory, id)
      const lane = [...lanes.values()].find((one) => one.id === head.lane)
      if (!lane) {
        throw new Error(
          `the dead letter ${id} is of the lane ${head.laneName} (${head.lane}), which is gone: export it instead`
        )
      }
      const { receiver, arrived, client, identity, at } = head
      const meta = {
        ...{ receiver, arrived, replay: { letters: [id], at } },
        ...(client && { client }),
        ...(identity && { identity })
      }
      await new Promise<void>((resolve, reject) => {
        journal.append({ logs, meta, settle: (error) => (error ? reject(error) : resolve()) }, [
          lane
        ])
      })
      await removeLetter(directory, id)
      state.replayed.delete(id)
      return head
    },
    bear: async (name) => {
      const frame: Birth = { lane: nextLane++, id: randomBytes(8).toString('hex'), name }
      const place = await write(frameType.birth, frame)
      const start = { segment: place.segment.number, at: place.at, lsn: place.lsn }
      return add(state.lanes.get(frame.lane)!, { records: 0, bytes: 0, oldest: undefined, start })
    },
    end: async (lane, reason) => {
      const frame: Ended = { lane: lane.index, reason }
      await write(frameType.ended, frame)
      lanes.delete(lane.name)
      await removeSpool(join(directory, 'spool'), lane.id)
      removeDelivered()
    },
    rename: async (lane, name) => {
      const frame: Renamed = { lane: lane.index, name }
      const before = lane.name
      await write(frameType.renamed, frame)
      lanes.delete(before)
      lanes.set(name, lane)
    },
    resume: (receiver) => state.resume.get(receiver),
    segments: () =>
      segments.map(({ number, firstLsn, lastLsn, end }) => {
        return { number, first: firstLsn, last: lastLsn, bytes: end }
      }),
    get bytes() {
      return sizeOf(segments) + writer.pendingBytes
    },
    close: async () => {
      room.close()
      await writer.close()
      await removed
      release()
    }
  }
  return journal
}

const frameOf: Record<BookEntry['do'], number> = {
  archive: frameType.archive,
  intent: frameType.intent,
  commit: frameType.commit,
  committed: frameType.committed,
  rekeyed: frameType.rekeyed,
  void: frameType.void,
  probed: frameType.probed
}

/** What is settled up to here by all lanes, and not sealed from any more (J8). */
function lowestMark(state: JournalState): number {
  return Math.min(
    ...[...state.lanes.values()].map((lane) => Math.min(lane.mark, heldFrom(lane) - 1))
  )
}

/** The lowest lsn at which a lane still has something to do. */
function lowestHead(lanes: Iterable<JournalLane>): number {
  const heads = [...lanes].map(({ reader }) => (reader.oldest === undefined ? reader.head : 0))
  return Math.min(...heads)
}

/** What a lane had sealed goes with it: originals must not stay behind unseen. */
async function removeSpool(spool: string, lane: string): Promise<void> {
  const names = await readdir(spool).catch(() => [])
  for (const name of names) {
    if (name.startsWith(`${lane}-`)) await rm(join(spool, name), { force: true })
  }
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { end }) => sum + end, 0)
}
