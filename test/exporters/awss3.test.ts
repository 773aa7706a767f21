import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import awss3, { config } from '../../exporters/awss3.ts'
import { openDirectoryStore } from '../../src/archive/directory_store.ts'
import { PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { sent } from '../batches.ts'
import { testExporter } from '../contract/exporter.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { hugeResource } from '../huge_resource.ts'
import { watchedLane } from '../watched_lane.ts'

process.env.AWS_ACCESS_KEY_ID = 'akey'
process.env.AWS_SECRET_ACCESS_KEY = 'skey12345'

const signal = new AbortController().signal

/** Records whose bodies are given, each list under the resource with these attributes. */
function logsOf(...resources: [attributes: Record<string, string>, bodies: string[]][]): Logs {
  const scope = { name: 'litellm' }
  const records = resources.flatMap(([attributes, bodies]) => {
    const resource = resourceFromAttributes(attributes)
    return bodies.map(
      (body, at): ReadableLogRecord => ({
        resource,
        instrumentationScope: scope,
        hrTime: [1_700_000_000, at],
        hrTimeObserved: [1_700_000_000, at],
        body,
        attributes: { action: 'key.update' },
        droppedAttributesCount: 0
      })
    )
  })
  return encodeLogs(records)
}

const bodies = (logs: Logs) => decodeLogs(logs).map(({ body }) => body)

let directory: string
let s3: FakeS3
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'awss3-'))
  s3 = await startFakeS3()
})
afterEach(async () => {
  await s3.stop()
  await rm(directory, { recursive: true })
})

type Given = { s3uploader?: Record<string, unknown>; [key: string]: unknown }

/** The exporter from options as pipeline.yaml would give them, and its lane. */
async function start({ s3uploader, ...more }: Given) {
  const lane = watchedLane()
  const options = config.parse({
    ...more,
    s3uploader: { s3_partition_format: '', retry_mode: 'nop', ...s3uploader }
  })
  return { ...lane, exporter: await awss3(options, lane.context) }
}

const inBucket = (more: Given = {}) =>
  start({
    ...more,
    s3uploader: {
      s3_bucket: 'logs',
      endpoint: s3.endpoint,
      s3_force_path_style: true,
      ...more.s3uploader
    }
  })

const isData = (key: string) => !key.startsWith('.auditcol/') && !key.includes('/.auditcol/')

/** The objects of a directory archive, by key. */
async function archived(): Promise<Record<string, Buffer>> {
  const store = await openDirectoryStore({ directory, writer: 'reader' })
  const found: Record<string, Buffer> = {}
  for await (const key of store.list('')) {
    if (isData(key)) found[key] = Buffer.from((await store.read(key))!)
  }
  return found
}

testExporter('awss3 in a bucket', async () => {
  const s3 = await startFakeS3()
  const { exporter } = await start({
    s3uploader: { s3_bucket: 'logs', endpoint: s3.endpoint, s3_force_path_style: true },
    resource_attrs_to_s3: { s3_bucket: 'bucket', allowed_buckets: ['logs-*'] }
  })
  let before = 0
  const fault = (kind: 'slow down' | 'hang') => () => s3.fail(...Array(20).fill(kind))
  return {
    exporter,
    logs: logsOf([{ service: 'proxy' }, ['one', 'two']]),
    impossible: logsOf([{ bucket: 'stolen' }, ['one']]),
    async arrived() {
      const more = s3.keys().length > before
      before = s3.keys().length
      return more
    },
    breakDown: fault('slow down'),
    hang: fault('hang'),
    heal: s3.heal,
    repeats: true,
    stop: s3.stop
  }
})

testExporter('awss3 in a directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'awss3-'))
  const { exporter } = await start({ s3uploader: { s3_bucket: `file:${directory}` } })
  const store = await openDirectoryStore({ directory, writer: 'reader' })
  let before = 0
  return {
    exporter,
    logs: logsOf([{ service: 'proxy' }, ['one', 'two']]),
    async arrived() {
      let keys = 0
      for await (const key of store.list('')) if (isData(key)) keys++
      const more = keys > before
      before = keys
      return more
    },
    heal() {},
    stop: () => rm(directory, { recursive: true })
  }
})

describe('an object opens to the records that were sent', () => {
  const logs = logsOf([{ service: 'proxy' }, ['plain', 'ümläut "quoted"\n2']])
  const open: Record<string, (bytes: Buffer) => Buffer> = {
    '': (bytes) => bytes,
    gzip: (bytes) => gunzipSync(bytes),
    zstd: (bytes) => zstdDecompressSync(bytes)
  }
  const suffix: Record<string, string> = { '': '', gzip: '.gz', zstd: '.zst' }

  test.for(
    ['otlp_json', 'otlp_proto', 'body', 'json_lines'].flatMap((marshaler) =>
      ['', 'gzip', 'zstd'].map((compression): [string, string] => [marshaler, compression])
    )
  )('%s, compression "%s"', async ([marshaler, compression]) => {
    const s3uploader = { s3_bucket: `file:${directory}`, compression }
    const { exporter, places } = await start({ marshaler, s3uploader })
    expect(places).toEqual([`file:${directory}`])
    await exporter(sent(logs), signal)
    const [[key, stored] = ['', Buffer.alloc(0)]] = Object.entries(await archived())
    const bytes = open[compression]!(stored)
    const extension = { otlp_json: 'json', otlp_proto: 'binpb', body: 'txt', json_lines: 'jsonl' }
    expect(key).toBe(
      `logs_00112233aabbccdd-000000000001.${extension[marshaler as 'body']}${suffix[compression]}`
    )
    if (marshaler === 'otlp_proto') expect(bodies(checkLogs(bytes))).toEqual(bodies(logs))
    if (marshaler === 'body') expect(bytes.toString()).toBe('plain\nümläut "quoted"\n2\n')
    if (marshaler === 'otlp_json') {
      const { resourceLogs } = JSON.parse(bytes.toString())
      const records = resourceLogs[0].scopeLogs[0].logRecords
      expect(records.map((record: { body: unknown }) => record.body)).toEqual([
        { stringValue: 'plain' },
        { stringValue: 'ümläut "quoted"\n2' }
      ])
    }
    if (marshaler === 'json_lines') {
      const lines = bytes.toString().trimEnd().split('\n')
      expect(lines.map((line) => JSON.parse(line).body)).toEqual(['plain', 'ümläut "quoted"\n2'])
    }
  })

  test('large batches at the same time do not mix', async () => {
    const many = (name: string) =>
      logsOf([
        { service: name },
        Array.from({ length: 4000 }, (_, at) => `${name} ${at} `.repeat(9))
      ])
    const s3uploader = { s3_bucket: `file:${directory}`, compression: 'zstd' }
    for (const marshaler of ['otlp_json', 'json_lines', 'body']) {
      const { exporter } = await start({
        marshaler,
        s3uploader: { ...s3uploader, s3_prefix: marshaler }
      })
      const names = ['a', 'b', 'c', 'd']
      await Promise.all(names.map((name) => exporter(sent(many(name)), signal)))
    }
    for (const bytes of Object.values(await archived())) {
      const text = zstdDecompressSync(bytes).toString()
      const found = [...text.matchAll(/([abcd]) (\d+) /g)]
      expect(new Set(found.map(([, name]) => name)).size).toBe(1)
      expect(new Set(found.map(([, , at]) => at)).size).toBe(4000)
    }
  })
})

test('content type and encoding say what the object is', async () => {
  const { exporter } = await inBucket({
    marshaler: 'json_lines',
    s3uploader: { compression: 'zstd' }
  })
  await exporter(sent(logsOf([{}, ['one']])), signal)
  expect(s3.requests.find(({ method }) => method === 'PUT')?.headers).toMatchObject({
    'content-type': 'application/x-ndjson',
    'content-encoding': 'zstd'
  })
})

test('each resource goes to its own bucket and below its own prefix', async () => {
  s3.buckets.set('team-a', new Map())
  const { exporter, numbers, counts } = await inBucket({
    marshaler: 'body',
    s3uploader: { s3_base_prefix: 'audit', s3_prefix: 'rest' },
    resource_attrs_to_s3: { s3_bucket: 'bucket', s3_prefix: 'team' }
  })
  const logs = logsOf(
    [{ bucket: 'team-a', team: 'one' }, ['a1']],
    [{ team: 'two' }, ['2']],
    [{ bucket: 'team-a', team: '../../escape' }, ['a2']],
    [{ bucket: '', team: '' }, ['0']],
    [{ bucket: 'team-a', team: 'one', other: 'x' }, ['a3']]
  )
  await exporter(sent(logs), signal)
  const stored = (bucket: string) =>
    Object.fromEntries(
      s3
        .keys(bucket)
        .filter(isData)
        .map((key) => [key, s3.object(key, bucket)?.toString()])
    )
  const id = '00112233aabbccdd-00000000000'
  expect(stored('team-a')).toEqual({
    [`audit/one/logs_${id}1.txt`]: 'a1\na3\n',
    [`audit/escape/logs_${id}2.txt`]: 'a2\n'
  })
  expect(stored('logs')).toEqual({
    [`audit/two/logs_${id}1.txt`]: '2\n',
    [`audit/rest/logs_${id}2.txt`]: '0\n'
  })
  expect(numbers()).toEqual({ 's3://team-a': 2, 's3://logs': 2 })
  expect(counts.objects).toBe(4)
})

test('a bucket that may not or cannot be chosen refuses its records alone, by name', async () => {
  const { exporter, numbers } = await inBucket({
    resource_attrs_to_s3: { s3_bucket: 'bucket', allowed_buckets: ['team-*', 'audit'] }
  })
  const logs = logsOf(
    [{ bucket: 'logs' }, ['fine']],
    [{ bucket: 'elsewhere' }, ['bad', 'bad']],
    [{}, ['fine']],
    [{ bucket: '../up' }, ['bad']]
  )
  const error = await exporter(sent(logs), signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect(error).toMatchObject({ records: [1, 2, 4], rest: 'again' })
  expect((error as Error).message).toBe(
    'choosing the bucket: resource attribute bucket = "elsewhere" ' +
      '(not among resource_attrs_to_s3::allowed_buckets), = "../up" (not a bucket name)'
  )
  expect([numbers(), s3.keys()]).toEqual([{}, []])
})

test('records under a large resource are refused without a copy of it for each', async () => {
  const { exporter } = await inBucket({ resource_attrs_to_s3: { s3_bucket: 'bucket' } })
  const logs = checkLogs(hugeResource(100_000, 2 ** 20, 'Not a bucket'))
  const error = await exporter(sent(logs), signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect((error as PermanentError).records).toHaveLength(100_000)
})

test.for([
  ['team-b', true],
  ['audit', true],
  ['audit-2', false],
  ['logs', true],
  ['Team-b', false],
  ['team-b/../x', false]
])('allowed_buckets [team-*, audit]: %s %j', async ([bucket, passes]) => {
  if (!s3.buckets.has(String(bucket))) s3.buckets.set(String(bucket), new Map())
  const { exporter } = await inBucket({
    resource_attrs_to_s3: { s3_bucket: 'bucket', allowed_buckets: ['team-*', 'audit'] }
  })
  const outcome = exporter(sent(logsOf([{ bucket: String(bucket) }, ['x']])), signal)
  if (passes) await outcome
  else await expect(outcome).rejects.toThrow(PermanentError)
  expect(s3.keys(String(bucket)).filter(isData)).toHaveLength(passes ? 1 : 0)
})

test('a record without a bucket where none is configured is refused by name', async () => {
  const { exporter } = await inBucket({
    s3uploader: { s3_bucket: '' },
    resource_attrs_to_s3: { s3_bucket: 'bucket' }
  })
  const error = await exporter(sent(logsOf([{}, ['x']])), signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect((error as Error).message).toBe(
    'choosing the bucket: resource attribute bucket is absent (and s3uploader::s3_bucket is empty)'
  )
})

test('A7: a bucket from data that does not exist takes no number, and is asked for again', async () => {
  const { exporter, numbers } = await inBucket({ resource_attrs_to_s3: { s3_bucket: 'bucket' } })
  const batch = sent(logsOf([{ bucket: 'not-yet' }, ['x']]))
  await expect(exporter(batch, signal)).rejects.toThrow('bucket "not-yet" does not exist')
  expect(numbers()).toEqual({})
  s3.buckets.set('not-yet', new Map())
  await exporter(batch, signal)
  expect(s3.keys('not-yet').filter(isData)).toHaveLength(1)
})

test('a bucket that is away at start is a warning, and objects go when it is there', async () => {
  s3.buckets.delete('logs')
  const { exporter, lines } = await inBucket()
  const taken = exporter(sent(logsOf([{}, ['x']])), signal)
  await vi.waitFor(() => expect(lines('warn')).toHaveLength(2))
  expect(lines('warn').join('')).toMatch(
    /awss3: reaching s3:\/\/logs: bucket \\"logs\\" does not exist.*what is sealed waits for it/
  )
  s3.buckets.set('logs', new Map())
  await taken
  expect(s3.keys().filter(isData)).toHaveLength(1)
})

test('A1: a directory by another path goes on with the archive that lies in it', async () => {
  const lane = watchedLane()
  const into = async (s3_bucket: string) => {
    const s3uploader = { s3_bucket, s3_partition_format: '' }
    const exporter = await awss3(config.parse({ s3uploader }), lane.context)
    await exporter(sent(logsOf([{}, [s3_bucket]])), signal)
  }
  const link = `${directory}-link`
  await symlink(directory, link)
  for (const path of [directory, `${directory}/../${basename(directory)}`, `//${link}`]) {
    await into(`file:${path}`)
  }
  await rm(link)
  expect(lane.stops).toEqual([])
  expect(lane.numbers()).toEqual({ [`file:${directory}`]: 3 })
})

test('a directory that cannot be opened stops the start with one sentence', async () => {
  await writeFile(join(directory, 'file'), '')
  await expect(start({ s3uploader: { s3_bucket: `file:${directory}/file` } })).rejects.toThrow(
    /^opening the archive file:.*\/file: a file stands where a directory is needed$/
  )
})

test('each stored object is one debug line and four counts', async () => {
  const { exporter, lines, counts } = await inBucket({ marshaler: 'body' })
  await exporter(sent(logsOf([{}, ['one', 'two']])), signal)
  expect(lines('debug')).toEqual([expect.stringContaining(s3.keys()[0]!)])
  expect(counts).toEqual({ records: 2, objects: 1, bytes: 8, commits: 1 })
})
