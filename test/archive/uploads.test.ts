import { expect, test, vi } from 'vitest'
import { keyLayout } from '../../src/archive/key.ts'
import { marshalers } from '../../src/archive/marshal.ts'
import type { Route } from '../../src/archive/route.ts'
import { s3Stores } from '../../src/archive/s3_store.ts'
import type { Store } from '../../src/archive/store.ts'
import { type UploadOptions, uploadBatches } from '../../src/archive/uploads.ts'
import { type Batch, PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { sent } from '../batches.ts'
import { objectOf } from '../contract/store.ts'
import { type Fault, startFakeS3 } from '../fake_s3.ts'
import { hugeResource } from '../huge_resource.ts'
import { watchedLane } from '../watched_lane.ts'

process.env.AWS_ACCESS_KEY_ID = 'akey'
process.env.AWS_SECRET_ACCESS_KEY = 'skey12345'

const signal = new AbortController().signal
const marshaler = {
  extension: 'binpb',
  contentType: 'application/x-protobuf',
  marshal: ({ chunks }: { chunks: readonly Uint8Array[] }) => chunks
}

/** Nobody looks inside here: the marshaler passes the bytes on. */
function batchOf(text: string): Batch {
  const chunk = Buffer.from(text)
  return sent({ chunks: [chunk], bytes: chunk.length, records: 1 })
}

/** An archive in a small S3 server, and what its lane saw. */
async function archive(more: Partial<UploadOptions> = {}) {
  const s3 = await startFakeS3()
  const stores = s3Stores(
    {
      region: 'us-east-1',
      endpoint: s3.endpoint,
      role_arn: '',
      external_id: '',
      s3_force_path_style: true,
      disable_ssl: false,
      storage_class: 'STANDARD',
      retry_mode: 'nop',
      retry_max_attempts: 1,
      retry_max_backoff: 1
    },
    { timeout: 5000, maxSockets: 10, sessionName: 'test' }
  )
  const opened = new Map<string, Store>()
  const lane = watchedLane()
  const key = keyLayout({
    s3_base_prefix: '',
    s3_prefix: '',
    s3_partition_format: '%H-%M-%S',
    s3_partition_timezone: 'UTC',
    file_prefix: '',
    unique_key_func_name: 'uuidv7',
    extension: 'binpb',
    compression: 'none',
    laneId: lane.context.lane.id
  })
  const upload = uploadBatches(
    {
      marshaler,
      compression: 'none',
      level: undefined,
      key,
      route: ({ logs }) => [{ bucket: 'logs', prefix: undefined, logs }],
      async open(bucket) {
        const store = opened.get(bucket) ?? stores(bucket)
        opened.set(bucket, store)
        return store
      },
      ...more
    },
    lane.context
  )
  return { s3, upload, ...lane }
}

const puts = (s3: Awaited<ReturnType<typeof archive>>['s3']) =>
  s3.requests.filter(({ method }) => method === 'PUT').map(({ key }) => key)

test.for<[Fault]>([
  ['slow down'],
  ['error'],
  ['reset'],
  ['conflict'],
  ['denied'],
  ['no bucket'],
  ['no etag'],
  ['bad digest'],
  ['error stored'],
  ['reset stored']
])(
  'after "%s" a repeat of the batch has the same key and bytes, and one object is there',
  async ([fault]) => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { s3, upload, counts } = await archive()
    try {
      const batch = batchOf('one')
      s3.fail(fault)
      await expect(upload(batch, signal)).rejects.toThrow('storing s3://logs/')
      expect(counts).toEqual({})
      vi.setSystemTime(Date.now() + 3_600_000)
      await upload(batch, signal)
      const keys = puts(s3)
      expect(keys).toHaveLength(2)
      expect(keys[1]).toBe(keys[0])
      expect(s3.keys()).toEqual([keys[0]])
      expect(s3.object(keys[0]!)).toEqual(Buffer.from(batch.logs.chunks[0]!))
      expect(counts).toEqual({ objects: 1, bytes: batch.logs.bytes })
    } finally {
      vi.useRealTimers()
      await s3.stop()
    }
  }
)

test('two batches, and a batch again after its success, have numbers of their own', async () => {
  const { s3, upload } = await archive()
  const batch = batchOf('one')
  await upload(batch, signal)
  await upload(batchOf('two'), signal)
  await upload(batch, signal)
  expect(s3.keys().map((key) => key.match(/-(\d{12})\.binpb$/)?.[1])).toEqual([
    '000000000001',
    '000000000002',
    '000000000003'
  ])
  await s3.stop()
})

test('a repeat goes on after the objects that are stored', async () => {
  const split = (batch: Batch): Route[] =>
    ['a', 'b', 'c'].map((prefix) => ({ bucket: 'logs', prefix, logs: batch.logs }))
  const { s3, upload } = await archive({ route: split })
  const batch = batchOf('one')
  s3.fail('wrong etag', 'slow down')
  await expect(upload(batch, signal)).rejects.toThrow('SlowDown')
  await upload(batch, signal)
  const tried = puts(s3).map((key) => key.split('/')[0])
  expect(tried).toEqual(['a', 'b', 'b', 'c'])
  expect(s3.keys()).toHaveLength(3)
  await s3.stop()
})

test('an archive that is away does not hold up the other buckets of the batch', async () => {
  const split = ({ logs }: Batch): Route[] =>
    ['gone', 'logs'].map((bucket) => ({ bucket, prefix: undefined, logs }))
  const { s3, upload } = await archive({ route: split })
  const batch = batchOf('one')
  await expect(upload(batch, signal)).rejects.toThrow('bucket "gone" does not exist')
  expect(s3.keys()).toHaveLength(1)
  s3.buckets.set('gone', new Map())
  await upload(batch, signal)
  expect([s3.keys().length, s3.keys('gone').length]).toEqual([1, 1])
  await s3.stop()
})

test('other bytes under our key are a PermanentError that says who is in the way', async () => {
  const { s3, upload } = await archive()
  const batch = batchOf('one')
  s3.fail('reset')
  await expect(upload(batch, signal)).rejects.toThrow('ECONNRESET')
  const key = puts(s3)[0]!
  const same = Buffer.alloc(batch.logs.bytes)
  const sha256 = objectOf(same).sha256.toString('base64')
  s3.buckets.get('logs')!.set(key, { body: same, sha256 })
  const error = await upload(batch, signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect((error as Error).message).toMatch(
    /another object of \d+ bytes is there\. .* a copy of the/
  )
  s3.buckets.get('logs')!.set(key, { body: Buffer.from('x'), sha256: undefined })
  await expect(upload(batch, signal)).rejects.toThrow('another object of 1 bytes')
  expect(s3.object(key)?.toString()).toBe('x')
  await s3.stop()
})

test('where HEAD tells no SHA-256 the object is read and compared', async () => {
  const { s3, upload } = await archive()
  s3.hideChecksums()
  const batch = batchOf('one')
  s3.fail('reset stored')
  await expect(upload(batch, signal)).rejects.toThrow('ECONNRESET')
  await upload(batch, signal)
  expect(s3.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD', 'GET'])
  await s3.stop()
})

test('without the right to read, a key taken after an unseen attempt is a success with a warning', async () => {
  const { s3, upload, lines } = await archive()
  s3.denyReads()
  const batch = batchOf('one')
  s3.fail('reset stored')
  await expect(upload(batch, signal)).rejects.toThrow('ECONNRESET')
  await upload(batch, signal)
  expect(lines('warn')).toEqual([expect.stringContaining('object stored, not verified')])
  await s3.stop()
})

test('without the right to read, a key taken before any attempt of ours is no success', async () => {
  const { s3, upload } = await archive()
  s3.denyReads()
  const batch = batchOf('one')
  s3.fail('denied')
  await expect(upload(batch, signal)).rejects.toThrow('access denied')
  s3.buckets.get('logs')!.set(puts(s3)[0]!, { body: Buffer.from('x'), sha256: undefined })
  await expect(upload(batch, signal)).rejects.toThrow('reading is denied')
  await s3.stop()
})

test('an empty result is a success without a PUT and without a number', async () => {
  const { s3, upload, numbers } = await archive({
    marshaler: { ...marshaler, marshal: () => [new Uint8Array()] }
  })
  await upload(batchOf('one'), signal)
  expect(s3.requests).toEqual([])
  expect(numbers).toEqual([])
  await s3.stop()
})

test('numbers are taken by the archive: each bucket has its own', async () => {
  const split = ({ logs }: Batch): Route[] =>
    ['logs', 'more', 'logs'].map((bucket) => ({ bucket, prefix: undefined, logs }))
  const { s3, upload, numbers } = await archive({ route: split })
  s3.buckets.set('more', new Map())
  await upload(batchOf('one'), signal)
  // Archives are independent: which of two asks first is nobody's promise.
  expect(numbers.toSorted()).toEqual(['s3://logs 1', 's3://logs 2', 's3://more 1'])
  await s3.stop()
})

test('records that cannot be marshaled are a PermanentError', async () => {
  const broken = () => {
    throw new Error('record 3 is damaged')
  }
  const { s3, upload } = await archive({ marshaler: { ...marshaler, marshal: broken } })
  const error = await upload(batchOf('one'), signal).catch((error: Error) => error)
  expect(error).toBeInstanceOf(PermanentError)
  expect((error as Error).message).toBe('marshaling: record 3 is damaged')
  await s3.stop()
})

test('a batch that is cut has one sealed object in memory, and a repeat goes on with that one', async () => {
  const marshaled: number[] = []
  const marshal = (logs: Logs) => {
    marshaled.push(logs.records)
    return marshalers.json_lines.marshal(logs)
  }
  const { s3, upload, numbers } = await archive({
    marshaler: { ...marshalers.json_lines, marshal },
    compression: 'zstd'
  })
  const batch = sent(checkLogs(hugeResource(500, 100_000)))
  s3.fail('error stored', 'slow down')
  await expect(upload(batch, signal)).rejects.toThrow('InternalError')
  expect(marshaled).toHaveLength(1)
  await expect(upload(batch, signal)).rejects.toThrow('SlowDown')
  await upload(batch, signal)
  expect(marshaled.reduce((sum, records) => sum + records, 0)).toBe(500)
  expect(numbers).toEqual(marshaled.map((_, index) => `s3://logs ${index + 1}`))
  expect(s3.keys()).toHaveLength(numbers.length)
  await s3.stop()
})
