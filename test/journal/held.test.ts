import { expect, test } from 'vitest'
import type { IntentFrame } from '../../src/journal/archive_frames.ts'
import type { JournalLane } from '../../src/journal/lane.ts'
import { append, listen, newDirectory, open, until } from './harness.ts'

const archive = 's3://logs'

/** An object sealed from these frames, which no store has yet. */
async function sealFrames(lane: JournalLane, covers: IntentFrame['covers']): Promise<void> {
  const genesis = { at: 0, host: 'h', version: '0', writer: 'w', lane: lane.id, laneName: 'logs/a' }
  await lane.book.write({ do: 'archive', archive, root: '.auditcol/', genesis })
  const object = { archive, number: 1, key: 'k', at: 0, size: 1, sha256: '', rawSize: 1 }
  await lane.book.write({
    do: 'intent',
    ...{ spool: 'one.spool', sealed: 0, arrived: 0, host: 'h', covers, in: 1, dead: 0 },
    objects: [{ ...object, rawSha256: '', records: 1, contentType: '' }],
    places: {}
  })
}

async function commitAll(lane: JournalLane): Promise<void> {
  const counted = { leaves: 2, items: 2, objects: 0 }
  await lane.book.write({ do: 'commit', archive, commit: 1, text: '', ...counted })
  await lane.book.write({ do: 'committed', archive, commit: 1 })
}

test('J8: a segment stays until the objects sealed from it are committed, also over a restart', async () => {
  const directory = await newDirectory()
  const journal = await open(directory, { segmentBytes: 4096 })
  const lane = await journal.bear('logs/a')
  const seen = listen(lane)
  for (let i = 0; i < 12; i++) await append(journal, 'x'.repeat(1000), [lane])
  await until(() => seen.batches.length === 12)
  const [first, ...others] = seen.batches
  await sealFrames(lane, first!.meta.covers!)
  for (const batch of [first!, ...others]) batch.settle()
  await until(() => lane.behind.records === 1)
  await journal.close()
  expect(journal.segments()[0]!.number).toBe(1)

  const again = await open(directory, { segmentBytes: 4096 })
  expect(again.segments()[0]!.number).toBe(1)
  await commitAll(again.lanes.get('logs/a')!)
  await again.close()
  expect(again.segments()).toHaveLength(1)
})

test('J8: what an operator has given up holds no segment, though its leaf may never be stored', async () => {
  const directory = await newDirectory()
  const journal = await open(directory, { segmentBytes: 4096 })
  const lane = await journal.bear('logs/a')
  const seen = listen(lane)
  for (let i = 0; i < 12; i++) await append(journal, 'x'.repeat(1000), [lane])
  await until(() => seen.batches.length === 12)
  await sealFrames(lane, seen.batches[0]!.meta.covers!)
  for (const batch of seen.batches) batch.settle()
  await until(() => lane.behind.records === 1)
  expect(journal.segments()[0]!.number).toBe(1)
  await lane.book.write({ do: 'void', archive, number: 1, at: 0, reason: 'its bucket is gone' })
  expect(lane.behind.records).toBe(0)
  await journal.close()
  expect(journal.segments()).toHaveLength(1)
  const again = await open(directory, { segmentBytes: 4096 })
  expect(again.lanes.get('logs/a')!.book.archives.get(archive)!.queue).toHaveLength(2)
  await again.close()
})

test('J8: a segment that an object holds costs no writes while its lane has nothing to do', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  const lane = await journal.bear('logs/a')
  const seen = listen(lane)
  await append(journal, 'one', [lane])
  await until(() => seen.batches.length === 1)
  await sealFrames(lane, seen.batches[0]!.meta.covers!)
  seen.batches[0]!.settle()
  await journal.close()

  const again = await open(directory)
  const held = again.lanes.get('logs/a')!
  listen(held)
  await append(again, 'two', [])
  await until(() => again.segments().at(-1)!.last === held.reader.head - 1)
  const before = again.segments().at(-1)!.last
  for (let turns = 0; turns < 200; turns++) await new Promise(setImmediate)
  // One frame may say that the lane has passed the first segment; each further one would ask for the next.
  expect(again.segments().at(-1)!.last - before).toBeLessThanOrEqual(1)
  await again.close()
})
