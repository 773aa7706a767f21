import type * as fs from 'node:fs/promises'
import { basename } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { append, crashed, deliver, listen, newDirectory, open, textOf, until } from './harness.ts'

/** While set, no directory can be synced. */
let fault: Error | undefined
/** Names that went, and `sync` for each directory that was synced, in order. */
let done: string[] = []

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>()
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode)
    if (!(await handle.stat()).isDirectory()) return handle
    const sync = handle.sync.bind(handle)
    handle.sync = async () => {
      if (fault) throw fault
      await sync()
      done.push('sync')
    }
    return handle
  }
  const rm: typeof fs.rm = async (path, options) => {
    await real.rm(path, options)
    done.push(basename(`${path}`))
  }
  return { ...real, open, rm }
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

test('J8: each removal of a segment is synced before the next: a later one is never gone alone', async () => {
  const directory = await newDirectory()
  const journal = await open(directory, { segmentBytes: 4096 })
  const lane = await journal.bear('logs/a')
  for (let i = 0; i < 15; i++) await append(journal, 'x'.repeat(1500), [lane])
  expect(journal.segments().length).toBeGreaterThan(4)
  done = []
  deliver(lane)
  await until(() => lane.behind.records === 0)
  await journal.close()
  const gone = done.filter((name) => name.endsWith('.wal'))
  expect(gone.length).toBeGreaterThan(2)
  expect(gone).toEqual(gone.toSorted())
  // The stop gives back the reserve meanwhile.
  const order = done.filter((name) => name === 'sync' || gone.includes(name))
  for (const name of gone) expect(order[order.indexOf(name) + 1]).toBe('sync')
})
