import type { ArchiveFrame, ArchiveState, Commit } from '../journal/archive_frames.ts'
import { commitKey } from './commit.ts'
import type { Leaf } from './leaf.ts'
import type { Store } from './store.ts'

/** A commit as the store has it. */
export interface StoredCommit {
  readonly commit: number
  readonly text: string
  readonly leaves: readonly Leaf[]
}

/**
 * The commits of an archive from `from` on. Rejects when the store does not answer, and when the
 * commit before `from`, which was stored once, is not there: then it is not the store that was
 * written to, and says nothing.
 */
export async function readCommits(
  store: Store,
  root: string,
  from: number
): Promise<StoredCommit[]> {
  if (from > 1 && (await store.read(commitKey(root, from - 1))) === undefined) {
    throw new Error(`${store.name} has no ${commitKey(root, from - 1)}, which was stored there`)
  }
  const commits: StoredCommit[] = []
  for (let commit = from; ; commit++) {
    const key = commitKey(root, commit)
    const bytes = await store.read(key)
    if (bytes === undefined) return commits
    const text = Buffer.from(bytes).toString()
    commits.push({ commit, text, leaves: leavesIn(text, `${store.name}/${key}`) })
  }
}

/** The first leaf of an archive; undefined when no commit is stored. */
export async function firstLeafIn(store: Store, root: string): Promise<Leaf | undefined> {
  const key = commitKey(root, 1)
  const bytes = await store.read(key)
  return bytes && leavesIn(Buffer.from(bytes).toString(), `${store.name}/${key}`)[0]
}

function leavesIn(text: string, place: string): Leaf[] {
  try {
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  } catch (cause) {
    throw new Error(`reading ${place}: it is no commit`, { cause })
  }
}

/** The birth of an archive, as its first leaf tells. */
export function birthIn(
  archive: string,
  root: string,
  commits: readonly StoredCommit[]
): ArchiveFrame | undefined {
  const first = commits[0]?.leaves[0]
  if (first?.kind !== 'genesis') return undefined
  const { v, i, kind, after, unledgered, ...genesis } = first
  return { archive, root, genesis: genesis as unknown as ArchiveFrame['genesis'] }
}

/** What a stored commit ends of the archive's queue; undefined when it is not what the queue would say. */
export function asCommit(archive: ArchiveState, stored: StoredCommit): Commit | undefined {
  const { commit, text, leaves } = stored
  if (commit !== archive.commit || leaves[0]?.i !== archive.leaves) return undefined
  const rest = leaves.filter(({ kind }) => kind !== 'heartbeat')
  let items = 0
  let objects = 0
  let at = 0
  for (const item of archive.queue) {
    if (at === rest.length) break
    if (item.kind !== 'intent') {
      if (rest[at++]!.kind !== item.kind) return undefined
      items++
      continue
    }
    objects = 0
    for (const { number } of item.objects.slice(item.taken)) {
      if (at === rest.length) break
      if (rest[at++]!.number !== number) return undefined
      objects++
    }
    if (item.taken + objects < item.objects.length) break
    items++
    objects = 0
  }
  if (at !== rest.length) return undefined
  return { archive: archive.name, commit, text, leaves: leaves.length, items, objects }
}
