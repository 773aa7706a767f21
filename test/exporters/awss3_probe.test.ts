import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import awss3, { config } from '../../exporters/awss3.ts'
import { PermanentError } from '../../src/component.ts'
import type { Book } from '../../src/journal/book.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import '../archive/open_s3.ts'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { sent } from '../batches.ts'
import { durableBook } from '../durable_book.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { watchedLane, watchedLaneId } from '../watched_lane.ts'

const signal = new AbortController().signal
let s3: FakeS3
let directory: string
beforeEach(async () => {
  s3 = await startFakeS3()
  directory = await mkdtemp(join(tmpdir(), 'awss3-'))
})
afterEach(async () => {
  await s3.stop()
  await rm(directory, { recursive: true })
})

const newBook = () => durableBook(watchedLaneId, join(directory, 'spool'))

/** An exporter into the server; the same book again is a restart. */
async function start(book: Book, more: Record<string, unknown> = {}) {
  const lane = watchedLane(book)
  onTestFinished(() => lane.drain(AbortSignal.abort()))
  const s3uploader = {
    ...{ s3_bucket: 'logs', endpoint: s3.endpoint, s3_force_path_style: true },
    ...{ s3_partition_format: '', retry_mode: 'nop' }
  }
  const exporter = await awss3(config.parse({ s3uploader, ...more }), lane.context)
  return { ...lane, exporter }
}

let next = 1
function batchOf(attributes: Record<string, string> = {}) {
  const record = {
    resource: resourceFromAttributes(attributes),
    instrumentationScope: { name: 's' },
    hrTime: [1, 0] as [number, number],
    hrTimeObserved: [1, 0] as [number, number],
    body: 'key.update',
    attributes: {},
    droppedAttributesCount: 0
  }
  const at = next++
  return sent(encodeLogs([record]), { accepted: 1, covers: [[at, at]] })
}

const data = () => s3.keys().filter((key) => !key.includes('.auditcol/'))
const leaves = () =>
  s3
    .keys()
    .filter((key) => key.includes('/commits/'))
    .flatMap((key) => s3.object(key)!.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line))

describe('A12: a store is probed once for each writer', () => {
  test('the first leaf of its archive says what was found', async () => {
    s3.ways.denied.add('list')
    const { exporter, lines } = await start(newBook())
    await exporter(batchOf(), signal)
    await vi.waitFor(() => expect(leaves()).toHaveLength(2))
    expect(leaves()[0].checks).toEqual({
      ...{ create_only: 'ok', checksums: 'ok', read: 'ok', list: 'unknown' },
      ...{ versioning: 'no', object_lock: 'no', clock: 'ok' }
    })
    expect(lines('warn')).toEqual([])
  })

  test('the next start remembers', async () => {
    const book = newBook()
    const first = await start(book)
    await first.exporter(batchOf(), signal)
    await first.drain()
    const asked = s3.probes.length
    const second = await start(book)
    await second.exporter(batchOf(), signal)
    await second.drain()
    expect(asked).toBeGreaterThan(0)
    expect(s3.probes.length).toBe(asked)
  })

  test('a store that does less than it should is one warning, and is used all the same', async () => {
    s3.ways.overwrites = true
    s3.ways.denied.add('read')
    const { exporter, lines } = await start(newBook())
    await exporter(batchOf(), signal)
    await vi.waitFor(() => expect(leaves()).toHaveLength(2))
    const [warning, ...more] = lines('warn').filter((line) => !line.includes('not verified'))
    expect(more).toEqual([])
    expect(warning).toMatch(
      /awss3: s3:\/\/logs: create_only: 8 of 8 creations .*: a copy of this journal may overwrite.*; read: denied: needs s3:GetObject: a key that is taken cannot be compared/
    )
  })

  test('one that is away is probed when it is back; nothing waits for that', async () => {
    s3.buckets.delete('logs')
    const book = newBook()
    const { exporter, lines } = await start(book)
    await exporter(batchOf(), signal)
    expect(lines('warn').join('')).toContain('what is sealed waits for it')
    s3.buckets.set('logs', new Map())
    await vi.waitFor(() => expect(book.written.some((entry) => entry.do === 'probed')).toBe(true))
    await vi.waitFor(() => expect(data()).toHaveLength(1))
  })

  test('what is denied altogether is not remembered', async () => {
    s3.ways.denied.add('put')
    const book = newBook()
    const { lines } = await start(book)
    await vi.waitFor(() => expect(lines('warn').join('')).toContain('denied: needs s3:PutObject'))
    expect(book.written).toEqual([])
  })
})

test.for([[[]], [['create_only']]])(
  'a stop while the store is being probed, require %j: what was taken is delivered',
  async ([required]) => {
    s3.buckets.delete('logs')
    const { exporter, finish, drain } = await start(newBook(), { require: required })
    s3.buckets.set('logs', new Map())
    const taken = exporter(batchOf(), signal)
    // At its first request: the server is in this process, so the others have not been answered.
    while (s3.probes.length === 0) await new Promise(setImmediate)
    finish()
    await taken
    await drain()
    expect(data()).toHaveLength(1)
  }
)

describe('require', () => {
  const required = (...names: string[]) => ({ require: names })

  test('a store that has it all is used', async () => {
    Object.assign(s3.ways, { versioning: true, objectLock: true })
    const all = ['create_only', 'checksums', 'read', 'list', 'versioning', 'object_lock', 'clock']
    const { exporter } = await start(newBook(), required(...all))
    await exporter(batchOf(), signal)
    await vi.waitFor(() => expect(data()).toHaveLength(1))
  })

  test('a store that has not refuses start, with every check and what to do', async () => {
    s3.ways.denied.add('list')
    await expect(start(newBook(), required('list', 'object_lock'))).rejects.toThrow(
      's3://logs is not what require asks for: list is unknown (denied: needs s3:ListBucket): allow s3:ListBucket, ' +
        'as `auditcol doctor` prints it; object_lock is no (it is off, or there is none): take a bucket with Object Lock enabled'
    )
  })

  test('what was not met is asked for again, what can change is asked at each start', async () => {
    const book = newBook()
    s3.ways.takesWrongChecksums = true
    await expect(start(book, required('checksums'))).rejects.toThrow('checksums is no')
    s3.ways.takesWrongChecksums = false
    s3.ways.versioning = true
    await start(book, required('checksums', 'versioning'))
    const objects = s3.keys().length
    await start(book, required('checksums', 'versioning'))
    expect(s3.keys()).toHaveLength(objects)
    s3.ways.versioning = false
    await expect(start(book, required('checksums', 'versioning'))).rejects.toThrow(
      'versioning is no'
    )
  })

  test('a store that was probed before and is away now does not refuse start', async () => {
    const book = newBook()
    s3.ways.versioning = true
    await start(book, required('versioning'))
    s3.buckets.delete('logs')
    const { lines } = await start(book, required('versioning'))
    expect(lines('warn').join('')).toContain('nothing is sealed before it was probed')
  })

  test('a store that is away at start: nothing is sealed before it has answered, and then all is', async () => {
    s3.buckets.delete('logs')
    const book = newBook()
    const { exporter, lines } = await start(book, required('create_only'))
    const taken = exporter(batchOf(), signal)
    await vi.waitFor(() =>
      expect(lines('warn').join('')).toContain('nothing is sealed before it was probed')
    )
    expect(book.written).toEqual([])
    s3.buckets.set('logs', new Map())
    await taken
    await vi.waitFor(() => expect(data()).toHaveLength(1))
    expect(lines('info').join('')).toContain('the store has what is required')
  })

  test('a store that does not know our keys refuses start: waiting would not help', async () => {
    s3.ways.knowsNobody = true
    await expect(start(newBook(), required('create_only'))).rejects.toThrow(
      /^s3:\/\/logs cannot be asked for what require says: .*refuses the signature: check the secret key.*\(SignatureDoesNotMatch\)$/
    )
    const { lines } = await start(newBook())
    await vi.waitFor(() => expect(lines('warn').join('')).toContain('what is sealed waits for it'))
  })

  test('and has it not when it is back: the lane stops and says why, and nothing was sealed', async () => {
    s3.buckets.delete('logs')
    const book = newBook()
    const { exporter, stops, drain } = await start(book, required('object_lock'))
    const taken = exporter(batchOf(), signal).catch((error: Error) => error.message)
    s3.buckets.set('logs', new Map())
    await vi.waitFor(() => expect(stops).toHaveLength(1))
    expect(stops[0]!.message).toContain('s3://logs is not what require asks for: object_lock is no')
    await drain()
    expect(await taken).toBe('stopping')
    expect(book.written.map((entry) => entry.do)).toEqual(['probed'])
    expect(s3.requests.filter(({ method }) => method === 'PUT')).toEqual([])
  })

  test('what an earlier run has sealed is not sent before either', async () => {
    const book = newBook()
    s3.ways.denied.add('put')
    const first = await start(book)
    await first.exporter(batchOf(), signal)
    await first.drain(AbortSignal.abort())
    s3.ways.denied.delete('put')
    s3.buckets.delete('logs')
    const second = await start(book, required('object_lock'))
    s3.requests.length = 0
    s3.buckets.set('logs', new Map())
    await vi.waitFor(() => expect(second.stops).toHaveLength(1))
    await second.drain()
    expect(s3.requests.filter(({ method }) => method === 'PUT')).toEqual([])
  })
})

describe('A7: a bucket that a record names', () => {
  const now = performance.now.bind(performance)
  /** As if it were so many milliseconds later. */
  function later(milliseconds: number) {
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
    onTestFinished(() => spy.mockRestore())
  }
  const byRecord = { resource_attrs_to_s3: { s3_bucket: 'bucket' } }

  test('is given up for its records after five minutes, and they are named', async () => {
    const { exporter } = await start(newBook(), byRecord)
    const batch = batchOf({ bucket: 'not-there' })
    const attempt = () => exporter(batch, signal).catch((error: Error) => error)
    expect(await attempt()).not.toBeInstanceOf(PermanentError)
    later(299_000)
    expect(await attempt()).not.toBeInstanceOf(PermanentError)
    later(301_000)
    const error = await attempt()
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ records: [0], rest: 'again' })
    expect((error as Error).message).toContain('reaching the bucket "not-there", which records ask')
  })

  test('and has not what is required ends there too', async () => {
    s3.buckets.set('team-a', new Map())
    s3.ways.versioning = true
    const { exporter } = await start(newBook(), { ...byRecord, require: ['versioning'] })
    s3.ways.versioning = false
    const batch = batchOf({ bucket: 'team-a' })
    await expect(exporter(batch, signal)).rejects.toThrow(
      's3://team-a is not what require asks for'
    )
    later(301_000)
    await expect(exporter(batch, signal)).rejects.toThrow(PermanentError)
    expect(s3.keys('team-a').filter((key) => !key.includes('/probe/'))).toEqual([])
  })
})
