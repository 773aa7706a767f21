import type { Loss } from '../journal/loss.ts'
import type { Range } from '../journal/position.ts'
import { gapsOf, type LaneGap, lossesThatMatter } from '../journal/repair.ts'
import type { JournalState, LaneState } from '../journal/state.ts'
import { type Survey, surveyJournal } from '../journal/survey.ts'
import { type Found, gatherEvidence } from './evidence.ts'
import { type Rebuilt, rebuildState } from './rebuilt_state.ts'
import { renewLane } from './renewed_lane.ts'
import type { Stores } from './stores.ts'

/** What a repair is going to do, before anything is changed. */
export interface Plan {
  readonly survey: Survey
  /** As it will be, but for the gaps. */
  readonly state: JournalState
  readonly losses: readonly Loss[]
  readonly gaps: readonly LaneGap[]
  /** Objects that were sealed in frames that are lost, and are known from the spool or the store. */
  readonly adopted: number
  /** Lost frames that may have been settlements. */
  readonly uncertain: readonly Range[]
  /** Lanes whose birth is lost, and their name with it. */
  readonly nameless: readonly LaneState[]
  /** Lanes of which neither journal nor store tell which numbers are given, and why not (A11). */
  readonly doubts: readonly Doubt[]
}

export interface Doubt {
  readonly lane: LaneState
  readonly reason: string
}

/**
 * Finds out what is damaged, what is lost, and what the state was (A11): from frames, from the spool,
 * and from the commits in the stores. A lane in doubt goes on under a new id.
 */
export async function planRepair(directory: string, stores: Stores): Promise<Plan> {
  const survey = await surveyJournal(directory)
  const first = await rebuildState(survey)
  const names = await storedNames(first, stores)
  // When no settlement can be among what is lost, the frames alone are right.
  const evidence = first.uncertain.length > 0 ? await gatherEvidence(directory, first, stores) : []
  const rebuilt = await rebuildState(survey, evidence, names)
  const { state, uncertain, adopted, nameless, untold } = rebuilt
  const doubts: Doubt[] = []
  for (const lane of [...state.lanes.values()]) {
    const reason = silence(evidence, lane) ?? untold.get(lane)
    if (reason !== undefined) doubts.push({ lane: renewLane(state, lane), reason })
  }
  const losses = lossesThatMatter(survey, state)
  const gaps = gapsOf(survey, state, Date.now())
  return { survey, state, losses, gaps, adopted, uncertain, nameless, doubts }
}

/** Lanes whose names the journal has lost are asked for by name as soon as a store tells it. */
async function storedNames(
  { state, nameless }: Rebuilt,
  stores: Stores
): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  for (const lane of nameless) {
    const name = await stores.nameOf(lane.id, state.writer)
    if (name === undefined) continue
    names.set(lane.index, name)
    lane.name = name
  }
  return names
}

function silence(evidence: readonly Found[], lane: LaneState): string | undefined {
  const unheard = evidence.find((found) => found.lane === lane.id)?.silent[0]
  return unheard && `${unheard.archive} does not answer: ${unheard.reason}`
}
