import type * as fs from 'node:fs/promises'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { newDirectory, until } from '../journal/harness.ts'
import { logsOf } from './records.ts'
import { copyOf, openScope, type ScopeOptions } from './scope.ts'

/** Called before a file is removed or gets its name. */
let before: ((path: string) => Promise<void>) | undefined

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>()
  const rm: typeof fs.rm = async (path, options) => {
    await before?.(String(path))
    return real.rm(path, options)
  }
  const rename: typeof fs.rename = async (from, to) => {
    await before?.(String(to))
    return real.rename(from, to)
  }
  return { ...real, rm, rename }
})

afterEach(() => {
  before = undefined
  vi.useRealTimers()
})

type Scope = Awaited<ReturnType<typeof openScope>>
const small: ScopeOptions = { segmentBytes: 2048 }
const numbered = (n: number) => Array.from({ length: n }, (_, index) => `id-${index}`)
const filesIn = async (directory: string, end: string) =>
  (await readdir(directory)).filter((name) => name.endsWith(end)).sort()

async function sendEach({ send }: Scope, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await send(logsOf({ id }))).toBe('stored')
}

/** Settles what was sent, until only one segment is left. */
async function settle(scope: Scope, sent: number): Promise<void> {
  await until(() => scope.events().length >= sent)
  for (const batch of scope.batches.splice(0)) batch.settle()
  await until(() => scope.journal.segments().length === 1)
}

async function deliver(scope: Scope, ids: readonly string[]): Promise<void> {
  await sendEach(scope, ids)
  await settle(scope, ids.length)
}

/** Of these ids, those that a start in this directory stores once more. */
async function unknownIn(directory: string, ids: readonly string[]): Promise<string[]> {
  const scope = await openScope(directory, small)
  const had = scope.batches.length
  await scope.send(logsOf(...ids.map((id) => ({ id })), { id: 'new' }))
  await scope.journal.close()
  expect(scope.batches.length).toBeGreaterThan(had)
  return scope.events().slice(0, -1)
}

test('after a crash what was acknowledged is known, from the frames alone', async () => {
  const directory = await newDirectory()
  const first = await openScope(directory)
  await first.send(logsOf({ id: 'a' }, { id: 'b' }))
  await first.send(logsOf({ id: 'a', text: 'deleted' }))
  const again = await openScope(await copyOf(directory))
  await again.send(logsOf({ id: 'a' }, { id: 'a', text: 'deleted' }, { id: 'a', text: 'third' }))
  await first.journal.close()
  await again.journal.close()
  expect(again.events()).toEqual(['a created', 'b created', 'a deleted!', 'a third!'])
  expect(again.counts()).toEqual({ repeats: 2, differing: 0, conflicts: 1, withoutId: 0 })
})

test('what was not acknowledged is not known after a crash', async () => {
  const directory = await newDirectory()
  const first = await openScope(directory)
  await first.send(logsOf({ id: 'a' }))
  first.hold()
  void first.send(logsOf({ id: 'b' }))
  const again = await openScope(await copyOf(directory))
  await again.send(logsOf({ id: 'a' }, { id: 'b' }))
  first.release()
  await first.journal.close()
  await again.journal.close()
  expect(again.events()).toEqual(['a created', 'b created'])
})

test('J8: a segment goes only when its ids are in a file; they are known whenever the crash comes', async () => {
  const directory = await newDirectory()
  const scope = await openScope(directory, small)
  const ids = numbered(40)
  const copies: string[] = []
  await sendEach(scope, ids)
  before = async (path) => {
    if (/\.(wal|ids)$/.test(path)) copies.push(await copyOf(directory))
  }
  await settle(scope, ids.length)
  await scope.journal.close()
  before = undefined
  copies.push(directory)
  expect(copies.length).toBeGreaterThan(6)
  expect(await filesIn(directory, '.wal')).toHaveLength(1)
  for (const copy of copies) expect(await unknownIn(copy, ids)).toEqual([])
})

test('a file goes when all that it tells is forgotten', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const directory = await newDirectory()
  const ids = join(directory, 'dedup')
  const first = await openScope(directory, small)
  await deliver(first, numbered(20))
  await first.journal.close()
  const old = await filesIn(ids, '.ids')
  vi.setSystemTime(Date.now() + 3_600_001)
  const scope = await openScope(directory, small)
  expect(old.length).toBeGreaterThan(0)
  await deliver(
    scope,
    numbered(20).map((id) => `later-${id}`)
  )
  await scope.journal.close()
  const young = await filesIn(ids, '.ids')
  expect(young.length).toBeGreaterThan(0)
  expect(young.filter((name) => old.includes(name))).toEqual([])
})

test('a damaged file, or one of a later version, stops the start and is named', async () => {
  const directory = await newDirectory()
  const scope = await openScope(directory, small)
  await deliver(scope, numbered(20))
  await scope.journal.close()
  const [name] = await filesIn(join(directory, 'dedup'), '.ids')
  const path = join(directory, 'dedup', name!)
  const whole = await readFile(path)
  for (const at of [0, 10, whole.length - 50, whole.length - 1]) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 1
    await writeFile(path, damaged)
    await expect(openScope(directory)).rejects.toThrow(`${name} is damaged. Restore it`)
  }
  await writeFile(path, whole.subarray(0, 3))
  await expect(openScope(directory)).rejects.toThrow('is damaged')
  await writeFile(path, whole)
  expect(await unknownIn(directory, numbered(19))).toEqual([])
})

test('delivered frames that do not read any more are named, and the start goes on', async () => {
  const directory = await newDirectory()
  const scope = await openScope(directory, small)
  let copy: string | undefined
  await sendEach(scope, numbered(40))
  before = async (path) => {
    if (path.endsWith('.wal')) copy ??= await copyOf(directory)
  }
  await settle(scope, 40)
  await scope.journal.close()
  before = undefined
  // Without its file and with a broken middle nothing tells of what the oldest segment held.
  const [segment] = await filesIn(copy!, '.wal')
  const path = join(copy!, segment!)
  const content = await readFile(path)
  await writeFile(path, content.fill(0, 1200, 1210))
  const again = await openScope(copy!, small)
  await again.journal.close()
  expect(again.said).toEqual([expect.stringMatching(new RegExp(`not known.*${segment}.*lsn=`))])
})

test('replayed dead letters are no repeats', async () => {
  const directory = await newDirectory()
  const { send, batches, events, journal, lane } = await openScope(directory)
  await send(logsOf({ id: 'a' }))
  const [{ logs, meta }] = batches as [(typeof batches)[0]]
  const id = await journal.letters.write(
    lane,
    {
      ...{ by: 'awss3', at: 'exporter', reason: 'no', receiver: 'otlp' },
      ...{ arrived: meta.arrived, covers: meta.covers! }
    },
    logs
  )
  batches[0]!.settle()
  await until(() => lane.behind.records === 0)
  // The letter's frame counts as settled once a frame says so.
  await send(logsOf({ id: 'b' }))
  expect(await journal.letterEnds.replay(id)).toBe('replayed')
  await send(logsOf({ id: 'a' }))
  await journal.close()
  expect(events()).toEqual(['a created', 'b created', 'a created'])
})
