import { expect, test } from 'vitest'
import { bearArchive, seal } from '../../src/journal/archives.ts'
import { emptyLane, emptyState, snapshotOf, stateOf } from '../../src/journal/state.ts'
import { append, listen, newDirectory, open, until } from './harness.ts'

/*
 * A batch that its exporter refuses for hours: the lane's mark stays before it, and every batch that
 * passes is remembered, for an archive that is born then has to answer for it (A9).
 */

const sealed = { spool: '', sealed: 0, arrived: 0, host: '', dead: 0, objects: [], places: {} }
const genesis = { at: 0, host: '', version: '', writer: '', lane: '', laneName: '' }

test('A9: what has passed a stuck batch is bounded, and an archive born then counts all of it', () => {
  let lane = emptyLane(1, '0'.repeat(16), 'logs/a', 0)
  for (let lsn = 2; lsn <= 5001; lsn++) {
    seal(lane, { ...sealed, covers: [[lsn, lsn]], in: 3 })
    if (lsn % 1500 !== 0) continue
    const state = emptyState('w')
    state.lanes.set(1, lane)
    lane = stateOf(snapshotOf(state)).lanes.get(1)!
  }
  expect(lane.early.length).toBeLessThanOrEqual(1000)
  bearArchive(lane, { archive: 's3://late', root: '', genesis })
  const late = lane.archives.get('s3://late')!
  expect(late.queue).toMatchObject([{ kind: 'genesis', after: 0 }])
  expect(late.carried).toMatchObject({
    covers: [[2, 5001]],
    counts: { in: 15_000, dropped: 15_000 }
  })

  seal(lane, { ...sealed, covers: [[1, 1]], in: 1 })
  expect([lane.mark, lane.ranges, lane.early]).toEqual([5001, [], []])
  expect(late.carried).toMatchObject({ covers: [[1, 5001]], counts: { in: 15_001 } })
})

test('L2: behind a stuck batch a lane is given one window, and another one in its next run', async () => {
  const directory = await newDirectory()
  let journal = await open(directory)
  await journal.bear('logs/a')
  const passed: number[] = []
  for (let run = 0; run < 3; run++) {
    const lane = journal.lanes.get('logs/a')!
    for (let n = 0; n < 50; n++) await append(journal, `${run}-${n}`.padEnd(500, '.'), [lane])
    const seen = listen(lane, 16 * 2 ** 10)
    await until(() => seen.full > 0)
    for (const batch of seen.batches.slice(1)) batch.settle()
    await until(() => lane.reader.full)
    passed.push(seen.batches.length - 1)
    await journal.close()
    journal = await open(directory)
  }
  await journal.close()
  // Each frame costs its bytes and 512 more.
  for (const count of passed) expect(count).toBeLessThanOrEqual(16)
  expect(passed.every((count) => count > 0)).toBe(true)
})
