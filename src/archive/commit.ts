import type { ArchiveState, Commit, Intent } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import { gapLeaves, genesisLeaf, type Leaf, lineOf, objectLeaves, type Stored } from './leaf.ts'

/** A8: 1 to 1,000 leaves. A megabyte beside that keeps the frame and the snapshot of it small. */
const leavesMax = 1000
const textMax = 2 ** 20

/**
 * The next commit of an archive: leaves of what is stored, in order of the numbers, up to the first
 * object that is not. Undefined when there is nothing to say yet. Its text is final (A8): it is
 * written down before its first PUT and never composed anew.
 */
export function composeCommit(
  archive: ArchiveState,
  stored: ReadonlyMap<number, Stored>
): Commit | undefined {
  const lines = collectLines(archive.leaves)
  let items = 0
  let objects = 0
  let ready = false
  for (const item of archive.queue) {
    if (lines.full()) break
    if (item.kind === 'genesis') lines.add([genesisLeaf(item)])
    else if (item.kind === 'gap') {
      lines.add(gapLeaves(item))
      ready = true
    } else {
      objects = takeObjects(item, stored, lines)
      if (objects > 0) ready = true
      if (item.taken + objects < item.objects.length) break
      objects = 0
    }
    items++
  }
  if (!ready) return undefined
  const { name, commit } = archive
  return { archive: name, commit, text: lines.text(), leaves: lines.count(), items, objects }
}

/** The open objects that stand in a commit. */
export function takenBy(archive: ArchiveState, commit: Commit) {
  const leaving = new Set(archive.queue.slice(0, commit.items))
  const partly = archive.queue[commit.items]
  return openObjects(archive).filter(
    ({ intent, object }) =>
      leaving.has(intent) ||
      (intent === partly && intent.objects.indexOf(object) < intent.taken + commit.objects)
  )
}

export function commitKey(root: string, commit: number): string {
  return `${root}commits/${String(commit).padStart(16, '0')}`
}

type Lines = ReturnType<typeof collectLines>

function takeObjects(intent: Intent, stored: ReadonlyMap<number, Stored>, lines: Lines): number {
  let taken = 0
  for (let index = intent.taken; index < intent.objects.length && !lines.full(); index++) {
    const object = intent.objects[index]!
    const known = stored.get(object.number) ?? (object.voided && 'void')
    if (known === undefined) break
    lines.add(objectLeaves(intent, index, known))
    taken++
  }
  return taken
}

function collectLines(first: number) {
  const lines: string[] = []
  let bytes = 0
  return {
    add: (leaves: readonly Leaf[]) => {
      for (const leaf of leaves) {
        const line = lineOf(leaf, first + lines.length)
        lines.push(line)
        bytes += line.length
      }
    },
    full: () => lines.length >= leavesMax || bytes >= textMax,
    text: () => lines.join(''),
    count: () => lines.length
  }
}
