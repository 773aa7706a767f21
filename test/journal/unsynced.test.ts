import type * as fs from 'node:fs/promises'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { append, crashed, listen, newDirectory, open, textOf, until } from './harness.ts'

/** While set, syncs wait for it. */
let gate: Promise<void> | undefined

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>()
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode)
    const sync = handle.datasync.bind(handle)
    handle.datasync = async () => {
      await gate
      await sync()
    }
    return handle
  }
  return { ...real, open }
})

test('J5: a lane sees a frame only after its fsync, and so does its sender: what a crash cuts nobody has seen', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  const lane = await journal.bear('logs/a')
  const seen = listen(lane)
  const held = Promise.withResolvers<void>()
  gate = held.promise
  let answered = false
  const waiting = append(journal, 'written', [lane]).then(() => {
    answered = true
  })
  const before = journal.segments().at(-1)!.last
  await until(() => journal.segments().at(-1)!.bytes > 0)
  for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate)
  expect([answered, seen.batches.length, journal.segments().at(-1)!.last]).toEqual([
    false,
    0,
    before
  ])

  // The frame is in the file already: a start after a crash gives it, since it may have arrived.
  gate = undefined
  const next = await open(await crashed(directory))
  const again = listen(next.lanes.get('logs/a')!)
  await until(() => again.batches.length === 1)
  expect(again.batches.map(textOf)).toEqual(['written'])
  await next.close()

  held.resolve()
  await waiting
  await until(() => seen.batches.length === 1)
  await journal.close()
})

test('J6: what is not known to be durable is read from its copy: the old file may lose it yet', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  const lane = await journal.bear('logs/a')
  for (const text of ['one', 'two']) await append(journal, text, [lane])
  const held = Promise.withResolvers<void>()
  gate = held.promise
  const before = journal.segments()[0]!
  const waiting = append(journal, 'three', [lane])
  await until(() => journal.segments()[0]!.bytes > before.bytes)
  const copy = await crashed(directory)
  gate = undefined
  held.resolve()
  await waiting
  await journal.close()

  const again = await open(copy)
  const [old, fresh] = again.segments()
  expect([old!.last + 1, old!.bytes]).toEqual([fresh!.first, before.bytes])
  // As when the pages of a failed fsync are dropped: the disk never had them.
  await truncate(join(copy, '00000001.wal'), before.bytes + 1)
  const seen = listen(again.lanes.get('logs/a')!)
  await until(() => seen.batches.length === 3 || seen.stopped !== undefined)
  expect(seen.batches.map(textOf)).toEqual(['one', 'two', 'three'])
  await again.close()
})
