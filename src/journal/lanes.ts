import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveFrame, GapFrame } from './archive_frames.ts'
import type { Entry } from './book.ts'
import type { ControlFrames } from './control_frames.ts'
import { frameType } from './frame.ts'
import { createLane, type JournalLane, type LaneEvents } from './lane.ts'
import { unsettledIn } from './position.ts'
import type { Backlog } from './recover.ts'
import type { Birth, Ended, JournalState, LaneState, Renamed } from './state.ts'

export interface LanesOptions extends Pick<LaneEvents, 'settled' | 'room' | 'fatal'> {
  readonly state: JournalState
  /** By name; what is born, ends or is renamed changes it. */
  readonly lanes: Map<string, JournalLane>
  readonly frames: Pick<ControlFrames, 'write'>
  /** Where lanes read from, and `<journal>/spool`. */
  readonly source: Parameters<typeof createLane>[2]
  /** What a lane held back is free: a commit is stored, an object or the lane is given up (J8). */
  freed(): void
}

/** The lanes of an open journal: from birth or the last start to their end, each change a frame. */
export interface Lanes {
  /** A lane that the journal knows, with what waits for it. */
  add(from: LaneState, waiting: Backlog): JournalLane
  bear(name: string): Promise<JournalLane>
  end(lane: JournalLane, reason: Ended['reason']): Promise<void>
  giveUp(lane: JournalLane, reason: string): Promise<void>
  rename(lane: JournalLane, name: string): Promise<void>
}

export function createLanes(options: LanesOptions): Lanes {
  const { state, lanes, frames, source } = options
  let nextLane = state.nextLane

  const add = (from: LaneState, waiting: Backlog) => {
    const lane = createLane(from, waiting, source, {
      settled: options.settled,
      write: async (entry) => {
        const { do: what, ...frame } = entry
        const told = entry.do === 'archive' ? { genesis: genesisOf(from.name, entry) } : {}
        await frames.write(frameOf[what], { lane: from.index, ...frame, ...told })
        if (what === 'committed' || what === 'void') options.freed()
      },
      checks: (store) => state.checks.get(store),
      room: options.room,
      fatal: options.fatal
    })
    lanes.set(lane.name, lane)
    return lane
  }

  /** The first leaf of an archive tells of lanes of the same name that could not tell it themselves. */
  const genesisOf = (name: string, { genesis }: ArchiveFrame): ArchiveFrame['genesis'] => {
    const same = state.abandoned.filter((one) => one.name === name)
    if (same.length === 0) return genesis
    return { ...genesis, abandoned: same.map(({ lane, records, at }) => ({ lane, records, at })) }
  }

  return {
    add,
    bear: async (name) => {
      const frame: Birth = { lane: nextLane++, id: randomBytes(8).toString('hex'), name }
      const place = await frames.write(frameType.birth, frame)
      const start = { segment: place.segment.number, at: place.at, lsn: place.lsn }
      return add(state.lanes.get(frame.lane)!, {
        records: 0,
        bytes: 0,
        largest: 0,
        oldest: undefined,
        start
      })
    },
    end: async (lane, reason) => {
      const { records } = lane.behind
      const more = reason === 'abandoned' ? { at: Date.now(), records } : {}
      const frame: Ended = { lane: lane.index, reason, ...more }
      await frames.write(frameType.ended, frame)
      lanes.delete(lane.name)
      await removeSpool(source.spool, lane.id)
      options.freed()
    },
    giveUp: async (lane, reason) => {
      const records = lane.behind.records - lane.sealed.records
      if (records === 0) return
      const covers = unsettledIn(state.lanes.get(lane.index)!, [1, source.durable()])
      const frame: GapFrame = { at: Date.now(), covers, records, reason }
      await frames.write(frameType.gap, { lane: lane.index, ...frame })
      options.freed()
    },
    rename: async (lane, name) => {
      const frame: Renamed = { lane: lane.index, name }
      const before = lane.name
      await frames.write(frameType.renamed, frame)
      lanes.delete(before)
      lanes.set(name, lane)
    }
  }
}

const frameOf: Record<Entry['do'], number> = {
  archive: frameType.archive,
  intent: frameType.intent,
  commit: frameType.commit,
  committed: frameType.committed,
  rekeyed: frameType.rekeyed,
  void: frameType.void,
  probed: frameType.probed,
  manifest: frameType.manifest,
  manifested: frameType.manifested
}

/** What a lane had sealed goes with it: originals must not stay behind unseen. */
async function removeSpool(spool: string, lane: string): Promise<void> {
  const names = await readdir(spool).catch(() => [])
  for (const name of names) {
    if (name.startsWith(`${lane}-`)) await rm(join(spool, name), { force: true })
  }
}
