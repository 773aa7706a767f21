import { expect, test } from 'vitest'
import type { Journal } from '../../src/journal/journal.ts'
import { noLogs } from '../../src/logs/logs.ts'
import { append, crashed, newDirectory, open, withLetter } from './harness.ts'

/** As at the start of a receiver that has never been given anything. */
function beginWait(journal: Journal, receiver: string, arrived: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => (error ? reject(error) : resolve())
    journal.append({ logs: noLogs, meta: { receiver, arrived }, settle }, [])
  })
}

test('the last arrival of each receiver outlives a crash, an end of the segment and a stop', async () => {
  const directory = await newDirectory()
  const journal = await open(directory, { segmentBytes: 1000 })
  const lane = await journal.bear('logs/a')
  await append(journal, 'x', [lane], { receiver: 'other', arrived: 7 })
  for (let arrived = 1; arrived <= 20; arrived++) {
    await append(journal, 'x'.repeat(100), [lane], { arrived })
  }
  expect(journal.segments().length).toBeGreaterThan(1)
  const last = [
    ['other', { at: 7 }],
    ['otlp', { at: 20 }]
  ]
  expect([...journal.arrivals]).toEqual(last)
  const after = await open(await crashed(directory))
  expect([...after.arrivals]).toEqual(last)
  await after.close()
  await journal.close()
  for (let starts = 0; starts < 2; starts++) {
    const again = await open(directory)
    expect([...again.arrivals]).toEqual(last)
    await again.close()
  }
})

test('so does the beginning of the wait for a first record, which that record ends', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  await beginWait(journal, 's3_put', 5)
  await journal.close()
  const again = await open(directory)
  expect(again.arrivals.get('s3_put')).toEqual({ at: 5, awaited: true })
  await append(again, 'x', [], { receiver: 's3_put', arrived: 9 })
  await again.close()
  const third = await open(directory)
  await beginWait(third, 's3_put', 11)
  expect(third.arrivals.get('s3_put')).toEqual({ at: 9 })
  await third.close()
})

test('a replay is no arrival', async () => {
  const { directory, journal, id, settle } = await withLetter()
  settle()
  await append(journal, 'newer', [], { arrived: 1_700_000_000_001 })
  expect(await journal.letterEnds.replay(id)).toBe('replayed')
  expect([...journal.arrivals]).toEqual([['otlp', { at: 1_700_000_000_001 }]])
  await journal.close()
  const again = await open(directory)
  expect([...again.arrivals]).toEqual([['otlp', { at: 1_700_000_000_001 }]])
  await again.close()
})
