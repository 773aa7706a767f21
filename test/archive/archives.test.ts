import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openDirectorySpool } from '../../src/archive/directory_spool.ts'
import { keyLayout } from '../../src/archive/key.ts'
import { type ArchivesOptions, openArchives } from '../../src/archive/open_archives.ts'
import type { Route } from '../../src/archive/route.ts'
import { s3Stores } from '../../src/archive/s3_store.ts'
import type { Spool } from '../../src/archive/spool.ts'
import { type Batch, PermanentError } from '../../src/component.ts'
import { openObjects } from '../../src/journal/archives.ts'
import type { Book } from '../../src/journal/book.ts'
import { sent } from '../batches.ts'
import { durableBook } from '../durable_book.ts'
import { type FakeS3, type Fault, startFakeS3 } from '../fake_s3.ts'
import { watchedLane, watchedLaneId } from '../watched_lane.ts'
import { s3Limits, s3Options } from './open_s3.ts'

const signal = new AbortController().signal
const root = `.auditcol/fedcba9876543210/${watchedLaneId}/`
const marshaler = {
  extension: 'binpb',
  contentType: 'application/x-protobuf',
  marshal: ({ chunks }: { chunks: readonly Uint8Array[] }) => chunks
}

let s3: FakeS3
let directory: string
let next = 1
beforeEach(async () => {
  s3 = await startFakeS3()
  directory = await mkdtemp(join(tmpdir(), 'auditcol-archives-'))
  next = 1
})
afterEach(async () => {
  await s3.stop()
  await rm(directory, { recursive: true })
})

/** Nobody looks inside here: the marshaler passes the bytes on. */
function batchOf(text: string): Batch {
  const chunk = Buffer.from(text)
  const at = next++
  return sent(
    { chunks: [chunk], bytes: chunk.length, records: 1 },
    { accepted: 1, covers: [[at, at]] }
  )
}

/** An archive over a small S3 server; the same book again is a restart. */
async function start(
  book: Book & { written?: unknown },
  more: Partial<ArchivesOptions> = {},
  spoolOver: Partial<Spool> = {}
) {
  const stores = s3Stores({ ...s3Options, endpoint: s3.endpoint }, s3Limits)
  const opened = new Map(['logs', 'more', 'gone'].map((bucket) => [bucket, stores(bucket)]))
  const lane = watchedLane(book)
  const key = keyLayout({
    s3_base_prefix: '',
    s3_prefix: '',
    s3_partition_format: '',
    file_prefix: '',
    unique_key_func_name: '',
    extension: 'binpb',
    compression: 'none',
    laneId: watchedLaneId
  })
  const open = [...book.archives.values()].flatMap(openObjects)
  const spool = await openDirectorySpool(
    book.spool!,
    watchedLaneId,
    new Set(open.map(({ intent }) => intent.spool))
  )
  const exporter = openArchives(
    {
      marshaler,
      compression: 'none',
      level: undefined,
      key,
      root: '.auditcol/',
      route: ({ logs }) => [{ bucket: 'logs', prefix: undefined, logs }],
      open: async (bucket) => ({ name: `s3://${bucket}`, place: bucket }),
      storeAt: (place) => opened.get(place as string)!,
      placeOf: () => undefined,
      close: () => {},
      ...more
    },
    { ...spool, ...spoolOver },
    lane.context
  )
  return { exporter, ...lane }
}

const newBook = () => durableBook(watchedLaneId, join(directory, 'spool'))
const object = (number: number) => `logs_${watchedLaneId}-${String(number).padStart(12, '0')}.binpb`
const commit = (number: number) => `${root}commits/${String(number).padStart(16, '0')}`
const leaves = (bucket = 'logs') =>
  s3
    .keys(bucket)
    .filter((key) => key.includes('/commits/'))
    .sort()
    .flatMap((key) => s3.object(key, bucket)!.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line))

test('A2: a batch is taken over by its intent, whether the store is there or not', async () => {
  const book = newBook()
  const { exporter, lines } = await start(book)
  s3.fail(...Array<Fault>(100).fill('slow down'))
  await exporter(batchOf('one'), signal)
  expect(book.written.map((entry) => entry.do)).toEqual(['archive', 'intent'])
  expect(await readdir(join(directory, 'spool'))).toHaveLength(1)
  await vi.waitFor(() => expect(lines('warn')).toHaveLength(1))
  s3.heal()
  await vi.waitFor(() => expect(leaves()).toHaveLength(2))
  expect(s3.object(object(1))?.toString()).toBe('one')
})

test('A2: a seal that fails gives its numbers back; its file stays until a start, since its frame may be there', async () => {
  const book = newBook()
  const { exporter } = await start({
    ...book,
    write: async (entry) => {
      if (entry.do === 'intent' && next === 2) throw new Error('the journal closes')
      await book.write(entry)
    }
  })
  await expect(exporter(batchOf('one'), signal)).rejects.toThrow('the journal closes')
  expect(await readdir(join(directory, 'spool'))).toHaveLength(1)
  await exporter(batchOf('two'), signal)
  await vi.waitFor(() => expect(s3.keys()).toContain(object(1)))
  expect(s3.object(object(1))?.toString()).toBe('two')
  await vi.waitFor(() => expect(book.archives.get('s3://logs')!.queue).toEqual([]))
  await start(book)
  expect(await readdir(join(directory, 'spool'))).toEqual([])
})

describe('A5: what becomes of a PUT', () => {
  test.for<[Fault]>([
    ['slow down'],
    ['error'],
    ['reset'],
    ['conflict'],
    ['denied'],
    ['no bucket'],
    ['no etag'],
    ['bad digest'],
    ['signature'],
    ['error stored'],
    ['reset stored']
  ])('after "%s" the same key and bytes go again, until one object is there', async ([fault]) => {
    const { exporter, drain, counts } = await start(newBook())
    s3.fail(fault)
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(leaves()).toHaveLength(2))
    await drain()
    const puts = s3.requests.filter(({ method, key }) => method === 'PUT' && key === object(1))
    expect(puts.length).toBe(2)
    expect(s3.object(object(1))?.toString()).toBe('one')
    expect(counts).toEqual({ records: 1, objects: 1, bytes: 3, commits: 1 })
  })

  test('other bytes under our key stop this archive, and it says who is there', async () => {
    const book = newBook()
    const { exporter, stops } = await start(book)
    s3.buckets.get('logs')!.set(object(1), { body: Buffer.from('x'), sha256: undefined })
    const rival = JSON.stringify({ kind: 'batch', host: 'other-host', sealed: 0 })
    s3.buckets.get('logs')!.set(commit(1), { body: Buffer.from(`${rival}\n`), sha256: undefined })
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toMatch(/another object of 1 bytes is there/)
    expect(stops[0]!.message).toMatch(/host "other-host"/)
    // Its data stays.
    expect(await readdir(join(directory, 'spool'))).toHaveLength(1)
    expect(openObjects(book.archives.get('s3://logs')!)).toHaveLength(1)
  })

  test('what somebody else has stopped no void sets going again', async () => {
    let voided = (_archive: string, _number: number) => {}
    const book = newBook()
    const { exporter, stops } = await start({
      ...book,
      onVoid: (listener) => {
        voided = listener
      }
    })
    s3.buckets.get('logs')!.set(object(1), { body: Buffer.from('x'), sha256: undefined })
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    await book.write({ do: 'void', archive: 's3://logs', number: 1, at: 1, reason: 'tired of it' })
    const before = s3.requests.length
    voided('s3://logs', 1)
    // What goes on would have put its bytes aside by then.
    for (let turns = 0; turns < 300; turns++) await readdir(directory)
    expect(await readdir(directory)).not.toContain('dead')
    expect([s3.requests.length, book.archives.get('s3://logs')!.pending]).toEqual([
      before,
      undefined
    ])
  })

  test.for<[Fault]>([['reset stored'], ['hang stored']])(
    'A7: what "%s" has left open when the archive stops counts as sent when a void lets it go on',
    async ([fault]) => {
      let voided = (_archive: string, _number: number) => {}
      const book = newBook()
      const { exporter, stops } = await start({
        ...book,
        onVoid: (listener) => {
          voided = listener
        }
      })
      s3.denyReads()
      s3.misbehave(() => {
        const { key } = s3.requests.at(-1)!
        if (key !== object(1)) return fault
        return s3.keys().includes(object(2)) ? 'too large' : 'slow down'
      })
      await exporter(batchOf('one'), signal)
      await exporter(batchOf('two'), signal)
      await vi.waitFor(() => expect(stops).toHaveLength(1))
      await book.write({ do: 'void', archive: 's3://logs', number: 1, at: 1, reason: 'too large' })
      s3.misbehave(() => undefined)
      voided('s3://logs', 1)
      await vi.waitFor(() => expect([stops.length, leaves().length]).toEqual([1, 3]))
      expect(leaves()[2]).toMatchObject({ number: 2, unverified: true })
    }
  )

  test('other bytes of the same size under our key stop it too', async () => {
    const { exporter, stops } = await start(newBook())
    s3.buckets.get('logs')!.set(object(1), { body: Buffer.from('eno'), sha256: undefined })
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toMatch(/another object of 3 bytes is there/)
    expect(s3.object(object(1))?.toString()).toBe('eno')
  })

  test('without the right to read: a key taken before any attempt of ours is a stranger', async () => {
    const { exporter, stops } = await start(newBook())
    s3.denyReads()
    s3.buckets.get('logs')!.set(object(1), { body: Buffer.from('x'), sha256: undefined })
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toContain('an object that we never sent is there')
  })

  test('without the right to read: a key taken after an unseen attempt is a success, and its leaf says so', async () => {
    const { exporter, lines } = await start(newBook())
    s3.denyReads()
    s3.fail('reset stored')
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(leaves()).toHaveLength(2))
    expect(leaves()[1]).toMatchObject({ number: 1, unverified: true })
    expect(lines('warn').join('')).toContain('object stored, not verified')
  })
})

describe('A3, A8: a restart continues every object where it was', () => {
  test('with objects that nobody has stored yet', async () => {
    const book = newBook()
    const first = await start(book)
    s3.fail(...Array<Fault>(1000).fill('slow down'))
    await first.exporter(batchOf('one'), signal)
    await first.exporter(batchOf('two'), signal)
    await first.drain(AbortSignal.abort())
    s3.heal()
    await start(book)
    await vi.waitFor(() => expect(leaves()).toHaveLength(3))
    expect([1, 2].map((number) => s3.object(object(number))?.toString())).toEqual(['one', 'two'])
    await vi.waitFor(async () => expect(await readdir(join(directory, 'spool'))).toEqual([]))
  })

  test('with an object that was stored, and a commit that was written down and not sent', async () => {
    const book = newBook()
    const first = await start({
      ...book,
      write: async (entry) => {
        await book.write(entry)
        if (entry.do === 'commit') await new Promise(() => {})
      }
    })
    await first.exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(book.archives.get('s3://logs')!.pending).toBeDefined())
    const { text } = book.archives.get('s3://logs')!.pending!
    // Composed anew, the commit would have this one too.
    await first.exporter(batchOf('two'), signal)
    await start(book)
    await vi.waitFor(() => expect(s3.keys()).toContain(commit(1)))
    expect(s3.object(commit(1))?.toString()).toBe(text)
    await vi.waitFor(() => expect(book.archives.get('s3://logs')!.queue).toEqual([]))
    // The commit says that it is stored: its bytes may go before another PUT of it could read them.
    expect(s3.requests.filter(({ key }) => key === object(1)).map(({ method }) => method)).toEqual([
      'PUT'
    ])
  })

  test('A5: with an object that may have arrived, in a store that may not be read: it is ours, and its leaf says so', async () => {
    const book = newBook()
    const first = await start(book)
    s3.fail('reset stored', ...Array<Fault>(1000).fill('slow down'))
    await first.exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(s3.keys()).toContain(object(1)))
    await first.drain(AbortSignal.abort())
    s3.heal()
    s3.denyReads()
    const { stops } = await start(book)
    await vi.waitFor(() => expect(leaves()).toHaveLength(2))
    expect(leaves()[1]).toMatchObject({ number: 1, unverified: true })
    expect(stops).toEqual([])
  })

  test('A5: with a commit that may have arrived, in a store that may not be read: it is ours, not a stranger', async () => {
    const book = newBook()
    const first = await start({
      ...book,
      write: async (entry) => {
        if (entry.do === 'committed') await new Promise(() => {})
        await book.write(entry)
      }
    })
    await first.exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(s3.keys()).toContain(commit(1)))
    s3.denyReads()
    const { stops } = await start(book)
    await vi.waitFor(() => expect(book.archives.get('s3://logs')!.queue).toEqual([]))
    expect(stops).toEqual([])
  })

  test('A8: a commit of somebody else under our number fences the archive', async () => {
    const { exporter, stops } = await start(newBook())
    s3.buckets.get('logs')!.set(commit(1), { body: Buffer.from('{}\n'), sha256: undefined })
    await exporter(batchOf('one'), signal)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toContain('commits/0000000000000001')
  })
})

test('A8: commits are dense and their leaves in order of the numbers, however PUTs end', async () => {
  const { exporter, drain } = await start(newBook())
  s3.fail('slow down', 'reset stored', 'error', 'slow down')
  for (let i = 0; i < 30; i++) await exporter(batchOf(`${i}`), signal)
  await drain()
  const found = leaves()
  expect(found.map(({ i }) => i)).toEqual(found.map((_, index) => index))
  expect(found.slice(1).map(({ number }) => number)).toEqual(
    Array.from({ length: 30 }, (_, index) => index + 1)
  )
  const commits = s3
    .keys()
    .filter((key) => key.includes('/commits/'))
    .sort()
  expect(commits).toEqual(commits.map((_, index) => commit(index + 1)))
})

test('A9: each archive of a lane answers for all frames, with what went elsewhere', async () => {
  s3.buckets.set('more', new Map())
  const split = ({ logs }: Batch): Route[] =>
    ['logs', 'more'].map((bucket) => ({ bucket, prefix: undefined, logs }))
  let both = true
  const { exporter, drain } = await start(newBook(), {
    route: (batch) => (both ? split(batch) : split(batch).slice(0, 1))
  })
  await exporter(batchOf('one'), signal)
  both = false
  await exporter(batchOf('two'), signal)
  both = true
  await exporter(batchOf('three'), signal)
  await drain()
  const covers = (bucket: string) => leaves(bucket).flatMap((leaf) => leaf.covers ?? [])
  expect(covers('logs')).toEqual([
    [1, 1],
    [2, 2],
    [3, 3]
  ])
  expect(covers('more')).toEqual([
    [1, 1],
    [2, 3]
  ])
  expect(leaves('more').at(-1).counts).toMatchObject({ in: 2, out: 1, elsewhere: 2 })
})

test('A4: sealing pauses while twice as many objects as uploads are uncommitted', async () => {
  const { exporter, counts } = await start(newBook())
  s3.fail(...Array<Fault>(10_000).fill('slow down'))
  for (let i = 0; i < 8; i++) await exporter(batchOf(`${i}`), signal)
  let taken = false
  const ninth = exporter(batchOf('8'), signal).then(() => {
    taken = true
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(taken).toBe(false)
  s3.heal()
  await ninth
  await vi.waitFor(() => expect(counts.objects).toBe(9))
})

test('A4: what a batch has waited for room is no attempt, also when the archive stops meanwhile', async () => {
  const { exporter, context, stops } = await start(newBook())
  const waited = vi.spyOn(context.lane, 'waited')
  s3.misbehave(() => 'slow down')
  for (let i = 0; i < 8; i++) await exporter(batchOf(`${i}`), signal)
  const ninth = batchOf('8')
  const taken = exporter(ninth, signal)
  taken.catch(() => {})
  s3.misbehave(() => 'too large')
  await expect(taken).rejects.toThrow('it has stopped')
  expect(stops).toHaveLength(1)
  expect(waited).toHaveBeenLastCalledWith(ninth, expect.any(Number))
})

test('A7: what the store refuses for good stops its archive alone, until its object is voided', async () => {
  s3.buckets.set('more', new Map())
  let bucket = 'logs'
  let voided = (_archive: string, _number: number) => {}
  const book = newBook()
  const { exporter, stops } = await start(
    {
      ...book,
      onVoid: (listener) => {
        voided = listener
      }
    },
    { route: ({ logs }) => [{ bucket, prefix: undefined, logs }] }
  )
  s3.fail('too large')
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(stops).toHaveLength(1))
  bucket = 'more'
  await exporter(batchOf('two'), signal)
  await vi.waitFor(() => expect(leaves('more')).toHaveLength(2))
  expect(s3.keys()).toEqual([])

  await book.write({ do: 'void', archive: 's3://logs', number: 1, at: 1, reason: 'too large' })
  voided('s3://logs', 1)
  await vi.waitFor(() => expect(leaves()).toHaveLength(2))
  expect(leaves()[1]).toMatchObject({ kind: 'void', number: 1, reason: 'too large', records: 1 })
  const kept = join(directory, 'dead', `${watchedLaneId}-58f69bed-object-000000000001`)
  expect(await readFile(kept, 'utf8')).toBe('one')
})

test.for([
  ['damaged', /object 1 \(\S+, 1 record\) does not read from .*, bytes 0 to 3: .*void 1/],
  ['missing', /object 1 \(\S+, 1 record\) does not read from .*, which is missing: .*void 1/]
] as const)(
  'A3: a spool file that is %s is never stored, and the message names the object',
  async ([how, message]) => {
    const book = newBook()
    const first = await start(book)
    s3.fail(...Array<Fault>(1000).fill('slow down'))
    await first.exporter(batchOf('one'), signal)
    await first.drain(AbortSignal.abort())
    s3.heal()
    const [file] = await readdir(join(directory, 'spool'))
    const path = join(directory, 'spool', file!)
    const bytes = await readFile(path)
    bytes[0]! ^= 1
    if (how === 'missing') await rm(path)
    else await writeFile(path, bytes)
    const { stops } = await start(book)
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toMatch(message)
    expect(s3.keys()).toEqual([])
  }
)

test('A2: spool files that no open object refers to are removed at start, those of other lanes are not', async () => {
  const book = newBook()
  await start(book)
  await writeFile(join(directory, 'spool', `${watchedLaneId}-0000.spool`), 'x')
  await writeFile(join(directory, 'spool', 'ffffffffffffffff-0000.spool'), 'x')
  await start(book)
  expect(await readdir(join(directory, 'spool'))).toEqual(['ffffffffffffffff-0000.spool'])
})

test('a spool file that cannot be removed stops nothing, and goes at the next start', async () => {
  const book = newBook()
  const broken = { remove: () => Promise.reject(new Error('i/o error')) }
  const { exporter, lines, stops, drain } = await start(book, {}, broken)
  await exporter(batchOf('one'), signal)
  await vi.waitFor(() => expect(lines('warn').join()).toMatch(/needed no more stays.*i\/o error/))
  await exporter(batchOf('two'), signal)
  await vi.waitFor(() => expect(leaves()).toHaveLength(3))
  await drain()
  expect(stops).toEqual([])
  expect(await readdir(join(directory, 'spool'))).toHaveLength(2)
  await start(book)
  expect(await readdir(join(directory, 'spool'))).toEqual([])
})

test('L1: a batch larger than a piece becomes several objects of one intent', async () => {
  const book = newBook()
  const { exporter, drain } = await start(book)
  const { logs, meta } = batchOf('')
  const { encodeLogs } = await import('../../src/logs/encode.ts')
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const record = (body: string) => ({
    resource: resourceFromAttributes({}),
    instrumentationScope: { name: 's' },
    hrTime: [1, 0] as [number, number],
    hrTimeObserved: [1, 0] as [number, number],
    body,
    attributes: {},
    droppedAttributesCount: 0
  })
  const five = encodeLogs(['a', 'b', 'c', 'd', 'e'].map(record))
  expect(logs.records).toBe(1)
  await exporter(sent(five, { ...meta, accepted: 5, piece: { records: 2 } }), signal)
  await drain()
  expect(book.written.filter((entry) => entry.do === 'intent')).toHaveLength(1)
  const [, first, ...rest] = leaves()
  expect(first).toMatchObject({ number: 1, records: 2, objects: 3, counts: { in: 5, out: 5 } })
  expect(rest).toMatchObject([
    { number: 2, records: 2, first: 1 },
    { number: 3, records: 1, first: 1 }
  ])
})

test('records that cannot be marshaled are a PermanentError, and nothing is sealed', async () => {
  const broken = () => {
    throw new Error('record 3 is damaged')
  }
  const book = newBook()
  const { exporter } = await start(book, { marshaler: { ...marshaler, marshal: broken } })
  const error = await exporter(batchOf('one'), signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect((error as Error).message).toBe('marshaling: record 3 is damaged')
  expect([book.written, await readdir(join(directory, 'spool'))]).toEqual([[], []])
})

test('A2: an empty result is a success without an object and without a number', async () => {
  const book = newBook()
  const { exporter } = await start(book, {
    marshaler: { ...marshaler, marshal: () => [new Uint8Array()] }
  })
  await exporter(batchOf('one'), signal)
  expect([book.written, s3.requests]).toEqual([[], []])
})
