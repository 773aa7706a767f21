import type { StoredCommit } from '../archive/stored_commits.ts'
import type { ArchiveFrame, IntentFrame } from '../journal/archive_frames.ts'
import { settleRange } from '../journal/position.ts'
import type { LaneState } from '../journal/state.ts'
import { answersOf } from './answers.ts'
import { bareLane, type LaneFrame, objectsIn, settleFrame } from './lane_frames.ts'
import { carryLump, type RebuiltArchive, rebuildArchive, Untold } from './rebuilt_archive.ts'

/** What another place than the journal has kept of a lane's frames (A11). */
export interface Evidence {
  /** The lane's random id. */
  readonly lane: string
  /** Births of archives that it is asked for. */
  readonly archives: readonly ArchiveFrame[]
  /** Of whole files in the spool. */
  readonly intents: readonly IntentFrame[]
  /** Files in the spool whose intent does not read. */
  readonly broken: readonly string[]
  /** By archive, what the store has since the newest state that reads. */
  readonly commits: ReadonlyMap<string, readonly StoredCommit[]>
}

export interface RebuiltLane {
  readonly lane: LaneState
  /** Objects that were sealed in frames that are lost. */
  readonly adopted: number
}

/** A lane's state from the newest one that reads, the frames that are left since, and the evidence. Throws Untold. */
export function rebuildLane(
  base: LaneState,
  name: string,
  frames: readonly LaneFrame[],
  evidence: Evidence
): RebuiltLane {
  const { intents: spooled, commits } = evidence
  const all = withSpooled(base, frames, spooled, commits)
  const lane = bareLane({ ...base, name })
  for (const frame of all) settleFrame(lane, frame)
  const births = birthsOf(base, frames, evidence)
  refuseUnborn(all, births)
  refuseBroken(base, all, evidence)
  const rebuilt: RebuiltArchive[] = []
  for (const birth of births.values()) {
    const stored = commits.get(birth.archive) ?? []
    rebuilt.push(rebuildArchive({ base, birth, frames: all, stored }))
  }
  for (const { known } of rebuilt) {
    for (const range of [[1, known.mark] as const, ...known.ranges]) settleRange(lane, range)
  }
  for (const one of rebuilt) {
    for (const other of rebuilt) if (other !== one) carryLump(one, other.lump)
    lane.archives.set(one.archive.name, one.archive)
  }
  const lost = [...commits].map(([archive, stored]) => lostObjects(base, archive, stored, all))
  const adopted = (all.length - frames.length > 0 ? adoptedIn(all, frames) : 0) + sum(lost)
  return { lane, adopted }
}

/** Those that the state has, those born since, and those that only the evidence knows. */
function birthsOf(base: LaneState, frames: readonly LaneFrame[], { archives }: Evidence) {
  const births = new Map<string, ArchiveFrame>()
  for (const { name: archive, root } of base.archives.values()) {
    // Only one that is born later needs what its first leaf says.
    births.set(archive, { archive, root, genesis: {} as ArchiveFrame['genesis'] })
  }
  for (const { kind, value } of frames) {
    if (kind === 'archive' && !births.has(value.archive)) births.set(value.archive, value)
  }
  for (const birth of archives) if (!births.has(birth.archive)) births.set(birth.archive, birth)
  return births
}

/** An archive whose numbers nobody can tell would give some of them again. */
function refuseUnborn(frames: readonly LaneFrame[], births: ReadonlyMap<string, ArchiveFrame>) {
  for (const { kind, value } of frames) {
    if (kind !== 'intent') continue
    const unborn = value.objects.find(({ archive }) => !births.has(archive))
    if (unborn === undefined) continue
    throw new Untold(
      `${unborn.archive} was sealed for, and neither the journal nor a store that the configuration names tells ` +
        'which numbers it has given'
    )
  }
}

/**
 * The frames with those intents among them that only the spool knows. A file is left out whose
 * objects another intent has, or the store in another shape: sealing had failed, and was tried again.
 */
function withSpooled(
  base: LaneState,
  frames: readonly LaneFrame[],
  spooled: readonly IntentFrame[],
  commits: Evidence['commits']
): LaneFrame[] {
  const all = [...frames]
  const known = new Set<string>()
  const stored = new Map<string, string>()
  for (const [archive, list] of commits) {
    for (const [number, sha256] of answersOf(list).objects)
      stored.set(`${number} ${archive}`, sha256)
  }
  const take = (intent: IntentFrame) => {
    for (const { archive, number } of intent.objects) known.add(`${number} ${archive}`)
  }
  for (const { kind, value } of frames) if (kind === 'intent') take(value)
  // Of two with the same numbers the later one was the one that held.
  for (const intent of [...spooled].sort((a, b) => b.sealed - a.sealed)) {
    const isOther = intent.objects.some(({ archive, number, sha256 }) => {
      const name = `${number} ${archive}`
      const there = stored.get(name)
      const before = number < (base.archives.get(archive)?.next ?? base.numbers.get(archive) ?? 1)
      return before || known.has(name) || (there !== undefined && there !== sha256)
    })
    if (isOther) continue
    take(intent)
    const at = all.findIndex(({ kind, value }) => kind === 'intent' && isBefore(intent, value))
    all.splice(at < 0 ? all.length : at, 0, { kind: 'intent', value: intent })
  }
  return all
}

/** Every archive's numbers rise with the intents. */
function isBefore(one: IntentFrame, other: IntentFrame): boolean {
  return one.objects.some(({ archive, number }) =>
    objectsIn(other, archive).some((object) => object.number > number)
  )
}

/** A broken file that no frame names may be of a batch whose frame is lost: its numbers may be given. */
function refuseBroken(base: LaneState, frames: readonly LaneFrame[], { broken }: Evidence) {
  const named = new Set(frames.map(({ kind, value }) => (kind === 'intent' ? value.spool : '')))
  for (const { queue } of base.archives.values()) {
    for (const item of queue) if (item.kind === 'intent') named.add(item.spool)
  }
  const unnamed = broken.find((name) => !named.has(name))
  if (unnamed === undefined) return
  throw new Untold(
    `the spool file ${unnamed} is damaged, and the frame that tells what was sealed with it may be lost: ` +
      'restore the file from a copy'
  )
}

function adoptedIn(all: readonly LaneFrame[], frames: readonly LaneFrame[]): number {
  const there = new Set(frames)
  const added = all.filter((frame) => !there.has(frame))
  return sum(added.map(({ kind, value }) => (kind === 'intent' ? value.objects.length : 0)))
}

/** Objects in commits that no intent names. */
function lostObjects(
  base: LaneState,
  archive: string,
  stored: readonly StoredCommit[],
  frames: readonly LaneFrame[]
) {
  const next = base.archives.get(archive)?.next ?? 1
  const numbers = new Set([...answersOf(stored).objects.keys()].filter((number) => number >= next))
  for (const { kind, value } of frames) {
    if (kind === 'intent')
      for (const { number } of objectsIn(value, archive)) numbers.delete(number)
  }
  return numbers.size
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}
