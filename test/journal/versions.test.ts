import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { inspectJournal } from '../../src/journal/recover.ts'
import { append, deliver, listen, newDirectory, open, textOf, until } from './harness.ts'

/** Three segments with frames of every type and a torn tail, as write.ts beside them left them once. */
const fixture = resolve(import.meta.dirname, '../fixtures/journal_v1')

async function copyOfFixture(): Promise<string> {
  const directory = join(await newDirectory(), 'journal')
  await mkdir(directory)
  for (const name of await readdir(fixture)) {
    if (name.endsWith('.wal')) await copyFile(join(fixture, name), join(directory, name))
  }
  return directory
}

test('J11: a journal of version 1 is read as it was meant: lanes, positions, numbers, resume marks', async () => {
  const { state, segments, backlog } = (await inspectJournal(fixture))!
  expect(state).toEqual({
    writer: '94f03bcad2493581',
    nextLane: 4,
    resume: new Map([
      ['otlp', 'offset 5'],
      ['other', 'x']
    ]),
    arrivals: new Map([
      ['otlp', { at: 1_700_000_000_000 }],
      ['other', { at: 1_700_000_000_000 }]
    ]),
    lanes: new Map([
      [
        1,
        {
          ...{ index: 1, id: '0544965e00e2052f', name: 'logs/a', mark: 6, ranges: [[8, 8]] },
          numbers: new Map([
            ['file:./archive', 65],
            ['s3://bucket', 65]
          ]),
          archives: new Map(),
          gaps: [],
          early: []
        }
      ],
      [
        2,
        {
          ...{ index: 2, id: '677b33d990156f9c', name: 'logs/b', mark: 2, ranges: [[7, 7]] },
          numbers: new Map([['s3://bucket', 65]]),
          archives: new Map(),
          gaps: [],
          early: []
        }
      ]
    ]),
    checks: new Map(),
    ended: new Set(),
    givenUp: { letters: 0, records: 0 },
    abandoned: []
  })
  expect(segments.map(({ firstLsn, lastLsn }) => [firstLsn, lastLsn])).toEqual([
    [1, 15],
    [16, 16],
    [17, 19]
  ])
  expect(backlog.get(1)).toMatchObject({ records: 5, oldest: 1_700_000_000_000 })
  expect(backlog.get(2)).toMatchObject({ records: 6, oldest: 1_700_000_000_001 })
})

test('J11: and goes on: each lane gives what it owes, takes more, and is empty at the next start', async () => {
  const directory = await copyOfFixture()
  const journal = await open(directory)
  const a = journal.lanes.get('logs/a')!
  const b = journal.lanes.get('logs/b')!
  expect([a.id, b.id]).toEqual(['0544965e00e2052f', '677b33d990156f9c'])
  expect(journal.resume('otlp')).toBe('offset 5')
  await a.book.write({
    do: 'archive',
    archive: 's3://bucket',
    root: '.auditcol/',
    genesis: { at: 1, host: 'here', version: '0', writer: 'w', lane: 'l', laneName: 'logs/a' }
  })
  // The numbers of the first version have no leaves: the archive goes on behind them, and says so.
  expect(a.book.archives.get('s3://bucket')).toMatchObject({
    next: 65,
    queue: [{ kind: 'genesis', unledgered: 64 }]
  })
  await append(journal, 'request 10', [a])

  const [seenByA, seenByB] = [listen(a), listen(b)]
  await until(() => seenByA.batches.length === 6 && seenByB.batches.length === 6)
  const requests = (seen: typeof seenByA) =>
    seen.batches.map((batch) => Number(textOf(batch).split(' ')[1]))
  expect(requests(seenByA)).toEqual([2, 4, 6, 7, 8, 10])
  expect(requests(seenByB)).toEqual([1, 4, 5, 6, 7, 8])
  expect(seenByB.batches[0]!.meta).toEqual({
    receiver: 'otlp',
    arrived: 1_700_000_000_001,
    client: { 'x-tenant': ['acme', 'Größe'] },
    identity: { sub: 'me' },
    accepted: 1,
    covers: [[3, 6]]
  })
  for (const { batches } of [seenByA, seenByB]) for (const batch of batches) batch.settle()
  await journal.close()

  const again = await open(directory)
  for (const lane of again.lanes.values()) {
    expect(lane.behind.records).toBe(0)
    deliver(lane)
  }
  await until(() => again.segments().length === 1)
  await again.close()
})
