import { inspectJournal } from '../../src/journal/recover.ts'
import type { LaneState } from '../../src/journal/state.ts'
import { problemsOf } from '../archive_check.ts'
import type { Bucket } from './bucket.ts'
import type { Disk } from './disk.ts'
import { idsIn } from './process.ts'
import type { Told } from './story.ts'

interface Leaf {
  readonly kind: string
  /** Of a genesis: covers begin behind it. */
  readonly after?: number
  readonly covers?: readonly [first: number, last: number][]
  readonly counts?: Counts
}
type Counts = Readonly<
  Record<'in' | 'dropped' | 'dead' | 'elsewhere' | 'out', number> & { routed?: number }
>

/** What is wrong with the end of a story, in sentences. */
export async function wrongIn(told: Told): Promise<string[]> {
  const { disk, buckets, stops } = told
  const fenced = stops.filter((text) => /is there|never sent/.test(text))
  const inspected = await inspectJournal(`${disk.root}/journal`)
  const lanes = [...inspected!.state.lanes.values()]
  return [
    ...fenced.map((text) => `fenced by nobody: ${text}`),
    ...buckets.flatMap(contentProblems),
    ...whereabouts(told),
    ...leftovers(disk),
    ...lanes.flatMap((lane) => ledgerProblems(lane, told))
  ]
}

/** One content for a key, whatever lives and lost answers; and the archive is whole by itself. */
export function contentProblems({ name, objects, sent }: Bucket): string[] {
  // Holes are looked for with what the next leaf will carry, below.
  const problems = problemsOf(objects).filter((problem) => !problem.includes('nothing covers'))
  for (const [key, contents] of sent) {
    if (contents.length > 1) problems.push(`${name}: ${key} was sent with two contents`)
  }
  for (const [key, body] of objects) {
    if (body.toString('latin1') !== sent.get(key)?.[0])
      problems.push(`${name}: ${key} is not what was first sent`)
  }
  return problems
}

/** Every accepted record is in one place; one whose sender never knew in one or in none. */
function whereabouts({ disk, buckets, accepted, unsure }: Told): string[] {
  const places = new Map<string, number>()
  for (const id of keptIds(disk, buckets)) places.set(id, (places.get(id) ?? 0) + 1)
  const problems: string[] = []
  for (const id of accepted) {
    const wanted = /^(drop|away)/.test(id) ? 0 : 1
    const found = places.get(id) ?? 0
    if (found !== wanted) problems.push(`${id} was accepted and is in ${found} places`)
  }
  for (const [id, found] of places) {
    if (accepted.has(id)) continue
    if (!unsure.has(id)) problems.push(`${id} was never sent`)
    else if (found > 1) problems.push(`${id} is in ${found} places`)
  }
  return problems
}

function keptIds(disk: Disk, buckets: readonly Bucket[]): string[] {
  return [...buckets.flatMap(storedIds), ...letterIds(disk), ...voidedIds(disk)]
}

function storedIds({ objects }: Bucket): string[] {
  return [...objects].flatMap(([key, body]) => (key.startsWith('.auditcol/') ? [] : idsIn(body)))
}

function letterIds(disk: Disk): string[] {
  const letters = disk.files().filter((path) => path.endsWith('.letter'))
  return letters.flatMap((path) => idsIn(disk.contentOf(path)))
}

function voidedIds(disk: Disk): string[] {
  const aside = disk.files().filter((path) => /-object-\d+$/.test(path))
  return aside.flatMap((path) => idsIn(disk.contentOf(path)))
}

/** Nothing lies about: what is sealed and committed has left the spool, what was cut short is gone. */
function leftovers(disk: Disk): string[] {
  const known =
    /^\/journal\/(\d{8}\.wal|reserve|dead\/[\w-]+\.letter|dead\/[\w-]+-object-\d+(\.json)?)$/
  return disk.files().flatMap((path) => (known.test(path) ? [] : [`${path} was left over`]))
}

/** A9 beyond one bucket: covers go without a hole to where the lane is, and say what became of every record. */
function ledgerProblems(lane: LaneState, told: Told): string[] {
  const problems: string[] = []
  if (lane.ranges.length > 0) problems.push(`settled up to ${lane.mark}, and ${lane.ranges}`)
  for (const archive of lane.archives.values()) {
    const wrong = (text: string) => problems.push(`${archive.name}: ${text}`)
    const bucket = told.buckets.find(({ name }) => archive.name === `s3://${name}`)!
    if (archive.queue.length > 0 || archive.pending) wrong('not everything is committed')
    const leaves = leavesIn(bucket)
    const covers = [...leaves.flatMap((leaf) => leaf.covers ?? []), ...archive.carried.covers]
    let last = leaves[0]?.after ?? 0
    for (const [first, end] of covers.toSorted(([a], [b]) => a - b)) {
      if (first !== last + 1) wrong(`covers ${first} to ${end} behind ${last}`)
      last = end
    }
    if (last !== lane.mark) wrong(`covers end at ${last}, the lane is at ${lane.mark}`)
    const counted = [...leaves.flatMap((leaf) => leaf.counts ?? []), archive.carried.counts]
    for (const [what, wanted] of expectedCounts(told, bucket)) {
      const sum = counted.reduce((all, counts) => all + (counts[what] ?? 0), 0)
      if (sum !== wanted) wrong(`counts ${sum} ${what}, not ${wanted}`)
    }
  }
  return problems
}

/** What leaves must add up to, as far as that is known: an archive counts from its birth on. */
function expectedCounts(told: Told, bucket: Bucket): [keyof Counts, number][] {
  const own = storedIds(bucket).length
  const voided = bucket === told.buckets[0] ? voidedIds(told.disk).length : 0
  const counts: [keyof Counts, number][] = [['out', own + voided]]
  if (!told.first.every((id) => told.accepted.has(id))) return counts
  const letters = letterIds(told.disk).length
  const all = told.buckets.flatMap(storedIds).length + voidedIds(told.disk).length
  counts.push(['elsewhere', all - own - voided], ['dead', letters])
  const some = (from: ReadonlySet<string>, prefix: string) =>
    [...from].filter((id) => id.startsWith(prefix)).length
  const drops = some(told.accepted, 'drop')
  const away = some(told.accepted, 'away')
  if (some(told.unsure, 'drop') === 0) counts.push(['dropped', drops])
  if (some(told.unsure, 'away') === 0) counts.push(['routed', away])
  if (counts.length === 5) counts.push(['in', all + letters + drops + away])
  return counts
}

function leavesIn({ objects }: Bucket): Leaf[] {
  const commits = [...objects].filter(([key]) => key.includes('/commits/')).sort()
  return commits.flatMap(([, body]) =>
    body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  )
}
