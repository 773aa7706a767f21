import { asCommit } from '../archive/stored_commits.ts'
import type { IntentFrame } from '../journal/archive_frames.ts'
import { endCommit, writeCommit } from '../journal/archives.ts'
import type { Loss } from '../journal/loss.ts'
import type { Range } from '../journal/position.ts'
import { rebuildState } from '../journal/rebuilt_state.ts'
import { renewLane } from '../journal/renewed_lane.ts'
import { gapsOf, type LaneGap, lossesThatMatter } from '../journal/repair.ts'
import type { JournalState, LaneState } from '../journal/state.ts'
import { type Survey, surveyJournal } from '../journal/survey.ts'
import { type Found, gatherEvidence } from './evidence.ts'
import type { Stores } from './stores.ts'

/** What a repair is going to do, before anything is changed. */
export interface Plan {
  readonly survey: Survey
  /** As it will be, but for the gaps. */
  readonly state: JournalState
  readonly losses: readonly Loss[]
  readonly gaps: readonly LaneGap[]
  readonly evidence: readonly Found[]
  /** Sealed in frames that are lost, and known from the spool or the store. */
  readonly adopted: readonly IntentFrame[]
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
  // When no settlement can be among what is lost, the frames alone are right.
  const evidence = first.uncertain.length > 0 ? await gatherEvidence(directory, first, stores) : []
  const { state, uncertain, adopted, nameless } = await rebuildState(survey, evidence)
  const doubts: Doubt[] = []
  for (const found of evidence) {
    const lane = [...state.lanes.values()].find(({ id }) => id === found.lane)
    const reason = lane && takeStored(lane, found)
    if (lane && reason) doubts.push({ lane: renewLane(state, lane), reason })
  }
  const losses = lossesThatMatter(survey, state)
  const gaps = gapsOf(survey, state, Date.now())
  return { survey, state, losses, gaps, evidence, adopted, uncertain, nameless, doubts }
}

/** Ends what the store has committed; returns why the lane's numbers are not known. */
function takeStored(lane: LaneState, { commits, intents, silent }: Found): string | undefined {
  const [unheard] = silent
  if (unheard) return `${unheard.archive} does not answer: ${unheard.reason}`
  for (const [name, stored] of commits) {
    const archive = lane.archives.get(name)
    for (const one of archive === undefined ? [] : stored) {
      if (one.commit < archive!.commit) continue
      const commit = asCommit(archive!, one)
      if (commit === undefined) {
        return `commit ${one.commit} of ${name} is not what this journal would have written`
      }
      writeCommit(lane, commit)
      endCommit(lane, commit)
    }
  }
  const beyond = intents
    .flatMap(({ objects }) => objects)
    .find(({ archive, number }) => number >= (lane.archives.get(archive)?.next ?? 1))
  if (beyond === undefined) return undefined
  const { archive, number } = beyond
  const next = lane.archives.get(archive)?.next ?? 1
  return `object ${number} of ${archive} was sealed, and nothing tells what became of those from ${next} on`
}
