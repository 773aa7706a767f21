import { expect, test } from 'vitest'
import { createRecent, type RecentFrame, recentBytesMax } from '../../src/journal/recent.ts'

function frame(lsn: number, bytes: number): RecentFrame {
  const segment = { number: 1, path: '', firstLsn: 1, lastLsn: 0, end: 0, salt: 0 }
  const logs = { chunks: [], bytes, records: 1 }
  return {
    place: { lsn, segment, at: 0 },
    bytes,
    lanes: [1],
    logs,
    meta: { receiver: 'otlp', arrived: 0 }
  }
}

test('what is over the limit is dropped from the oldest on, and the floor says so', () => {
  const recent = createRecent(1)
  for (let lsn = 1; lsn <= 10; lsn++) recent.add(frame(lsn, recentBytesMax / 4))
  expect(recent.floor).toBe(7)
  expect(recent.from(1)?.place.lsn).toBe(7)
  recent.trim(9)
  expect(recent.floor).toBe(9)
  expect(recent.from(10)?.place.lsn).toBe(10)
  expect(recent.from(11)).toBeUndefined()
})

test('a frame that was dropped can be collected at once: it may hold megabytes', async () => {
  const recent = createRecent(1)
  const dropped = new WeakRef(frame(1, recentBytesMax))
  recent.add(dropped.deref()!)
  recent.add(frame(2, recentBytesMax))
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(dropped.deref()).toBeUndefined()
  expect(recent.from(2)?.place.lsn).toBe(2)
})
