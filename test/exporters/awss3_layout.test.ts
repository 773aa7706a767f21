import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import awss3, { config } from '../../exporters/awss3.ts'
import type { Book } from '../../src/journal/book.ts'
import { joinLogs, type Logs } from '../../src/logs/logs.ts'
import { recordsOf as recordsPut } from '../../src/s3_put/records.ts'
import { type Given, noon, recordsOf } from '../archive/records.ts'
import { sent } from '../batches.ts'
import { durableBook } from '../durable_book.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { watchedLane, watchedLaneId } from '../watched_lane.ts'

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'akey', AWS_SECRET_ACCESS_KEY: 'skey12345' })

const signal = new AbortController().signal
let s3: FakeS3
let directory: string
beforeEach(async () => {
  s3 = await startFakeS3()
  directory = await mkdtemp(join(tmpdir(), 'layout-'))
})
afterEach(async () => {
  await s3.stop()
  await rm(directory, { recursive: true })
})

const newBook = () => durableBook(watchedLaneId, join(directory, 'spool'))
const numbered = (number: number) => `${watchedLaneId}-${String(number).padStart(12, '0')}`

/** An exporter into the server, or into a directory; the same book again is a restart. */
async function start(s3uploader: Record<string, unknown>, book: Book = newBook()) {
  const lane = watchedLane(book)
  onTestFinished(() => lane.drain(AbortSignal.abort()))
  const inBucket = { s3_bucket: 'logs', endpoint: s3.endpoint, s3_force_path_style: true }
  const place = 's3_bucket' in s3uploader ? {} : inBucket
  const options = { ...place, retry_mode: 'nop', ...s3uploader }
  const exporter = await awss3(
    config.parse({ s3uploader: options, marshaler: 'body' }),
    lane.context
  )
  return { ...lane, exporter, book }
}

let next = 1
function batchOf(logs: Logs) {
  const at = next++
  return sent(logs, { accepted: logs.records, covers: [[at, at]], arrived: noon })
}

const objects = () =>
  Object.fromEntries(
    s3
      .keys()
      .filter((key) => !key.includes('.auditcol/'))
      .sort()
      .map((key) => [key, s3.object(key)!.toString()])
  )
const leaves = () =>
  s3
    .keys()
    .filter((key) => key.includes('/commits/'))
    .flatMap((key) => s3.object(key)!.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line))

const named = (id: string, body = id): Given => ({ body, attributes: { id } })
const byId = '%Y/{attributes["id"]}.txt'
const at = { partition_time: 'record', s3_partition_timezone: 'UTC' }

describe('key_template', () => {
  test('records with the same key share an object, in their order', async () => {
    const { exporter, drain } = await start({ ...at, s3_prefix: 'audit', key_template: byId })
    await exporter(batchOf(recordsOf(named('a', '1'), named('b', '2'), named('a', '3'))), signal)
    await drain()
    expect(objects()).toEqual({ 'audit/2026/a.txt': '1\n3\n', 'audit/2026/b.txt': '2\n' })
    expect(leaves().map(({ key, records }) => [key, records])).toContainEqual([
      'audit/2026/a.txt',
      2
    ])
  })

  test('past max_keys_per_batch records share one numbered object in each folder: counted, told once, none lost', async () => {
    const template = { key_template: '{event_name}/{attributes["id"]}.txt', max_keys_per_batch: 2 }
    const { exporter, drain, counts, lines } = await start(template)
    const in_ = (event: string, id: string): Given => ({ ...named(id), event })
    const batch = () =>
      batchOf(
        recordsOf(
          in_('x', 'a'),
          in_('y', 'b'),
          in_('x', 'c'),
          in_('x', 'a'),
          in_('y', 'd'),
          in_('x', 'e'),
          in_('z', 'f')
        )
      )
    await exporter(batch(), signal)
    await exporter(batch(), signal)
    await drain()
    expect(objects()).toEqual({
      'x/a.txt': 'a\na\n',
      'y/b.txt': 'b\n',
      [`x/batch_${numbered(3)}.txt`]: 'c\ne\n',
      [`y/batch_${numbered(4)}.txt`]: 'd\n',
      // Not more folders than keys either.
      [`batch_${numbered(5)}.txt`]: 'f\n',
      [`x/batch_${numbered(8)}.txt`]: 'c\ne\n',
      [`y/batch_${numbered(9)}.txt`]: 'd\n',
      [`batch_${numbered(10)}.txt`]: 'f\n'
    })
    expect(counts).toMatchObject({ past_max_keys: 8, records: 14 })
    expect(lines('warn').filter((line) => line.includes('max_keys_per_batch'))).toHaveLength(1)
  })

  test('a large resource is not repeated a thousand times: its records share an object sooner', async () => {
    const { exporter, drain, counts } = await start({ key_template: byId })
    const resource = { big: 'x'.repeat(2 ** 20) }
    const many = Array.from({ length: 100 }, (_, index) => ({ ...named(`${index}`), resource }))
    await exporter(batchOf(recordsOf(...many)), signal)
    await drain()
    expect(counts).toMatchObject({ past_max_keys: 84, records: 100 })
    expect(Object.keys(objects())).toHaveLength(17)
  })

  test('A6: a key that is taken: the object goes on under one with its number', async () => {
    s3.buckets
      .get('logs')!
      .set('2026/a.txt', { body: Buffer.from('a stranger'), sha256: undefined })
    const { exporter, drain, stops } = await start({ ...at, key_template: byId })
    await exporter(batchOf(recordsOf(named('a', 'ours'))), signal)
    await drain()
    expect(objects()).toEqual({
      '2026/a.txt': 'a stranger',
      [`2026/a-${numbered(1)}.txt`]: 'ours\n'
    })
    expect(stops).toEqual([])
  })

  test('A6: two objects of one batch that would have one key do not race: the second has its number from the seal on', async () => {
    const { exporter, drain, counts, book } = await start({ key_template: 'one.txt' })
    const logs = recordsOf({ body: 'first' }, { body: 'second' })
    const batch = batchOf(logs)
    await exporter({ ...batch, meta: { ...batch.meta, piece: { records: 1 } } }, signal)
    await drain()
    expect(objects()).toEqual({ 'one.txt': 'first\n', [`one-${numbered(2)}.txt`]: 'second\n' })
    expect(counts.rekeyed).toBeUndefined()
    const { written } = book as ReturnType<typeof newBook>
    const intent = written.find((entry) => entry.do === 'intent')!
    expect('objects' in intent && intent.objects.map(({ unnumbered }) => unnumbered)).toEqual([
      true,
      undefined
    ])
  })

  test('A6: without the number a store that overwrites stops the start; with it, it does not', async () => {
    s3.ways.overwrites = true
    await expect(start({ key_template: byId })).rejects.toThrow(/create_only is no/)
    await start({ key_template: '{number}.txt' })
  })

  test('A6: without the number the right to read is needed', async () => {
    s3.ways.denied.add('read')
    await expect(start({ key_template: byId })).rejects.toThrow(/read is unknown .*s3:GetObject/)
  })

  test('A2: sealed keys outlive a restart between seal and PUT, whatever the template says by then', async () => {
    s3.misbehave(() => 'error')
    const book = newBook()
    const first = await start({ ...at, key_template: byId }, book)
    await first.exporter(batchOf(recordsOf(named('a'), named('b'))), signal)
    await first.drain(AbortSignal.abort())
    expect(objects()).toEqual({})
    s3.misbehave(() => undefined)
    const second = await start({ key_template: 'elsewhere/{number}.txt' }, book)
    await second.drain()
    expect(objects()).toEqual({ '2026/a.txt': 'a\n', '2026/b.txt': 'b\n' })
  })

  test('compression adds its ending', async () => {
    const { exporter, drain } = await start({ ...at, key_template: byId, compression: 'gzip' })
    await exporter(batchOf(recordsOf(named('a'))), signal)
    await drain()
    expect(s3.keys()).toContain('2026/a.txt.gz')
  })
})

const litellmHeaders = {
  'content-type': 'application/json',
  'content-language': 'en',
  'content-disposition': 'inline; filename="audit-1.json"',
  'cache-control': 'private, immutable, max-age=31536000, s-maxage=0'
}

/** What `s3_put` makes of an object that was put. */
function put(
  key: string,
  bytes: string | Buffer,
  headers: Record<string, string> = litellmHeaders
) {
  const body = Buffer.from(bytes)
  return recordsPut(
    {
      ...{ bucket: 'logs', key, bytes: body, sha256: `${key}${body}`, headers },
      ...{ accessKeyId: 'AK', remoteAddress: undefined, arrived: noon, overwrites: false }
    },
    { open_values: false, linesCost: 1e9 }
  )
}

const event = (id: string) =>
  JSON.stringify({ id, table_name: 'LiteLLM_TeamTable', action: 'created', object_id: 'team' })

const putsOf = (wanted: string) =>
  s3.requests.filter(({ method, key }) => method === 'PUT' && key === wanted)
const headersOf = (key: string) => {
  const { headers } = putsOf(key)[0]!
  return Object.fromEntries(Object.keys(litellmHeaders).map((name) => [name, headers[name]]))
}

describe('layout: litellm', () => {
  const day = 'proxy/audit_logs/2026-09-30'

  test("each object is where LiteLLM would have put it, with LiteLLM's bytes and headers", async () => {
    const lines = `${event('2')}\n${event('3')}`
    const logs = joinLogs([
      put(`${day}/12-00-00_1.json`, event('1')),
      put(
        'proxy/2026-09-30/time-12-00-00-000001_chatcmpl-1.json',
        '{"call_type":"x","model":"m","startTime":1}'
      ),
      put(`${day}/batch_12-00-00_0a.jsonl`, lines, { 'content-type': 'application/x-ndjson' }),
      put('proxy/batch_line_items/2026-09-30/b/part-00000.jsonl', `${lines}\n`),
      put('proxy/report.bin', Buffer.from([0, 255, 10]), {}),
      put('proxy/empty', '')
    ])
    const { exporter, drain } = await start({ layout: 'litellm' })
    await exporter(batchOf(logs), signal)
    await drain()
    expect(objects()).toEqual({
      [`${day}/12-00-00_1.json`]: event('1'),
      'proxy/2026-09-30/time-12-00-00-000001_chatcmpl-1.json':
        '{"call_type":"x","model":"m","startTime":1}',
      [`${day}/batch_12-00-00_0a.jsonl`]: lines,
      'proxy/batch_line_items/2026-09-30/b/part-00000.jsonl': `${lines}\n`,
      'proxy/report.bin': Buffer.from([0, 255, 10]).toString(),
      'proxy/empty': ''
    })
    expect(headersOf(`${day}/12-00-00_1.json`)).toEqual(litellmHeaders)
    expect(headersOf(`${day}/batch_12-00-00_0a.jsonl`)).toMatchObject({
      'content-type': 'application/x-ndjson'
    })
    expect(headersOf('proxy/report.bin')).toEqual({ 'content-type': 'binary/octet-stream' })
  })

  test('s3_prefix is not added to a key that begins with it, so that both sources meet below it', async () => {
    const { exporter, drain } = await start({ layout: 'litellm', s3_prefix: 'proxy' })
    const fromTable: Given = { body: event('4'), attributes: { 'audit.record.id': 'a/b:c' } }
    await exporter(
      batchOf(
        joinLogs([
          put(`${day}/12-00-00_1.json`, event('1')),
          put('x.json', '{}'),
          recordsOf(fromTable, { body: 'no id' })
        ])
      ),
      signal
    )
    await drain()
    expect(objects()).toEqual({
      [`${day}/12-00-00_1.json`]: event('1'),
      'proxy/x.json': '{}',
      [`${day}/12-00-00_a_b_c.json`]: event('4'),
      [`${day}/12-00-00_${numbered(4)}.json`]: 'no id'
    })
    expect(headersOf(`${day}/12-00-00_a_b_c.json`)).toEqual({
      ...litellmHeaders,
      'content-disposition': 'inline; filename="audit-a/b:c.json"'
    })
  })

  test('a key put again: the same bytes are one object, others get its number', async () => {
    const key = `${day}/12-00-00_1.json`
    const { exporter, drain, counts } = await start({ layout: 'litellm' })
    await exporter(batchOf(joinLogs([put(key, 'one'), put(key, 'one'), put(key, 'two')])), signal)
    await drain()
    expect(objects()).toEqual({ [key]: 'one', [`${day}/12-00-00_1-${numbered(3)}.json`]: 'two' })
    expect(counts).toMatchObject({ records: 3 })
  })

  test('a sender cannot leave the prefix, reach .auditcol, or take the number of an object', async () => {
    const { exporter, drain, stops } = await start({ layout: 'litellm', s3_prefix: 'audit' })
    const keys = [
      '../x',
      '/y',
      '.auditcol/z',
      'a//b',
      `taken-${numbered(6)}.json`,
      `${'k'.repeat(1100)}.json`
    ]
    await exporter(batchOf(joinLogs(keys.map((key) => put(key, key)))), signal)
    await drain()
    const found = Object.keys(objects())
    expect(found).toHaveLength(6)
    for (const key of found)
      expect(key).toMatch(
        /^audit\/(__\/x|y|_auditcol\/z|a\/b|taken-[0-9a-f]{16}_0{11}6\.json|k+~[0-9a-f]{12}\.json)$/
      )
    expect(Math.max(...found.map((key) => Buffer.byteLength(key)))).toBeLessThanOrEqual(1024)
    expect(stops).toEqual([])
  })

  test("past the limit events share LiteLLM's own kind of batch file in their folder", async () => {
    const { exporter, drain } = await start({ layout: 'litellm', max_keys_per_batch: 1 })
    const keys = ['1', '2', '3'].map((id) => put(`${day}/12-00-00_${id}.json`, event(id)))
    await exporter(batchOf(joinLogs(keys)), signal)
    await drain()
    const [batch] = Object.keys(objects()).filter((key) => key.includes('batch_'))
    expect(batch).toMatch(new RegExp(`^${day}/batch_\\d\\d-\\d\\d-\\d\\d_${numbered(2)}\\.jsonl$`))
    expect(objects()[batch!]).toBe(`${event('2')}\n${event('3')}`)
    expect(headersOf(batch!)).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': `inline; filename="${batch!.split('/').at(-1)}"`
    })
  })

  test('litellm_batches: one file a folder and batch; what is no event stays an object', async () => {
    const { exporter, drain } = await start({ layout: 'litellm_batches' })
    const logs = joinLogs([
      put(`${day}/12-00-00_1.json`, event('1')),
      put('proxy/report.txt', 'two\nlines'),
      put(`${day}/12-00-01_2.json`, event('2')),
      put('proxy/audit_logs/2026-10-01/00-00-00_3.json', event('3'))
    ])
    await exporter(batchOf(logs), signal)
    await drain()
    const found = Object.entries(objects()).map(([key, body]) => [
      key.replace(/\d\d-\d\d-\d\d_/, '_'),
      body
    ])
    expect(Object.fromEntries(found)).toEqual({
      [`${day}/batch__${numbered(1)}.jsonl`]: `${event('1')}\n${event('2')}`,
      'proxy/report.txt': 'two\nlines',
      [`proxy/audit_logs/2026-10-01/batch__${numbered(3)}.jsonl`]: event('3')
    })
  })

  test('A3: a restart sends the headers that were sealed', async () => {
    s3.misbehave(() => 'error')
    const book = newBook()
    const key = `${day}/12-00-00_1.json`
    const first = await start({ layout: 'litellm' }, book)
    await first.exporter(batchOf(put(key, event('1'))), signal)
    await vi.waitFor(() => expect(putsOf(key)).not.toEqual([]))
    await first.drain(AbortSignal.abort())
    s3.misbehave(() => undefined)
    await (await start({}, book)).drain()
    const puts = putsOf(key)
    expect(puts.length).toBeGreaterThan(1)
    for (const { headers } of puts) expect(headers).toMatchObject(litellmHeaders)
  })

  test('a header that could not be sent is left out, and the object is stored', async () => {
    const headers = {
      'content-type': 'text/plain\r\nx: y',
      'cache-control': 'ü',
      'content-language': 'de'
    }
    const { exporter, drain, stops } = await start({ layout: 'litellm' })
    await exporter(batchOf(put('a.txt', 'text', headers)), signal)
    await drain()
    expect(stops).toEqual([])
    expect(headersOf('a.txt')).toEqual({
      'content-type': 'binary/octet-stream',
      'content-language': 'de'
    })
  })

  test('an id as long as a key may be, from a table or a client, makes a key that a store takes', async () => {
    const id = `${'i'.repeat(1100)}`
    const { exporter, drain, stops } = await start({ layout: 'litellm', s3_prefix: 'proxy' })
    const records = ['1', '2'].map(
      (end): Given => ({
        body: end,
        attributes: { 'audit.record.id': id + end }
      })
    )
    await exporter(batchOf(recordsOf(...records)), signal)
    await drain()
    const found = Object.keys(objects())
    expect(found).toHaveLength(2)
    for (const key of found) {
      expect(key).toMatch(/^proxy\/audit_logs\/2026-09-30\/12-00-00_i+~[0-9a-f]{12}\.json$/)
      expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1024)
    }
    expect(stops).toEqual([])
  })

  test('ids with slashes, dots, escapes and emoji are one level each, and two that come to the same stay two', async () => {
    const { exporter, drain } = await start({ layout: 'litellm', s3_prefix: 'proxy' })
    const ids = ['../../x', '%2e%2e', '🎉', 'a/b', 'a:b', '..']
    const records = ids.map((id): Given => ({ body: id, attributes: { 'audit.record.id': id } }))
    await exporter(batchOf(recordsOf(...records)), signal)
    await drain()
    expect(objects()).toEqual({
      [`${day}/12-00-00_.._.._x.json`]: '../../x',
      [`${day}/12-00-00_%2e%2e.json`]: '%2e%2e',
      [`${day}/12-00-00_🎉.json`]: '🎉',
      [`${day}/12-00-00_a_b.json`]: 'a/b',
      [`${day}/12-00-00_a_b-${numbered(5)}.json`]: 'a:b',
      [`${day}/12-00-00_...json`]: '..'
    })
  })

  test("the folder is of the event's day in UTC, to the millisecond", async () => {
    const { exporter, drain } = await start({ layout: 'litellm' })
    const midnight = Date.UTC(2026, 9, 1)
    const at = (ms: number): Given => ({
      at: midnight + ms,
      body: `${ms}`,
      attributes: { 'audit.record.id': 'x' }
    })
    await exporter(batchOf(recordsOf(at(-1), at(0))), signal)
    await drain()
    expect(objects()).toEqual({
      'audit_logs/2026-09-30/23-59-59_x.json': '-1',
      'audit_logs/2026-10-01/00-00-00_x.json': '0'
    })
  })

  test.each(['litellm', 'litellm_batches'])(
    '%s: an object that stands where a folder is needed, or the other way, halts nothing, in a bucket with folders or a directory',
    async (layout) => {
      s3.ways.folders = true
      const puts = [
        put('proxy/audit_logs', 'not a folder'),
        put('proxy/2026-09-30/time-12-00-00-000001_1.json', '{}'),
        put('proxy/2026-09-30', 'not a folder either'),
        put(`${day}/12-00-00_1.json`, event('1')),
        recordsOf({ body: 'no id' })
      ]
      const archived = `file:${join(directory, 'archive')}`
      for (const place of [{}, { s3_bucket: archived }]) {
        const { exporter, drain, stops, lines } = await start({
          layout,
          s3_prefix: 'proxy',
          ...place
        })
        for (const logs of puts) await exporter(batchOf(logs), signal)
        await drain()
        expect(stops).toEqual([])
        expect(lines('warn')).toEqual([])
      }
      const bodies = ['{}', event('1'), 'no id', 'not a folder', 'not a folder either']
      expect(Object.values(objects()).sort()).toEqual(bodies.sort())
      const files = readdirSync(join(directory, 'archive/proxy'), {
        recursive: true,
        withFileTypes: true
      })
        .filter((file) => file.isFile() && !file.parentPath.includes('.auditcol'))
        .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
      expect(files.sort()).toEqual(bodies.sort())
    }
  )

  test("a folder's own object, as consoles put it, is not in the way of what lies below", async () => {
    const { exporter, drain } = await start({ layout: 'litellm' })
    await exporter(batchOf(put('proxy/audit_logs/', '')), signal)
    await drain()
    expect(objects()).toEqual({ 'proxy/audit_logs/_': '' })
  })

  test('litellm_batches: an event of more than one line stays an object', async () => {
    const { exporter, drain } = await start({ layout: 'litellm_batches' })
    const pretty = JSON.stringify(JSON.parse(event('1')), undefined, 2)
    const key = `${day}/12-00-00_1.json`
    await exporter(
      batchOf(joinLogs([put(key, pretty), put(`${day}/12-00-00_2.json`, event('2'))])),
      signal
    )
    await drain()
    expect(objects()[key]).toBe(pretty)
    expect(Object.keys(objects())).toHaveLength(2)
  })
})
