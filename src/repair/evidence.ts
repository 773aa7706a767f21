import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { intentIn } from '../archive/directory_spool.ts'
import { birthIn, readCommits, type StoredCommit } from '../archive/stored_commits.ts'
import type { ArchiveFrame, ArchiveState, IntentFrame } from '../journal/archive_frames.ts'
import type { LaneState } from '../journal/state.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { Evidence } from './rebuilt_lane.ts'
import type { Rebuilt } from './rebuilt_state.ts'
import type { KnownArchive, Stores } from './stores.ts'

/** All that is left of a lane's frames outside of the journal (A11). */
export interface Found extends Evidence {
  /** Archives whose store does not answer, and why. */
  readonly silent: readonly { readonly archive: string; readonly reason: string }[]
}

/**
 * Asks the spool and the stores for what each lane has sealed and committed since the newest state
 * that reads: a later frame may tell of a commit, and not of the intents in it.
 */
export async function gatherEvidence(
  directory: string,
  { state, begin }: Pick<Rebuilt, 'state' | 'begin'>,
  stores: Stores
): Promise<Found[]> {
  const found: Found[] = []
  for (const lane of state.lanes.values()) {
    const before = begin?.lanes.get(lane.index)?.archives
    const since = (archive: string) => before?.get(archive)?.commit ?? 1
    found.push(await evidenceOf({ directory, lane, writer: state.writer, stores, since }))
  }
  return found
}

interface Asked {
  readonly directory: string
  readonly lane: LaneState
  readonly writer: string
  readonly stores: Stores
  /** The first commit that may tell something. */
  since(archive: string): number
}

async function evidenceOf({ directory, lane, writer, stores, since }: Asked): Promise<Found> {
  const { intents: spooled, broken } = await spooledIntents(join(directory, 'spool'), lane.id)
  const commits = new Map<string, StoredCommit[]>()
  const silent: { archive: string; reason: string }[] = []
  const archives: ArchiveFrame[] = []
  for (const known of await archivesOf(lane, writer, spooled, stores)) {
    const { name, root } = known
    try {
      const stored = await readCommits(await stores.open(lane, known), root, since(name))
      commits.set(name, stored)
      const birth = birthIn(name, root, stored) ?? stores.birth(lane, known)
      if (!lane.archives.has(name) && (stored.length > 0 || isIn(spooled, name))) {
        archives.push(birth)
      }
    } catch (error) {
      silent.push({ archive: name, reason: reasonOf(error) })
    }
  }
  return { lane: lane.id, archives, intents: spooled, broken, commits, silent }
}

/** Those that the journal knows, that the spool names, and that the configuration would give it. */
async function archivesOf(
  lane: LaneState,
  writer: string,
  spooled: readonly IntentFrame[],
  stores: Stores
): Promise<KnownArchive[]> {
  const known = new Map<string, KnownArchive>()
  for (const archive of lane.archives.values()) {
    known.set(archive.name, { name: archive.name, root: archive.root, place: placeIn(archive) })
  }
  const configured = stores.configured(lane, writer)
  const root = configured?.root ?? [...lane.archives.values()][0]?.root
  for (const { places } of root === undefined ? [] : spooled) {
    for (const [name, place] of Object.entries(places)) {
      if (!known.has(name)) known.set(name, { name, root: root!, place })
    }
  }
  if (configured?.name !== undefined && !known.has(configured.name)) {
    known.set(configured.name, { ...configured, name: configured.name })
  }
  return [...known.values()]
}

function placeIn({ queue }: ArchiveState): unknown {
  const intent = queue.find((item) => item.kind === 'intent')
  return intent?.place
}

function isIn(intents: readonly IntentFrame[], archive: string): boolean {
  return intents.some(({ objects }) => objects.some((object) => object.archive === archive))
}

async function spooledIntents(directory: string, lane: string) {
  const names = await readdir(directory).catch(() => [])
  const intents: IntentFrame[] = []
  const broken: string[] = []
  for (const name of names.filter((one) => one.startsWith(`${lane}-`) && one.endsWith('.spool'))) {
    const intent = await intentIn(join(directory, name))
    if (intent === 'damaged') broken.push(name)
    else if (intent !== 'none') intents.push(intent)
  }
  return { intents, broken }
}
