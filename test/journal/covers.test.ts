import { rm } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeCommit } from '../../src/archive/commit.ts'
import type { Batch } from '../../src/component.ts'
import type { ArchiveState, Counts, SpooledObject } from '../../src/journal/archive_frames.ts'
import { bearArchive, seal as writeIntent } from '../../src/journal/archives.ts'
import type { Journal } from '../../src/journal/journal.ts'
import type { JournalLane } from '../../src/journal/lane.ts'
import { joinRanges, type Range } from '../../src/journal/position.ts'
import { inspectJournal } from '../../src/journal/recover.ts'
import { emptyLane } from '../../src/journal/state.ts'
import { listen, newDirectory, open, until } from './harness.ts'

/** What lanes do with what they were given; numbers choose among what there is. */
type Deed =
  | { readonly records: number; readonly bytes: number; readonly lanes: readonly number[] }
  /** Frames from here on, every so many-th of so many, into objects of these records for each archive. */
  | {
      readonly seal: readonly [lane: number, from: number, step: number, count: number]
      readonly out: readonly number[]
      readonly dead: number
    }
  | { readonly drop: readonly [lane: number, which: number]; readonly dead: boolean }
  | { readonly commit: readonly [lane: number, archive: number] }
  | 'restart'

const small = fc.nat(7)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      records: fc.integer({ min: 1, max: 5 }),
      bytes: fc.integer({ min: 1, max: 1500 }),
      lanes: fc.constantFrom([0], [1], [0, 1])
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      seal: fc.tuple(
        fc.nat(1),
        small,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 })
      ),
      out: fc.constantFrom([1, 0], [0, 1], [1, 2], [3, 1]),
      dead: fc.nat(2)
    })
  },
  { weight: 2, arbitrary: fc.record({ drop: fc.tuple(fc.nat(1), small), dead: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ commit: fc.tuple(fc.nat(1), fc.nat(1)) }) },
  { weight: 1, arbitrary: fc.constant('restart' as const) }
)

const names = ['logs/a', 'logs/b']
const archives = ['s3://one', 's3://two']

test('A9: whatever lanes seal, drop and commit, in whatever order and over restarts, covers leave no hole and counts add up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), async (deeds) => {
      const directory = await newDirectory()
      const leaves = new Map<string, Leaf[]>()
      const accepted: Accepted[] = []
      let opened = await start(directory)
      for (const one of deeds) {
        if (one === 'restart') {
          await opened.journal.close()
          opened = await start(directory)
        } else if ('records' in one) await accept(opened, one, accepted)
        else if ('seal' in one) await seal(opened, one)
        else if ('drop' in one) drop(opened, one)
        else await commit(opened, one.commit, leaves)
      }
      await opened.journal.close()
      const { state } = (await inspectJournal(directory))!
      for (const lane of state.lanes.values()) {
        for (const archive of lane.archives.values()) {
          const own = leaves.get(`${lane.name} ${archive.name}`) ?? []
          check(archive, own, lane, accepted)
        }
      }
      await rm(directory, { recursive: true })
    }),
    { numRuns: 20, endOnFailure: true }
  )
}, 60_000)

test("A9: a frame answers for those before it that are not the lane's: settled in order they are one range", async () => {
  const { journal, lanes: opened } = await start(await newDirectory())
  const accepted: Accepted[] = []
  for (const lanes of [[0], [1], [1], [0], [0]]) {
    await accept({ journal, lanes: opened }, { records: 1, bytes: 1, lanes }, accepted)
  }
  const covers = opened[0]!.given.flatMap(({ meta }) => meta.covers!)
  expect(joinRanges(covers)).toHaveLength(1)
  await journal.close()
})

test('A9: an archive that is born when half the frames of a batch lie behind the mark answers for all of them', () => {
  const lane = emptyLane(1, '0123456789abcdef', 'logs/a', 2)
  const genesis = { at: 0, host: 'h', version: '0', writer: 'w', lane: lane.id, laneName: 'logs/a' }
  const [one, two] = archives as [string, string]
  const sealed = { spool: '', sealed: 0, arrived: 0, host: 'h', dead: 0, places: {} }
  bearArchive(lane, { archive: one, root: '', genesis })
  const objects = [objectOf(one, 1, 2)]
  writeIntent(lane, {
    ...sealed,
    covers: [
      [3, 3],
      [5, 5]
    ],
    in: 2,
    objects
  })
  bearArchive(lane, { archive: two, root: '', genesis })
  expect(lane.archives.get(two)).toMatchObject({
    carried: {
      covers: [
        [3, 3],
        [5, 5]
      ],
      counts: { in: 2, elsewhere: 2 }
    },
    queue: [{ kind: 'genesis', after: 2 }]
  })
  writeIntent(lane, { ...sealed, covers: [[4, 4]], in: 1, objects: [objectOf(one, 2, 1)] })
  expect(lane.early).toEqual([])
})

interface Leaf {
  readonly covers?: readonly Range[]
  readonly counts?: Counts
  readonly after?: number
}

interface Accepted {
  readonly lsn: number
  readonly records: number
  readonly lanes: readonly string[]
}

interface Opened {
  readonly journal: Journal
  readonly lanes: readonly { lane: JournalLane; given: Batch[] }[]
}

async function start(directory: string): Promise<Opened> {
  const journal = await open(directory, { segmentBytes: 4096 })
  const lanes = []
  for (const name of names) {
    const lane = journal.lanes.get(name) ?? (await journal.bear(name))
    lanes.push({ lane, given: listen(lane, 2 ** 24).batches })
  }
  // Batches that a lane is given again come from the disk.
  for (const { lane, given } of lanes) {
    const owed = lane.behind.records - lane.sealed.records
    await until(() => given.reduce((sum, { logs }) => sum + logs.records, 0) === owed)
  }
  return { journal, lanes }
}

async function accept(
  { journal, lanes }: Opened,
  { records, bytes, lanes: chosen }: Extract<Deed, { records: number }>,
  accepted: Accepted[]
): Promise<void> {
  const into = chosen.map((index) => lanes[index]!)
  const before = into.map(({ given }) => given.length)
  await new Promise<void>((resolve, reject) => {
    const logs = { chunks: [Buffer.alloc(bytes, 1)], bytes, records }
    const settle = (error?: Error) => (error ? reject(error) : resolve())
    journal.append(
      { logs, meta: { receiver: 'otlp', arrived: 0 }, settle },
      into.map(({ lane }) => lane)
    )
  })
  await until(() => into.every(({ given }, index) => given.length > before[index]!))
  const [, lsn] = into[0]!.given.at(-1)!.meta.covers!.at(-1)!
  accepted.push({ lsn, records, lanes: into.map(({ lane }) => lane.name) })
}

async function seal({ lanes }: Opened, { seal, out, dead }: Extract<Deed, { out: unknown }>) {
  const [index, from, step, count] = seal
  const { lane, given } = lanes[index]!
  const chosen = given.filter((_, at) => at >= from && (at - from) % step === 0).slice(0, count)
  if (chosen.length === 0) return
  // Archives are born when something is sealed for them, whatever the lane has settled by then.
  for (const [at, archive] of archives.entries()) if (out[at]! > 0) await bear(lane, archive)
  const objects = archives.flatMap((archive, at): SpooledObject[] =>
    out[at] === 0 ? [] : [objectOf(archive, lane.book.archives.get(archive)!.next, out[at]!)]
  )
  await lane.book.write({
    do: 'intent',
    ...{ spool: 'one.spool', sealed: 0, arrived: 0, host: 'h', places: {}, objects, dead },
    covers: joinRanges(chosen.flatMap(({ meta }) => meta.covers!)),
    in: chosen.reduce((sum, { meta }) => sum + meta.accepted!, 0)
  })
  for (const batch of chosen) {
    batch.settle()
    given.splice(given.indexOf(batch), 1)
  }
}

async function bear(lane: JournalLane, archive: string): Promise<void> {
  if (lane.book.archives.has(archive)) return
  const genesis = {
    at: 0,
    host: 'h',
    version: '0',
    writer: 'w',
    lane: lane.id,
    laneName: lane.name
  }
  await lane.book.write({ do: 'archive', archive, root: '.auditcol/', genesis })
}

function objectOf(archive: string, number: number, records: number): SpooledObject {
  const raw = { rawSize: 1, rawSha256: '', contentType: '' }
  return { archive, number, key: `k${number}`, at: 0, size: 1, sha256: '', records, ...raw }
}

function drop({ lanes }: Opened, { drop: [index, which], dead }: Extract<Deed, { drop: unknown }>) {
  const { lane, given } = lanes[index]!
  const [batch] = given.splice(which, 1)
  if (!batch) return
  if (dead) lane.reader.refused(batch.meta.covers!, ['letter'], batch.logs.records)
  batch.settle()
}

async function commit(
  { lanes }: Opened,
  [index, which]: readonly [number, number],
  leaves: Map<string, Leaf[]>
) {
  const { lane } = lanes[index]!
  const state = lane.book.archives.get(archives[which]!)
  if (!state) return
  const stored = new Map(Array.from({ length: state.next }, (_, n) => [n, { unverified: false }]))
  const made = composeCommit(state, stored)
  if (!made) return
  await lane.book.write({ do: 'commit', ...made })
  await lane.book.write({ do: 'committed', archive: state.name, commit: made.commit })
  const name = `${lane.name} ${state.name}`
  const lines = made.text
    .trimEnd()
    .split('\n')
    .map((line): Leaf => JSON.parse(line))
  leaves.set(name, [...(leaves.get(name) ?? []), ...lines])
}

/** What is committed, what waits in the queue and what is carried, together from the lane's birth to its mark. */
function check(
  archive: ArchiveState,
  leaves: readonly Leaf[],
  lane: { name: string; mark: number; ranges: readonly Range[] },
  accepted: readonly Accepted[]
): void {
  const waiting = archive.queue.flatMap((item): Leaf[] => (item.kind === 'intent' ? [item] : []))
  const told = [
    ...leaves,
    ...waiting.filter(({ taken }: { taken?: number } & Leaf) => !taken),
    archive.carried
  ]
  const ranges = told.flatMap(({ covers = [] }) => covers).toSorted(([a], [b]) => a - b)
  for (const [at, [first]] of ranges.entries()) {
    expect(first).toBeGreaterThan(ranges[at - 1]?.[1] ?? 0)
  }
  const after = [...leaves, ...archive.queue].flatMap((item) =>
    'after' in item ? [item.after] : []
  )[0]!
  const settled = joinRanges([[1, lane.mark], ...lane.ranges])
  expect(joinRanges([[1, after], ...ranges])).toEqual(settled)
  const sum = (what: keyof Counts) =>
    told.reduce((all, { counts }) => all + (counts?.[what] ?? 0), 0)
  const answered = accepted.filter(
    ({ lsn, lanes }) =>
      lsn > after &&
      lanes.includes(lane.name) &&
      settled.some(([first, last]) => first <= lsn && lsn <= last)
  )
  expect(sum('in')).toBe(answered.reduce((all, { records }) => all + records, 0))
  expect(sum('in')).toBe(sum('dropped') + sum('dead') + sum('elsewhere') + sum('out'))
}
