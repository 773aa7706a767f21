import { cp, readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { ArchiveState } from '../../src/journal/archive_frames.ts'
import { inspectJournal } from '../../src/journal/recover.ts'
import { problemsOf } from '../archive_check.ts'
import { logsOf } from '../dedup/records.ts'
import { openScope } from '../dedup/scope.ts'
import { linesSent } from '../fixtures/journal_v2/told.ts'
import { copyOf, leavesIn, lettersIn, linesIn, newWorld, run, type World } from '../repair/world.ts'

/*
 * J11 where archives are: the fixture of journal_v2 has every frame that its version knew, spool files,
 * a dead letter, a file of ids, and the two buckets as they were when the process was killed.
 */

const fixtures = resolve(import.meta.dirname, '../fixtures')

async function copyOfFixture(): Promise<World> {
  const world = await newWorld()
  await cp(join(fixtures, 'journal_v2/journal'), world.directory, { recursive: true })
  for (const [name, bucket] of Object.entries(world.buckets)) {
    const from = join(fixtures, 'journal_v2/buckets', name)
    for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      bucket.set(path.slice(from.length + 1), await readFile(path))
    }
  }
  return world
}

/** What is still to be said of an archive, in order. */
const itemsOf = ({ queue }: ArchiveState) =>
  queue.map((item) =>
    item.kind === 'intent' ? item.objects.map(({ number }) => number) : item.kind
  )

test('J11: what was sealed, written down, lost and given up is read as it was meant', async () => {
  const { state, backlog } = (await inspectJournal(join(fixtures, 'journal_v2/journal')))!
  const [a, slow, second] = [...state.lanes.values()]
  expect([a, slow, second].map((lane) => lane?.name)).toEqual([
    'logs/a',
    'logs/slow',
    'logs/second'
  ])
  expect(a).toMatchObject({
    ...{ id: 'b1ce0196f2ea9f58', mark: 56, ranges: [[65, 66]] },
    gaps: [{ covers: [[52, 56]], records: 2 }],
    early: [{ covers: [[65, 65]] }, { covers: [[66, 66]] }]
  })
  const [inA, inB] = [a!.archives.get('s3://a')!, a!.archives.get('s3://b')!]
  expect(inA).toMatchObject({ next: 6, commit: 3, leaves: 3, pending: { commit: 3, items: 1 } })
  expect(inB).toMatchObject({ next: 7, commit: 3, leaves: 3, pending: { commit: 3, items: 1 } })
  expect(itemsOf(inA)).toEqual([[3], [4], [5], 'gap'])
  expect(itemsOf(inB)).toEqual([[3], [4], [5], 'gap', [6]])
  expect(inA.queue[2]).toMatchObject({ objects: [{ key: 'another_key' }] })
  expect(inB.queue[2]).toMatchObject({ objects: [{ voided: { reason: 'for the fixture' } }] })
  expect(inA.carried).toMatchObject({ covers: [[65, 66]], counts: { in: 2, dropped: 1 } })
  expect(state.checks.get('s3://a')).toEqual({ create_only: 'ok', versioning: 'no' })
  expect(state.resume.get('otlp')).toBe('offset 9')
  expect(state.abandoned).toMatchObject([{ name: 'logs/gone', records: 1 }])
  expect([...backlog.values()].map(({ records }) => records)).toEqual([2, 15, 0])
})

test('J11: and goes on: every record in the objects, letters, gaps and voids that it was for, once', async () => {
  const world = await copyOfFixture()
  const pending = await inspectJournal(world.directory)
  const running = await run(world)
  await running.settled(true)
  await running.send('15:ab')
  await running.settled(true)
  expect(running.slow).toEqual([...Object.values(linesSent).flat(), '15:ab'])
  await running.close()

  const { a, b } = world.buckets
  expect(linesIn(a!)).toEqual(['10:ab', '0:a', '1:ab', '7:ab', '8:a', '11:a', '15:ab'])
  expect(linesIn(b!)).toEqual(['1:ab', '4:b', '7:ab', '9:b', '14:b', '15:ab'])
  expect(await lettersIn(world)).toBe(2)
  for (const bucket of [a!, b!]) {
    expect(problemsOf(bucket)).toEqual([])
    expect(leavesIn(bucket).filter(({ kind }) => kind === 'gap')).toMatchObject([
      { covers: [[51, 56]], records: 2 }
    ])
    // A8: the commit that was written down is the one that is stored.
    const { text } = pending!.state.lanes.get(1)!.archives.get(bucket === a ? 's3://a' : 's3://b')!
      .pending!
    expect([...bucket.values()].map(String)).toContain(text)
  }
  expect(leavesIn(b!).filter(({ kind }) => kind === 'void')).toMatchObject([{ number: 5 }])
  const kept = await readdir(join(world.directory, 'dead'))
  expect(kept).toContain('b1ce0196f2ea9f58-cea59027-object-000000000005')
})

test('J11: ids whose segments are gone are known', async () => {
  const { directory } = await copyOfFixture()
  const scope = await openScope(directory, { window: 2 ** 45 })
  // Its frames were in the first segments, which every lane had passed.
  await scope.send(logsOf({ id: 'id-0' }, { id: 'id-4' }, { id: 'new' }))
  await scope.journal.close()
  expect(scope.counts()).toEqual({ repeats: 2, differing: 0, conflicts: 0, withoutId: 0 })
})

test('J11: a journal of version 1 gets archives, is killed with objects in the spool, and goes on', async () => {
  const made = await newWorld()
  for (const name of await readdir(join(fixtures, 'journal_v1'))) {
    if (name.endsWith('.wal'))
      await cp(join(fixtures, 'journal_v1', name), join(made.directory, name))
  }
  const world = { ...made, buckets: { bucket: new Map<string, Buffer>() } }
  const bucketsOf = () => ['bucket']
  world.store.left = 3
  const before = await run(world, { bucketsOf })
  await before.send('request 10')
  await before.settled()
  const killed = await copyOf(world)
  expect(killed.buckets.bucket!.size).toBe(3)
  await before.close()

  const running = await run(killed, { bucketsOf })
  await running.send('request 11')
  await running.settled(true)
  await running.close()
  const { bucket } = killed.buckets
  const requests = linesIn(bucket!).map((line) => Number(line.split(' ')[1]))
  expect(requests).toEqual([2, 4, 6, 7, 8, 10, 11])
  expect(problemsOf(bucket!)).toEqual([])
  // The numbers of the first version have no leaves: the archive goes on behind them, and says so.
  expect(leavesIn(bucket!)[0]).toMatchObject({ kind: 'genesis', unledgered: 64 })
  expect(leavesIn(bucket!)[1]).toMatchObject({ kind: 'batch', number: 65 })
})
