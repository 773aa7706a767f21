import type * as Promises from 'node:fs/promises'
import { extname } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { listLetters } from '../../src/journal/letter_file.ts'
import { append, crashed, listen, open, sender, textOf, until, withLetter } from './harness.ts'

/** The program ends before its so-manieth change of the disk: that one and all behind it never happen. */
const disk = vi.hoisted(() => ({
  left: Number.POSITIVE_INFINITY,
  ended: Promise.withResolvers<void>(),
  changes: [] as string[],
  /** Held, since nobody closes what a program had open when it ended. */
  files: [] as Promises.FileHandle[]
}))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Promises>()
  const change = async (what: string) => {
    if (disk.left-- > 0) return void disk.changes.push(what)
    disk.ended.resolve()
    await new Promise(() => {})
  }
  const open = async (...args: Parameters<typeof real.open>) => {
    const file = await real.open(...args)
    disk.files.push(file)
    for (const what of ['writev', 'datasync', 'sync'] as const) {
      const does = file[what].bind(file) as (...args: unknown[]) => Promise<unknown>
      Object.assign(file, {
        [what]: async (...args: unknown[]) => {
          await change(what)
          return does(...args)
        }
      })
    }
    return file
  }
  const rm = async (...args: Parameters<typeof real.rm>) => {
    await change(`rm ${extname(`${args[0]}`)}`)
    await real.rm(...args)
  }
  return { ...real, open, rm }
})

afterEach(() => {
  disk.left = Number.POSITIVE_INFINITY
})
afterAll(async () => {
  for (const file of disk.files) await file.close()
})

/** A settled letter in a journal that is closed. */
async function atRest() {
  const { directory, journal, id, settle } = await withLetter()
  settle()
  await journal.close()
  return { directory, id }
}

test('L6: a replay gives one copy, whatever it is killed at, and however often it is tried', async () => {
  const { directory, id } = await atRest()
  let steps = 0
  for (let done = false; !done; steps++) {
    const tried = await crashed(directory)
    const first = await open(tried)
    disk.changes.length = 0
    disk.ended = Promise.withResolvers()
    disk.left = steps
    const replayed = first.letterEnds.replay(id).then(() => true)
    done = await Promise.race([replayed, disk.ended.promise.then(() => false)])
    disk.left = Number.POSITIVE_INFINITY

    const left = await crashed(tried)
    const second = await open(left)
    for (const head of (await listLetters(left)).heads) {
      expect(await second.letterEnds.replay(head.id)).toBe('replayed')
    }
    const seen = listen(second.lanes.get('logs/a')!)
    await until(() => seen.batches.length > 0)
    expect(seen.batches.map(textOf), `killed after ${disk.changes}`).toEqual(['a record'])
    expect((await listLetters(left)).heads).toEqual([])
    await second.close()
  }
  // The frame, its sync, the letter's end, and the sync of that.
  expect(steps).toBeGreaterThanOrEqual(4)
})

test('L6: two replays at once give one copy', async () => {
  const { directory, id } = await atRest()
  const journal = await open(directory)
  expect(await Promise.all([journal.letterEnds.replay(id), journal.letterEnds.replay(id)])).toEqual(
    ['replayed', 'gone']
  )
  expect(journal.lanes.get('logs/a')!.behind.records).toBe(1)
  await journal.close()
})

test('L6: a letter whose batch is still under way is not replayed: a restart would bring its records again', async () => {
  const { journal, lane, id, settle } = await withLetter()
  expect(await journal.letterEnds.replay(id)).toBe('under way')
  expect(lane.behind.records).toBe(1)
  settle()
  await expect.poll(() => journal.letterEnds.replay(id)).toBe('replayed')
  await journal.close()
})

test('L6: a letter that comes to nothing is gone for good before its lane goes on', async () => {
  const { directory, journal } = await withLetter()
  const left = await crashed(directory)
  disk.changes.length = 0
  const again = await open(left)
  expect(disk.changes[disk.changes.indexOf('rm .letter') + 1]).toBe('sync')
  await again.close()
  await journal.close()
})

test('L6: a letter that is given up never comes back and is counted once, whatever its removal is killed at', async () => {
  const { directory, id } = await atRest()
  let steps = 0
  for (let done = false; !done; steps++) {
    const tried = await crashed(directory)
    const first = await open(tried)
    disk.changes.length = 0
    disk.ended = Promise.withResolvers()
    disk.left = steps
    const removed = first.letterEnds.giveUp(id).then(() => true)
    done = await Promise.race([removed, disk.ended.promise.then(() => false)])
    disk.left = Number.POSITIVE_INFINITY

    const left = await crashed(tried)
    const second = await open(left)
    // It is there and nothing is counted, or it is gone and counted: then the second time finds nothing.
    const isThere = (await listLetters(left)).heads.length === 1
    expect(second.givenUp.letters, `killed after ${disk.changes}`).toBe(isThere ? 0 : 1)
    expect(await second.letterEnds.giveUp(id)).toEqual(isThere ? { records: 1 } : 'gone')
    expect(second.givenUp).toEqual({ letters: 1, records: 1 })
    expect(await second.letterEnds.replay(id)).toBe('gone')
    await second.close()
    const third = await open(left)
    expect(third.givenUp).toEqual({ letters: 1, records: 1 })
    expect(third.lanes.get('logs/a')!.behind.records).toBe(0)
    await third.close()
  }
  expect(steps).toBeGreaterThanOrEqual(4)
})

test('L6: a letter that is given up and replayed at once ends one way', async () => {
  const { directory, id } = await atRest()
  const journal = await open(directory)
  const { letterEnds } = journal
  expect(await Promise.all([letterEnds.replay(id), letterEnds.giveUp(id)])).toEqual([
    'replayed',
    'gone'
  ])
  await journal.close()
})

test('L6: a letter whose batch is still under way is not given up: a restart would write it again', async () => {
  const { journal, id, settle } = await withLetter()
  expect(await journal.letterEnds.giveUp(id)).toBe('under way')
  settle()
  await expect.poll(() => journal.letterEnds.giveUp(id)).toEqual({ records: 1 })
  await journal.close()
})

test('what is replayed is told to come from who sent it', async () => {
  const { directory, id } = await atRest()
  const journal = await open(directory)
  const seen = listen(journal.lanes.get('logs/a')!)
  await journal.letterEnds.replay(id)
  await until(() => seen.batches.length === 1)
  expect(seen.batches[0]!.meta).toMatchObject(sender)
  await journal.close()
})

test('the letter of a lane that has ended is left', async () => {
  const { directory, id } = await atRest()
  const journal = await open(directory)
  await journal.end(journal.lanes.get('logs/a')!, 'abandoned')
  expect(await journal.letterEnds.replay(id)).toBe('no lane')
  expect((await listLetters(directory)).heads).toHaveLength(1)
  expect(await journal.letterEnds.giveUp(id)).toEqual({ records: 1 })
  await journal.close()
})

test('L6: a frame that replays a letter says so in later segments too: the letter goes at the next start', async () => {
  const { directory, journal, lane, id, settle } = await withLetter({ segmentBytes: 4096 })
  settle()
  await until(() => lane.behind.records === 0)
  // The process dies before it has removed the file, and after many more requests.
  await append(journal, 'again', [lane], { replay: { letters: [id], at: 'exporter' } })
  for (let i = 0; i < 8; i++) await append(journal, 'x'.repeat(1500), [lane])
  const copy = await crashed(directory)
  const again = await open(copy)
  expect(await listLetters(copy)).toEqual({ heads: [], damaged: [] })
  await journal.close()
  await again.close()
})
