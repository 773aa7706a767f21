import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDirectorySpool } from '../../src/archive/directory_spool.ts'
import { openDirectoryStore } from '../../src/archive/directory_store.ts'
import { type ArchivesOptions, openArchives } from '../../src/archive/open_archives.ts'
import { NoReadRight, type Store } from '../../src/archive/store.ts'
import { openObjects } from '../../src/journal/archives.ts'
import type { Book, Entry } from '../../src/journal/book.ts'
import { sent } from '../batches.ts'
import { durableBook } from '../durable_book.ts'
import { watchedLane, watchedLaneId } from '../watched_lane.ts'

const signal = new AbortController().signal
const own = (number: number) =>
  `audit/app-${watchedLaneId}-${String(number).padStart(12, '0')}.json.zst`

let directory: string
let store: Store
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rekey-'))
  store = await openDirectoryStore({ directory: join(directory, 'archive'), writer: 'test' })
})
afterEach(() => rm(directory, { recursive: true }))

/** An archive whose keys are chosen by a template without the number; the same book again is a restart. */
async function start(book: Book, change: Partial<Store> = {}, key = 'audit/app.json.zst') {
  const lane = watchedLane(book)
  const open = [...book.archives.values()].flatMap(openObjects)
  const spools = new Set(open.map(({ intent }) => intent.spool))
  const options: ArchivesOptions = {
    marshaler: {
      extension: 'json',
      contentType: 'application/json',
      marshal: ({ chunks }) => chunks
    },
    ...{ compression: 'none', level: undefined, root: '.auditcol/' },
    key: () => key,
    route: ({ logs }) => [{ bucket: '', prefix: undefined, logs }],
    open: async () => ({ name: store.name, place: '' }),
    storeAt: () => ({ ...store, ...change }),
    placeOf: () => '',
    close: () => {}
  }
  const spool = await openDirectorySpool(book.spool!, watchedLaneId, spools)
  const exporter = openArchives(options, spool, lane.context)
  return { ...lane, exporter }
}

let next = 1
function batchOf(text: string) {
  const chunk = Buffer.from(text)
  const at = next++
  const logs = { chunks: [chunk], bytes: chunk.length, records: 1 }
  return sent(logs, { accepted: 1, covers: [[at, at]] })
}

const newBook = () => durableBook(watchedLaneId, join(directory, 'spool'))
const object = async (key: string) => String(await readFile(join(directory, 'archive', key)))

async function strangerAt(key: string) {
  const path = join(directory, 'archive', key)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, 'a stranger')
}

test('A6: a key without the number that has other bytes: the object gets one with it, durably, and goes on', async () => {
  await strangerAt('audit/app.json.zst')
  const book = newBook()
  const { exporter, stops, counts, drain } = await start(book)
  await exporter(batchOf('one'), signal)
  await exporter(batchOf('two'), signal)
  await drain()
  expect([await object(own(1)), await object(own(2))]).toEqual(['one', 'two'])
  expect(await object('audit/app.json.zst')).toBe('a stranger')
  expect(stops).toEqual([])
  expect(counts).toMatchObject({ objects: 2, rekeyed: 2, records: 2 })
  const rekeyed = book.written.filter((entry) => entry.do === 'rekeyed')
  expect(rekeyed.map(({ number, key }) => [number, key]).sort()).toEqual([
    [1, own(1)],
    [2, own(2)]
  ])
  // Leaves name the keys under which the objects lie.
  const leaves = book.written.flatMap((entry) => (entry.do === 'commit' ? [entry.text] : []))
  expect(leaves.join('')).toContain(`"key":"${own(1)}"`)
  expect(leaves.join('')).not.toContain('"key":"audit/app.json.zst"')
})

test('A6: the same bytes there are ours', async () => {
  const { exporter, drain, counts } = await start(newBook())
  await store.create('audit/app.json.zst', {
    body: Buffer.from('one'),
    sha256: new Uint8Array(32),
    contentType: ''
  })
  await exporter(batchOf('one'), signal)
  await drain()
  expect(counts.rekeyed).toBeUndefined()
  expect(await object('audit/app.json.zst')).toBe('one')
})

test('A6: the new key is on the disk before its first PUT, and a restart goes on under it', async () => {
  await strangerAt('audit/app.json.zst')
  const book = newBook()
  const asked: string[] = []
  const failing: Partial<Store> = {
    create: async (key, body, when) => {
      asked.push(key)
      if (key !== 'audit/app.json.zst') throw new Error('the store is away')
      return await store.create(key, body, when)
    }
  }
  const first = await start(book, failing)
  await first.exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(asked).toContain(own(1)))
  await first.drain(AbortSignal.abort())
  expect(asked.filter((key) => key === 'audit/app.json.zst')).toHaveLength(1)
  const second = await start(book)
  await second.drain()
  expect(await object(own(1))).toBe('one')
})

test('A6: no new key is used when its frame could not be written', async () => {
  await strangerAt('audit/app.json.zst')
  const book = newBook()
  const write = vi.fn(async (entry: Entry) => {
    if (entry.do === 'rekeyed') throw new Error('the journal closes')
    await book.write(entry)
  })
  const { exporter, drain } = await start({ ...book, write })
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() =>
    expect(write.mock.calls.map(([{ do: what }]) => what)).toContain('rekeyed')
  )
  await drain(AbortSignal.abort())
  expect(await store.head(own(1))).toBeUndefined()
})

test('A6: under the new key other bytes are a stranger at our number: the archive stops', async () => {
  await strangerAt('audit/app.json.zst')
  await strangerAt(own(1))
  const { exporter, stops } = await start(newBook())
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(stops).toHaveLength(1))
  expect(stops[0]!.message).toContain(`${own(1)}: another object of 10 bytes is there`)
})

test('A6: without the right to read such a key is neither taken for ours nor given up', async () => {
  await strangerAt('audit/app.json.zst')
  const denied = async () => {
    throw new NoReadRight('reading is denied')
  }
  const { exporter, stops, lines, drain } = await start(newBook(), { head: denied, read: denied })
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(lines('warn').join('')).toContain("may be anybody's"))
  await drain(AbortSignal.abort())
  expect(stops).toEqual([])
  expect(await store.head(own(1))).toBeUndefined()
})

test('A6: in a directory a key that is a folder, or lies below a file, is given one right below the prefix', async () => {
  await strangerAt('audit/a.json')
  await strangerAt('audit/b.json/x')
  const book = newBook()
  const below = await start(book, {}, 'audit/a.json/c.json')
  await below.exporter(batchOf('one'), signal)
  await below.drain()
  const over = await start(book, {}, 'audit/b.json')
  await over.exporter(batchOf('two'), signal)
  await over.drain()
  expect(await object(`audit_a-${watchedLaneId}-000000000001.json_c.json`)).toBe('one')
  expect(await object(`audit_b-${watchedLaneId}-000000000002.json`)).toBe('two')
  expect([...below.stops, ...over.stops]).toEqual([])
})

test('A6: a key with the number whose folder is a file goes right below the prefix too', async () => {
  await strangerAt('audit/a.json')
  const number = `${watchedLaneId}-000000000001`
  const { exporter, drain, stops } = await start(newBook(), {}, `audit/a.json/${number}.json`)
  await exporter(batchOf('one'), signal)
  await drain()
  expect(await object(`audit_a-${number}.json_${number}.json`)).toBe('one')
  expect(stops).toEqual([])
})

test('an archive whose directory has become a file waits, and gives no object another key', async () => {
  const book = newBook()
  const key = `audit/app-${watchedLaneId}-000000000001.json`
  const { exporter, drain, counts, lines } = await start(book, {}, key)
  await rm(join(directory, 'archive'), { recursive: true })
  await writeFile(join(directory, 'archive'), '')
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(lines('warn')).not.toEqual([]))
  await drain(AbortSignal.abort())
  expect(counts.rekeyed).toBeUndefined()
})

test('a key with the number that is taken is never given another', async () => {
  const key = `audit/app-${watchedLaneId}-000000000001.json`
  await strangerAt(key)
  const { exporter, stops, counts } = await start(newBook(), {}, key)
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(stops).toHaveLength(1))
  expect(counts.rekeyed).toBeUndefined()
})
