import type { ArchiveFrame, IntentFrame } from '../journal/archive_frames.ts'
import { frameType } from '../journal/frame.ts'
import { readRuns } from '../journal/scan.ts'
import type { Surveyed } from '../journal/survey.ts'

/** What frames tell of a lane whose birth is lost. */
export interface LaneNames {
  readonly id: string
  readonly name?: string
}

/** Ids and names of lanes by their numbers: first leaves of archives tell both, names of spool files the id. */
export async function namesIn(segments: readonly Surveyed[]): Promise<Map<number, LaneNames>> {
  const names = new Map<number, LaneNames>()
  for (const segment of segments) {
    for await (const { type, payload } of readRuns(segment, segment.lastLsn)) {
      if (type === frameType.archive) {
        const { lane, genesis } = told<ArchiveFrame>(payload)
        names.set(lane, { id: genesis.lane, name: genesis.laneName })
      } else if (type === frameType.intent) {
        const { lane, spool } = told<IntentFrame>(payload)
        if (!names.has(lane)) names.set(lane, { id: spool.split('-')[0]! })
      }
    }
  }
  return names
}

function told<T>(payload: Buffer): T & { readonly lane: number } {
  return JSON.parse(payload.toString())
}
