import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import awss3, { config } from '../../exporters/awss3.ts'
import { canonical } from '../../src/archive/canonical.ts'
import { groupRecords } from '../../src/archive/groups.ts'
import { chooseLayout } from '../../src/archive/layout_choice.ts'
import { RefusedError } from '../../src/component.ts'
import { openObjects } from '../../src/journal/archives.ts'
import type { Book, Entry } from '../../src/journal/book.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { type Given, noon, recordsOf } from '../archive/records.ts'
import { sent } from '../batches.ts'
import { durableBook } from '../durable_book.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { watchedLane, watchedLaneId } from '../watched_lane.ts'

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'akey', AWS_SECRET_ACCESS_KEY: 'skey12345' })

const signal = new AbortController().signal
const hour = 3_600_000
let s3: FakeS3
let directory: string
beforeEach(async () => {
  s3 = await startFakeS3()
  directory = await mkdtemp(join(tmpdir(), 'partitions-'))
})
afterEach(async () => {
  await s3.stop()
  await rm(directory, { recursive: true })
})

const newBook = () => durableBook(watchedLaneId, join(directory, 'spool'))
const numbered = (number: number) => `${watchedLaneId}-${String(number).padStart(12, '0')}`
const hourly = {
  ...{ s3_partition_format: '%Y-%m-%d/%H', s3_partition_timezone: 'UTC', partition_time: 'record' },
  allowed_lateness: '0s'
}

async function start(book: Book, s3uploader: Record<string, unknown> = hourly) {
  const lane = watchedLane(book)
  onTestFinished(() => lane.drain(AbortSignal.abort()))
  const place = { s3_bucket: 'logs', endpoint: s3.endpoint, s3_force_path_style: true }
  const options = { ...place, retry_mode: 'nop', ...s3uploader }
  const exporter = await awss3(
    config.parse({ s3uploader: options, marshaler: 'body' }),
    lane.context
  )
  return { ...lane, exporter }
}

let next = 1
function batchOf(...given: Given[]) {
  const at = next++
  const logs = recordsOf(...given)
  return sent(logs, { accepted: logs.records, covers: [[at, at]], arrived: noon })
}

const data = () =>
  s3
    .keys()
    .filter((key) => !key.includes('.auditcol/'))
    .sort()
const manifestKeys = () =>
  s3
    .keys()
    .filter((key) => key.includes('/partitions/'))
    .sort()
const manifest = (key: string) => JSON.parse(s3.object(key)!.toString())
const root = `.auditcol/fedcba9876543210/${watchedLaneId}/partitions`

test('records of one batch are split by the hour they happened in, absent and absurd times by arrival', async () => {
  const { exporter, drain } = await start(newBook(), { ...hourly, allowed_lateness: '900000h' })
  await exporter(
    batchOf(
      { body: 'now', at: noon },
      { body: 'before', at: noon - 1 },
      { body: 'none', at: 0 },
      { body: 'tomorrow', at: noon + 24 * hour },
      { body: 'absurd', at: noon + 24 * hour + 1 }
    ),
    signal
  )
  await drain()
  expect(Object.fromEntries(data().map((key) => [key, `${s3.object(key)}`]))).toEqual({
    [`2026-09-30/12/logs_${numbered(1)}.txt`]: 'now\nnone\nabsurd\n',
    [`2026-09-30/11/logs_${numbered(2)}.txt`]: 'before\n',
    [`2026-10-01/12/logs_${numbered(3)}.txt`]: 'tomorrow\n'
  })
  expect(manifestKeys()).toEqual([])
})

test('in a zone, with a template, by arrival', async () => {
  const { exporter, drain } = await start(newBook(), {
    ...{
      partition_time: 'arrival',
      s3_partition_timezone: 'Asia/Kolkata',
      allowed_lateness: '900000h'
    },
    key_template: '{event_name}/%F/%H/{number}.txt'
  })
  await exporter(batchOf({ event: 'x', at: 5 }, { event: 'y', at: 7 }), signal)
  await drain()
  expect(data()).toEqual([
    `x/2026-09-30/17/${numbered(1)}.txt`,
    `y/2026-09-30/17/${numbered(2)}.txt`
  ])
})

test('a partition is closed with a manifest of its committed objects; what comes later is late, and stands in another', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: noon + 1 })
  onTestFinished(() => void vi.useRealTimers())
  const book = newBook()
  const { exporter, counts } = await start(book)
  await exporter(batchOf({ body: 'a' }, { body: 'before', at: noon - hour }), signal)
  await exporter(batchOf({ body: 'b' }), signal)
  const closed = `${root}/2026-09-30/11/000000000002.json`
  await vi.waitFor(() => expect(manifestKeys()).toEqual([closed]))
  await vi.waitFor(() => expect(openObjects(book.archives.get('s3://logs')!)).toEqual([]))
  // It was late on arrival, and its hour was over.
  expect(data()).toContain(`2026-09-30/11/late_logs_${numbered(2)}.txt`)

  vi.setSystemTime(noon + hour)
  await exporter(batchOf({ body: 'late' }), signal)
  const last = `${root}/2026-09-30/12/000000000001.json`
  await vi.waitFor(() => expect(counts.manifests).toBeGreaterThanOrEqual(2))
  const said = manifest(last)
  const keys = [1, 3].map((number) => `2026-09-30/12/logs_${numbered(number)}.txt`)
  expect(said).toMatchObject({
    ...{ v: 1, partition: '2026-09-30/12', closed: true },
    ...{ from: noon, to: noon + hour }
  })
  expect(said.at).toBeGreaterThanOrEqual(noon + hour)
  const { objects } = said as { objects: { key: string; sha256: string; size: number }[] }
  const late = `2026-09-30/12/late_logs_${numbered(4)}.txt`
  await vi.waitFor(() => {
    const all = manifestKeys()
      .filter((key) => key.includes('/12/'))
      .flatMap((key) => manifest(key).objects)
    expect(all.map(({ key }) => key)).toEqual([...keys, late])
  })
  for (const { key, sha256, size } of objects) {
    const body = s3.object(key)!
    expect([createHash('sha256').update(body).digest('hex'), body.length]).toEqual([sha256, size])
  }
  expect(said.records).toBe(objects.length)
  expect(said.sha256).toBe(createHash('sha256').update(canonical(objects)).digest('hex'))
  expect(`${s3.object(last)}`).toBe(`${canonical(said)}\n`)
})

test('nothing is closed before its lateness is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: noon + hour })
  onTestFinished(() => void vi.useRealTimers())
  const book = newBook()
  const { exporter, drain } = await start(book, { ...hourly, allowed_lateness: '1h' })
  await exporter(batchOf({}), signal)
  await vi.waitFor(() => expect(openObjects(book.archives.get('s3://logs')!)).toEqual([]))
  await drain()
  expect(data()).toEqual([`2026-09-30/12/logs_${numbered(1)}.txt`])
  expect(manifestKeys()).toEqual([])
  // The next start knows of it.
  vi.setSystemTime(noon + 2 * hour)
  await start(book)
  await vi.waitFor(() => expect(manifestKeys()).toHaveLength(1))
})

test('what is being sealed while a partition ends belongs to it, and its manifest waits', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: noon })
  onTestFinished(() => void vi.useRealTimers())
  const book = newBook()
  const held = Promise.withResolvers<void>()
  let isSealing = false
  const write = async (entry: Entry) => {
    isSealing = entry.do === 'intent' && entry.objects[0]!.number === 2
    if (isSealing) await held.promise
    await book.write(entry)
  }
  const { exporter, finish, drain } = await start({ ...book, write })
  await exporter(batchOf({}), signal)
  await vi.waitFor(() => expect(book.archives.get('s3://logs')!.partitions).toHaveLength(1))
  const sealing = exporter(batchOf({}), signal)
  await vi.waitFor(() => expect(isSealing).toBe(true))
  vi.setSystemTime(noon + hour)
  // Looks what is due.
  finish()
  held.resolve()
  await sealing
  await drain()
  const [first, ...more] = manifestKeys().map(manifest)
  expect(more).toEqual([])
  expect(first.objects.map(({ number }: { number: number }) => number)).toEqual([1, 2])
})

test.for<['error' | 'reset stored']>([['error'], ['reset stored']])(
  'a manifest that was written down goes out with the same bytes after a crash in its PUT (%s)',
  async ([fault]) => {
    const book = newBook()
    let dead = false
    const dying = async (entry: Entry) => {
      if (dead) throw new RefusedError('closing', { reason: 'unavailable' })
      await book.write(entry)
      if (entry.do === 'manifest') dead = true
    }
    s3.misbehave(() => (dead ? fault : undefined))
    const first = await start({ ...book, write: dying })
    await first.exporter(batchOf({}, { at: noon - hour }), signal)
    await vi.waitFor(() => expect(dead).toBe(true))
    await first.drain(AbortSignal.abort())
    s3.misbehave(() => undefined)
    const { text, key } = book.written.find((entry) => entry.do === 'manifest')!
    const second = await start(book)
    await vi.waitFor(() => expect(second.counts.manifests).toBe(2))
    await second.drain()
    expect(`${s3.object(key)}`).toBe(text)
    expect(manifestKeys()).toHaveLength(2)
    expect(s3.rewritten()).toEqual([])
    const { partitions, manifest: pending } = book.archives.get('s3://logs')!
    expect([partitions, pending]).toEqual([undefined, undefined])
  }
)

test('another manifest under the name stays, is told, and stops nothing', async () => {
  const book = newBook()
  const key = `${root}/2026-09-30/12/000000000001.json`
  s3.buckets.get('logs')!.set(key, { body: Buffer.from('another'), sha256: undefined })
  const { exporter, lines, stops } = await start(book)
  await exporter(batchOf({}), signal)
  await vi.waitFor(() => expect(lines('error').join()).toContain('another manifest already'))
  await exporter(batchOf({}), signal)
  await vi.waitFor(() => expect(manifestKeys()).toHaveLength(2))
  expect([`${s3.object(key)}`, stops]).toEqual(['another', []])
})

test('without a journal nobody would remember what is open: start refuses', async () => {
  await expect(start(watchedLane().context.lane.book)).rejects.toThrow(
    'partition_time needs a journal'
  )
})

test('any order and any batches give the same partitions with the same records', () => {
  const { s3uploader } = config.parse({ s3uploader: { s3_bucket: 'logs', ...hourly } })
  const layout = chooseLayout(s3uploader, 'txt').layout!
  const limits = { arrived: noon, sealing: noon, keysMax: 1000 }
  const partitionsOf = (batches: Given[][]) => {
    const found: Record<string, unknown[]> = {}
    for (const batch of batches) {
      for (const { partition, logs } of groupRecords(recordsOf(...batch), layout(), limits).groups)
        found[partition!.name] = [
          ...(found[partition!.name] ?? []),
          ...decodeLogs(logs()).map(({ body }) => body)
        ].sort()
    }
    return found
  }
  const at = fc.oneof(fc.integer({ min: noon - 30 * hour, max: noon + 30 * hour }), fc.constant(0))
  const records = fc.array(at, { minLength: 1, maxLength: 30 }).chain((ats) => {
    const given = ats.map((at, index): Given => ({ at, body: `${index}` }))
    return fc.tuple(
      fc.constant(given),
      fc.shuffledSubarray(given, { minLength: given.length }),
      fc.integer({ min: 1, max: 8 })
    )
  })
  fc.assert(
    fc.property(records, ([given, shuffled, size]) => {
      const batches = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, index) =>
        shuffled.slice(index * size, (index + 1) * size)
      )
      expect(partitionsOf(batches)).toEqual(partitionsOf([given]))
    })
  )
})

test('past max_keys_per_batch partitions records go to the folder of the time of sealing', async () => {
  const book = newBook()
  const { exporter, drain, counts } = await start(book, { ...hourly, max_keys_per_batch: 2 })
  await exporter(batchOf(...[0, 1, 2, 3].map((hours) => ({ at: noon - hours * hour }))), signal)
  await drain()
  expect(counts).toMatchObject({ past_max_keys: 2, records: 4 })
  expect(data().filter((key) => key.startsWith('2026-09-30/'))).toHaveLength(2)
  expect(data()).toHaveLength(3)
})
