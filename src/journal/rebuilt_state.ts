import { randomBytes } from 'node:crypto'
import type { ArchiveFrame, IntentFrame, SpooledObject } from './archive_frames.ts'
import { bearArchive, seal } from './archives.ts'
import { decodeEnvelope } from './envelope.ts'
import { type Frame, frameType, takesLsn } from './frame.ts'
import { maybeControl } from './loss.ts'
import type { Range } from './position.ts'
import { readRuns } from './scan.ts'
import {
  applyFrame,
  emptyLane,
  emptyState,
  type JournalState,
  type LaneState,
  stateOf
} from './state.ts'
import type { Survey } from './survey.ts'

/** What another place than the journal has kept of a lane's frames (A11), in the order of their numbers. */
export interface Evidence {
  /** The lane's random id. */
  readonly lane: string
  readonly archives: readonly ArchiveFrame[]
  readonly intents: readonly IntentFrame[]
}

export interface Rebuilt {
  readonly state: JournalState
  /** The newest state that reads, which the frames since have changed. */
  readonly begin: JournalState | undefined
  /** Lost frames that may have said something that no later state repeats. */
  readonly uncertain: readonly Range[]
  /** Intents of the evidence that stand in no frame that reads. */
  readonly adopted: readonly IntentFrame[]
  /** Lanes whose birth is lost: their names are. */
  readonly nameless: readonly LaneState[]
}

/**
 * The state after all frames that read, from the newest state on that reads. Where frames are
 * missing, what the evidence has of them takes their place.
 */
export async function rebuildState(
  survey: Survey,
  evidence: readonly Evidence[] = []
): Promise<Rebuilt> {
  const { segments, writer } = survey
  const begin = await newestState(survey)
  const state = begin?.state ?? emptyState(writer)
  const knownLanes = begin ? state.nextLane : 1
  const ahead = await lookAhead(survey, begin?.index ?? 0)
  const doubtful = survey.losses.flatMap(maybeControl)
  const uncertain: Range[] = []
  const adopted: IntentFrame[] = []
  const nameless: LaneState[] = []
  let lsn = begin ? segments[begin.index]!.firstLsn - 1 : 0

  const missing = (first: number, last: number) => {
    const silent = doubtful.filter((range) => range[0] <= last && range[1] >= first)
    if (first > last || silent.length === 0) return
    uncertain.push(...silent)
    for (const one of evidence) adopted.push(...adopt(state, one, ahead.sealed))
  }

  /** A lane that was born in a lost frame goes on under a name that no configuration has. */
  const bear = (index: number) => {
    if (index < knownLanes || state.lanes.has(index)) return
    const known = ahead.names.get(index)
    const id = known?.id ?? randomBytes(8).toString('hex')
    const lane = emptyLane(index, id, known?.name ?? `lost/${index}`, lsn)
    state.lanes.set(index, lane)
    state.nextLane = Math.max(state.nextLane, index + 1)
    if (known === undefined) nameless.push(lane)
  }

  for (const segment of segments.slice(begin?.index ?? 0)) {
    for await (const frame of readRuns(segment, segment.lastLsn)) {
      if (!takesLsn(frame.type)) continue
      missing(lsn + 1, frame.lsn - 1)
      lsn = frame.lsn - 1
      for (const index of lanesOf(frame)) bear(index)
      applyFrame(state, frame)
      lsn = frame.lsn
    }
  }
  missing(lsn + 1, survey.last)
  return { state, begin: (await newestState(survey))?.state, uncertain, adopted, nameless }
}

async function newestState({ segments }: Survey) {
  for (let index = segments.length - 1; index >= 0; index--) {
    const { lastLsn } = segments[index]!
    for await (const frame of readRuns(segments[index]!, lastLsn)) {
      if (frame.type === frameType.snapshot) return { index, state: stateOf(frame.payload) }
      break
    }
  }
  return undefined
}

/** What frames further on tell: the lanes' ids and names, from the first leaves of their archives, and what they seal. */
async function lookAhead({ segments }: Survey, from: number) {
  const names = new Map<number, { id: string; name: string }>()
  const sealed = new Set<string>()
  for (const segment of segments.slice(from)) {
    for await (const { type, payload } of readRuns(segment, segment.lastLsn)) {
      if (type === frameType.archive) {
        const { lane, genesis } = JSON.parse(payload.toString()) as ArchiveFrame & { lane: number }
        names.set(lane, { id: genesis.lane, name: genesis.laneName })
      } else if (type === frameType.intent) {
        const { lane, objects } = JSON.parse(payload.toString()) as IntentFrame & { lane: number }
        for (const object of objects) sealed.add(objectName(lane, object))
      }
    }
  }
  return { names, sealed }
}

function objectName(lane: number, { archive, number }: SpooledObject): string {
  return `${lane} ${number} ${archive}`
}

function lanesOf({ type, payload }: Frame): readonly number[] {
  if (type === frameType.records) return decodeEnvelope(payload).lanes
  if (type === frameType.birth || type === frameType.ended) return []
  const { lane, lanes = [] } = JSON.parse(payload.toString()) as {
    lane?: number
    lanes?: { lane: number }[]
  }
  return [...(lane === undefined ? [] : [lane]), ...lanes.map((one) => one.lane)]
}

/** Takes over what follows the state: the next numbers, for frames that are not settled. */
function adopt(
  state: JournalState,
  { lane: id, archives, intents }: Evidence,
  readable: ReadonlySet<string>
): IntentFrame[] {
  const lane = [...state.lanes.values()].find((one) => one.id === id)
  if (lane === undefined) return []
  for (const archive of archives) bearArchive(lane, archive)
  const adopted: IntentFrame[] = []
  for (;;) {
    const next = intents.find(
      (one) =>
        follows(lane, one) &&
        !one.objects.some((object) => readable.has(objectName(lane.index, object)))
    )
    if (next === undefined) return adopted
    seal(lane, next)
    adopted.push(next)
  }
}

function follows(lane: LaneState, { objects }: IntentFrame): boolean {
  const first = new Map<string, number>()
  for (const { archive, number } of objects) if (!first.has(archive)) first.set(archive, number)
  return (
    first.size > 0 && [...first].every(([name, number]) => lane.archives.get(name)?.next === number)
  )
}
