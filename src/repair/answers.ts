import type { StoredCommit } from '../archive/stored_commits.ts'
import type { Counts } from '../journal/archive_frames.ts'
import { none, plus } from '../journal/counts.ts'
import type { Range } from '../journal/position.ts'

/** What the leaves of some commits answer for. */
export interface Answers {
  readonly covers: readonly Range[]
  readonly counts: Counts
  /** SHA-256 by the object's number. */
  readonly objects: ReadonlyMap<number, string>
  /** What the first leaf of a seal says, by that object's number. */
  readonly firsts: ReadonlyMap<number, Answer>
  /** `at` of the gaps that they show. */
  readonly gaps: ReadonlySet<number>
  /** From the first leaf of all. */
  readonly after: number | undefined
}

export interface Answer {
  readonly covers: Range[]
  readonly counts: Counts
}

export function answersOf(commits: readonly Pick<StoredCommit, 'leaves'>[]): Answers {
  const covers: Range[] = []
  let counts = none
  let early: Range[] = []
  const objects = new Map<number, string>()
  const firsts = new Map<number, Answer>()
  const gaps = new Set<number>()
  let after: number | undefined
  for (const leaf of commits.flatMap(({ leaves }) => leaves)) {
    const own = (leaf.covers ?? []) as Range[]
    covers.push(...own)
    if (leaf.counts !== undefined) counts = plus(counts, leaf.counts as Counts)
    if (leaf.kind === 'genesis') after = leaf.after as number
    if (leaf.kind === 'gap') gaps.add(leaf.at as number)
    if (leaf.kind === 'batch' || leaf.kind === 'void') {
      const number = leaf.number as number
      objects.set(number, leaf.sha256 as string)
      if (leaf.first === undefined) {
        firsts.set(number, { covers: [...early, ...own], counts: leaf.counts as Counts })
      }
    }
    // Ranges that the next leaf has no room for stand in heartbeats before it.
    early = leaf.kind === 'heartbeat' ? [...early, ...own] : []
  }
  return { covers, counts, objects, firsts, gaps, after }
}
