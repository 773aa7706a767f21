import { randomBytes } from 'node:crypto'
import { decodeEnvelope } from '../journal/envelope.ts'
import { type Frame, frameType, takesLsn } from '../journal/frame.ts'
import { maybeControl } from '../journal/loss.ts'
import { joinRanges, type Range } from '../journal/position.ts'
import { readRuns } from '../journal/scan.ts'
import {
  applyFrame,
  type Birth,
  emptyLane,
  emptyState,
  type JournalState,
  type LaneState,
  stateOf
} from '../journal/state.ts'
import type { Survey } from '../journal/survey.ts'
import { type LaneFrame, laneFramesIn } from './lane_frames.ts'
import { type LaneNames, namesIn } from './lane_names.ts'
import { Untold } from './rebuilt_archive.ts'
import { type Evidence, rebuildLane } from './rebuilt_lane.ts'

export interface Rebuilt {
  readonly state: JournalState
  /** The newest state that reads, which the frames since have changed. */
  readonly begin: JournalState | undefined
  /** Lost frames that may have said something that no later state repeats. */
  readonly uncertain: readonly Range[]
  /** Objects that were sealed in frames that are lost, and are known from the evidence. */
  readonly adopted: number
  /** Lanes whose birth is lost: their names are. */
  readonly nameless: readonly LaneState[]
  /** Lanes that the evidence does not tell, and why not. */
  readonly untold: ReadonlyMap<LaneState, string>
}

/**
 * The state after all frames that read, from the newest state on that reads. Where a frame is missing
 * that may have changed it, each lane is put together again from what is left and from the evidence.
 */
export async function rebuildState(
  survey: Survey,
  evidence: readonly Evidence[] = [],
  storedNames: ReadonlyMap<number, string> = new Map()
): Promise<Rebuilt> {
  const begin = await newestState(survey)
  const walked = await walk(survey, begin, storedNames)
  const { state, frames, uncertain, nameless, births } = walked
  const untold = new Map<LaneState, string>()
  let adopted = 0
  const before = (await newestState(survey))?.state
  for (const lane of uncertain.length > 0 ? [...state.lanes.values()] : []) {
    const told = evidence.find((one) => one.lane === lane.id)
    if (told === undefined) continue
    const born = emptyLane(lane.index, lane.id, lane.name, births.get(lane.index) ?? 0)
    const base = before?.lanes.get(lane.index) ?? born
    try {
      const rebuilt = rebuildLane(base, lane.name, frames.get(lane.index) ?? [], told)
      state.lanes.set(lane.index, rebuilt.lane)
      adopted += rebuilt.adopted
    } catch (error) {
      if (!(error instanceof Untold)) throw error
      untold.set(lane, error.message)
    }
  }
  return { state, begin: before, uncertain, adopted, nameless, untold }
}

/** A state that repair has put in the place of one that was lost is not whole. */
async function newestState({ segments }: Survey) {
  for (let index = segments.length - 1; index >= 0; index--) {
    const { lastLsn } = segments[index]!
    for await (const frame of readRuns(segments[index]!, lastLsn)) {
      if (frame.type !== frameType.snapshot) break
      const state = stateOf(frame.payload)
      if (state.lost) break
      return { index, state }
    }
  }
  return undefined
}

/** Goes through the frames that read, as the running journal would have. */
async function walk(
  { segments, losses, last, writer }: Survey,
  begin: Awaited<ReturnType<typeof newestState>>,
  storedNames: ReadonlyMap<number, string>
) {
  const from = begin?.index ?? 0
  const state = begin?.state ?? emptyState(writer)
  const known = state.nextLane
  const names = await namesIn(segments.slice(from))
  const doubtful = losses.flatMap(maybeControl)
  const uncertain: Range[] = []
  const nameless: LaneState[] = []
  const frames = new Map<number, LaneFrame[]>()
  const births = new Map<number, number>()
  let lsn = segments[from]!.firstLsn - 1
  // Segments that are gone have settled and sealed what only a state could still tell.
  if (begin === undefined && lsn > 0) uncertain.push([1, lsn])

  const missing = (first: number, end: number) => {
    uncertain.push(...doubtful.filter((range) => range[0] <= end && range[1] >= first))
  }
  /** A lane that was born in a lost frame goes on under a name that no configuration has. */
  const bear = (index: number) => {
    if (index < known || state.lanes.has(index)) return
    const told = names.get(index) ?? ({} as LaneNames)
    const { id = randomBytes(8).toString('hex'), name = storedNames.get(index) } = told
    const lane = emptyLane(index, id, name ?? `lost/${index}`, lsn)
    births.set(index, lsn)
    state.lanes.set(index, lane)
    state.nextLane = Math.max(state.nextLane, index + 1)
    if (name === undefined) nameless.push(lane)
  }

  for (const segment of segments.slice(from)) {
    for await (const frame of readRuns(segment, segment.lastLsn)) {
      if (!takesLsn(frame.type)) continue
      if (frame.lsn > lsn + 1) missing(lsn + 1, frame.lsn - 1)
      lsn = frame.lsn - 1
      for (const index of lanesOf(frame)) bear(index)
      for (const [index, one] of laneFramesIn(frame)) {
        if (!frames.has(index)) frames.set(index, [])
        frames.get(index)!.push(one)
      }
      applyFrame(state, frame)
      lsn = frame.lsn
      if (frame.type === frameType.birth) births.set(laneBornIn(frame), lsn)
    }
  }
  if (last > lsn) missing(lsn + 1, last)
  return { state, frames, births, nameless, uncertain: joinRanges(uncertain) }
}

function laneBornIn({ payload }: Frame): number {
  return (JSON.parse(payload.toString()) as Birth).lane
}

function lanesOf(frame: Frame): readonly number[] {
  if (frame.type === frameType.records) return decodeEnvelope(frame.payload)?.lanes ?? []
  if (frame.type === frameType.birth || frame.type === frameType.ended) return []
  const told = JSON.parse(frame.payload.toString()) as { lane?: number }
  if (told.lane !== undefined) return [told.lane]
  return [...laneFramesIn(frame)].map(([lane]) => lane)
}
