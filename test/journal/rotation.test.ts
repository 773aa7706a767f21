import type * as fs from 'node:fs/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { append, crashed, listen, newDirectory, open, textOf, until } from './harness.ts'

/** While set, no directory can be synced. */
let fault: Error | undefined

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>()
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode)
    if (fault && (await handle.stat()).isDirectory()) {
      const error = fault
      handle.sync = async () => Promise.reject(error)
    }
    return handle
  }
  return { ...real, open }
})

afterEach(() => {
  fault = undefined
})

test('J6: a directory that cannot be synced ends the journal; what was acknowledged before is given again', async () => {
  const directory = await newDirectory()
  const failures: Error[] = []
  const journal = await open(directory, {
    segmentBytes: 4096,
    fatal: (error) => failures.push(error)
  })
  const lane = await journal.bear('logs/a')
  await append(journal, 'acknowledged'.padEnd(3000, '.'), [lane])
  fault = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
  // The next segment has its name already: a frame in the old one would be passed over at the next start.
  await expect(append(journal, 'refused'.padEnd(3000, '.'), [lane])).rejects.toThrow(/has failed/)
  fault = undefined
  await expect(append(journal, 'later', [lane])).rejects.toThrow(/has failed/)
  expect(failures.map(({ message }) => message)).toEqual([`syncing ${directory}`])
  const again = await open(await crashed(directory))
  const seen = listen(again.lanes.get('logs/a')!)
  await until(() => seen.batches.length > 0)
  expect(seen.batches.map((batch) => textOf(batch).split('.')[0])).toEqual(['acknowledged'])
  await journal.close()
  await again.close()
})
