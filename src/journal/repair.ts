import { copyFile, link, mkdir, readdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { syncDirectory } from '../disk.ts'
import type { GapFrame } from './archive_frames.ts'
import { lowestMark } from './delivered.ts'
import { frameType, takesLsn } from './frame.ts'
import { type Loss, maybeRecords } from './loss.ts'
import { joinRanges, type Range, unsettledIn } from './position.ts'
import { releaseReserve } from './room.ts'
import { readRuns } from './scan.ts'
import { createSegment, removeUnfinished, segmentPath } from './segment.ts'
import { emptyState, type JournalState, type LaneState, snapshotOf } from './state.ts'
import type { Survey, Surveyed } from './survey.ts'

/** Losses that still matter: those in segments that every lane has passed are on their way out with them. */
export function lossesThatMatter({ segments, losses }: Survey, state: JournalState): Loss[] {
  const passed = lowestMark(state)
  const gone = new Set(
    segments
      .slice(0, -1)
      .filter(({ lastLsn, header }) => header && lastLsn <= passed)
      .map(({ path }) => path)
  )
  return losses.filter(({ path }) => !gone.has(path))
}

/** A loss as one lane's archives are going to show it. */
export interface LaneGap {
  readonly lane: LaneState
  readonly gap: GapFrame
}

/** What is lost for each lane: the lost frames that it had not settled. */
export function gapsOf(survey: Survey, state: JournalState, at: number): LaneGap[] {
  const first = survey.segments[0]!.firstLsn
  const lost = survey.losses.flatMap(maybeRecords)
  return [...state.lanes.values()].flatMap((lane) => {
    const before: Range[] = lane.mark < first - 1 ? [[lane.mark + 1, first - 1]] : []
    const covers = joinRanges([...before, ...lost]).flatMap((range) => unsettledIn(lane, range))
    if (covers.length === 0) return []
    const records = recordsIn(covers, lane.index, survey.losses)
    const reason = 'frames of the journal are damaged or missing'
    return [{ lane, gap: { at, covers, reason, ...(records !== undefined && { records }) } }]
  })
}

/** Undefined when a frame does not tell. */
function recordsIn(covers: readonly Range[], lane: number, losses: readonly Loss[]) {
  const told = new Map(losses.flatMap(({ claims }) => claims.map((claim) => [claim.lsn, claim])))
  let sum = 0
  for (const [first, last] of covers) {
    for (let lsn = first; lsn <= last; lsn++) {
      const claim = told.get(lsn)
      if (claim === undefined) return undefined
      if (claim.lanes.includes(lane)) sum += claim.records
    }
  }
  return sum
}

/**
 * Makes a damaged journal whole again: every frame that reads stays under its lsn, what is lost is
 * declared, the files as they were are put aside. The state with the gaps becomes durable first, in
 * a segment of its own: a crash before leaves the journal as it was, a crash after it one that still
 * refuses to start where damage matters, and that repair goes on with. The caller holds the lock.
 */
export async function writeRepaired(
  survey: Survey,
  state: JournalState,
  gaps: readonly LaneGap[]
): Promise<{ aside: string }> {
  const { directory, segments, absent, last } = survey
  await releaseReserve(directory)
  await removeUnfinished(directory)
  const wrong = [
    ...segments.filter(({ damaged }) => damaged).map(({ number }) => number),
    ...absent
  ]
  const aside = await putAside(directory, wrong)
  const number = Math.max(segments.at(-1)!.number, ...absent) + 1
  await make({
    ...{ directory, writer: survey.writer, number },
    firstLsn: last + 1,
    snapshot: snapshotOf(state),
    frames: numbered(gaps.map(gapFrame), last + 1)
  })
  // Before the last of what a further repair would find: cut short, that one puts them aside.
  await putSpoolAside(directory, state, aside)
  for (const number of wrong) await replace(survey, number)
  return { aside }
}

/**
 * What lanes had sealed that nobody goes on with: one in doubt has a new id (A11). Its records are sealed
 * again, so nobody would ever look at these files, and they hold originals.
 */
async function putSpoolAside(
  directory: string,
  { lanes }: JournalState,
  aside: string
): Promise<void> {
  const spool = join(directory, 'spool')
  const ids = new Set([...lanes.values()].map(({ id }) => id))
  const names = await readdir(spool).catch(() => [])
  const left = names.filter((name) => !ids.has(name.split('-')[0]!))
  for (const name of left) await rename(join(spool, name), join(aside, name))
  if (left.length === 0) return
  await syncDirectory(aside)
  await syncDirectory(spool)
}

function gapFrame({ lane, gap }: LaneGap) {
  const payload = Buffer.from(JSON.stringify({ lane: lane.index, ...gap }))
  return { type: frameType.gap, payload }
}

async function* numbered(added: readonly { type: number; payload: Uint8Array }[], first: number) {
  let lsn = first
  for (const frame of added) yield { ...frame, lsn: lsn++ }
}

/**
 * Writes a damaged segment anew, in the place of the one that was. The state at its beginning is not
 * known any more where it does not read: nobody needs it, as long as that in the last segment reads.
 */
async function replace(survey: Survey, number: number): Promise<void> {
  const { directory, writer, segments } = survey
  const found = segments.find((one) => one.number === number)
  const next = segments.find((one) => one.number > number)
  const firstLsn = found?.firstLsn ?? next?.firstLsn ?? survey.last + 1
  await make({
    ...{ directory, writer, number, firstLsn },
    snapshot:
      (found && (await snapshotIn(found))) ?? snapshotOf({ ...emptyState(writer), lost: true }),
    ...(found && { frames: withoutHoles(found) })
  })
}

async function make(wanted: Parameters<typeof createSegment>[0]): Promise<void> {
  const { file } = await createSegment(wanted)
  await file.close()
}

async function snapshotIn(segment: Surveyed): Promise<Uint8Array | undefined> {
  for await (const { type, payload } of readRuns(segment, segment.lastLsn)) {
    return type === frameType.snapshot ? payload : undefined
  }
  return undefined
}

/** One frame for each lsn: an empty one stands where there is none that a lane could read. */
async function* withoutHoles(segment: Surveyed) {
  const empty = (lsn: number) => ({ lsn, type: frameType.settled, payload: nothingSettled })
  let next = segment.firstLsn
  for await (const frame of readRuns(segment, segment.lastLsn)) {
    if (!takesLsn(frame.type) || frame.lsn < next) continue
    while (next < frame.lsn) yield empty(next++)
    yield frame
    next++
  }
  while (next <= segment.lastLsn) yield empty(next++)
}

const nothingSettled = Buffer.from('{"lanes":[]}')

/** A second name for the same file: the damaged one stays what it was when another takes its place. */
async function putAside(directory: string, numbers: readonly number[]): Promise<string> {
  const aside = join(directory, `damaged-${new Date().toISOString().replaceAll(':', '')}`)
  await mkdir(aside, { mode: 0o700 })
  for (const number of numbers) {
    const path = segmentPath(directory, number)
    const kept = join(aside, basename(path))
    await link(path, kept).catch(async (error) => {
      // A segment that is missing cannot be kept, and not every file system has links.
      if (error.code !== 'ENOENT') await copyFile(path, kept)
    })
  }
  await syncDirectory(aside)
  await syncDirectory(directory)
  return aside
}
