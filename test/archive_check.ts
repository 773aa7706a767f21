import { createHash } from 'node:crypto'
import { plain } from './e2e/records.ts'

/** An archive as anybody may read it: keys and bytes of a bucket or a directory. */
export type Objects = ReadonlyMap<string, Buffer>

interface Leaf {
  readonly v: number
  readonly i: number
  readonly kind: string
  readonly number: number
  readonly key: string
  readonly size: number
  readonly sha256: string
  readonly rawSize: number
  readonly rawSha256: string
  readonly records: number
  readonly objects?: number
  readonly first?: number
  readonly covers?: readonly (readonly [first: number, last: number])[]
  readonly counts?: Counts
  readonly after?: number
}

type Counts = Readonly<
  Record<'in' | 'dropped' | 'dead' | 'elsewhere' | 'out', number> & { routed?: number }
>

/**
 * What is wrong with an archive, in sentences; none when it is whole. Shares no code with what writes
 * it: every object is claimed by one leaf and is what that says, commits and leaves are dense, and
 * what they answer for leaves no hole and overlaps nowhere.
 */
export function problemsOf(objects: Objects): string[] {
  const problems: string[] = []
  const claimed = new Set<string>()
  for (const [root, commits] of commitsByRoot(objects)) {
    const leaves = leavesOf(root, commits, problems)
    checkCovers(root, leaves, problems)
    for (const leaf of leaves) {
      if (leaf.kind !== 'batch') continue
      if (claimed.has(leaf.key)) problems.push(`${leaf.key} is claimed twice`)
      claimed.add(leaf.key)
      checkObject(leaf, objects.get(leaf.key), problems)
    }
    checkNumbers(root, leaves, problems)
  }
  for (const key of objects.keys()) {
    if (!key.includes('.auditcol/') && !claimed.has(key)) problems.push(`${key} has no leaf`)
  }
  return problems
}

function commitsByRoot(objects: Objects): Map<string, Map<string, Buffer>> {
  const found = new Map<string, Map<string, Buffer>>()
  for (const [key, bytes] of objects) {
    const at = key.indexOf('/commits/')
    if (at < 0 || !key.includes('.auditcol/')) continue
    const root = key.slice(0, at)
    if (!found.has(root)) found.set(root, new Map())
    found.get(root)!.set(key.slice(at + '/commits/'.length), bytes)
  }
  return found
}

function leavesOf(root: string, commits: Map<string, Buffer>, problems: string[]): Leaf[] {
  const names = [...commits.keys()].sort()
  names.forEach((name, index) => {
    if (name !== String(index + 1).padStart(16, '0'))
      problems.push(`${root}: commit ${name} is not ${index + 1}`)
  })
  const lines = names.flatMap((name) => commits.get(name)!.toString().trimEnd().split('\n'))
  const leaves = lines.map((line): Leaf => JSON.parse(line))
  leaves.forEach((leaf, index) => {
    if (leaf.i !== index || leaf.v !== 1) problems.push(`${root}: leaf ${index} says ${leaf.i}`)
    if ((leaf.kind === 'genesis') !== (index === 0))
      problems.push(`${root}: leaf ${index} is ${leaf.kind}`)
    if (Buffer.byteLength(lines[index]!) > 65_535)
      problems.push(`${root}: leaf ${index} is too long`)
  })
  return leaves
}

function checkCovers(root: string, leaves: readonly Leaf[], problems: string[]): void {
  const ranges = leaves.flatMap(({ covers = [] }) => covers).toSorted(([a], [b]) => a - b)
  let last = leaves[0]?.after ?? 0
  for (const [first, end] of ranges) {
    if (first > last + 1) problems.push(`${root}: nothing covers ${last + 1} to ${first - 1}`)
    if (first <= last) problems.push(`${root}: ${first} to ${end} is covered twice`)
    last = Math.max(last, end)
  }
  for (const { i, counts } of leaves) {
    if (!counts) continue
    const { routed = 0 } = counts
    const sum = counts.dropped + routed + counts.dead + counts.elsewhere + counts.out
    if (counts.in !== sum) problems.push(`${root}: the counts of leaf ${i} do not add up`)
  }
}

function checkNumbers(root: string, leaves: readonly Leaf[], problems: string[]): void {
  const numbered = leaves.filter(({ kind }) => kind === 'batch' || kind === 'void')
  numbered.forEach(({ number }, index) => {
    const before = numbered[index - 1]?.number
    if (before !== undefined && number !== before + 1)
      problems.push(`${root}: ${number} follows ${before}`)
  })
  for (const { number, objects, counts } of numbered) {
    if (objects === undefined) continue
    const own = numbered.filter((leaf) => leaf.number >= number && leaf.number < number + objects)
    const records = own.reduce((sum, leaf) => sum + leaf.records, 0)
    if (own.length < objects) continue
    if (records !== counts?.out)
      problems.push(`${root}: intent ${number} has ${records} records, not ${counts?.out}`)
    if (own.some((leaf) => leaf.number !== number && leaf.first !== number)) {
      problems.push(`${root}: a leaf of intent ${number} points elsewhere`)
    }
  }
}

function checkObject(leaf: Leaf, bytes: Buffer | undefined, problems: string[]): void {
  if (bytes === undefined) return void problems.push(`${leaf.key} is missing`)
  if (bytes.length !== leaf.size || sha256(bytes) !== leaf.sha256)
    problems.push(`${leaf.key} has other bytes`)
  else {
    const raw = plain(bytes)
    if (raw.length !== leaf.rawSize || sha256(raw) !== leaf.rawSha256) {
      problems.push(`${leaf.key} opens to other bytes`)
    }
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
