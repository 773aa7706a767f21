import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { accessKey, credentials, recordsOf, sdkClient, startS3Put } from './start.ts'

const put = (Key: string, Body: string | Readable | Buffer, more = {}) =>
  new PutObjectCommand({ Bucket: 'logs', Key, Body, ...more })

/** Those that the SDK's client has without being given code for more. */
const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'MD5', 'SHA1', 'SHA256'] as const

describe('the AWS SDK', () => {
  test('puts an object: a record with its text, its key, its headers and who sent it', async () => {
    const run = await startS3Put()
    const { ETag } = await sdkClient(run.address).send(
      put('a b/ü+%/x.json', '{"n": 1}', {
        ContentType: 'application/json',
        ContentDisposition: 'inline',
        Metadata: { team: 'core' },
        Tagging: 'a=b'
      })
    )
    expect(ETag).toBe(`"${createHash('md5').update('{"n": 1}').digest('hex')}"`)
    expect(run.batches.map(({ meta }) => meta.identity)).toEqual([{ access_key_id: 'AKIDLITELLM' }])
    const [record] = recordsOf(run)
    expect(record).toMatchObject({
      body: '{"n": 1}',
      eventName: 's3.put',
      resource: {
        attributes: {
          'aws.s3.bucket': 'logs',
          'auditcol.identity.access_key_id': 'AKIDLITELLM'
        }
      },
      attributes: {
        'aws.s3.key': 'a b/ü+%/x.json',
        's3.content_type': 'application/json',
        's3.content_disposition': 'inline',
        's3.metadata.team': 'core',
        's3.tagging': 'a=b',
        'audit.source.id': '127.0.0.1',
        'audit.source.type': 'ipv4'
      }
    })
  })

  test.each(algorithms)(
    'puts an object with the checksum %s, whole and as a stream',
    async (name) => {
      const run = await startS3Put()
      const client = sdkClient(run.address)
      const text = JSON.stringify({ text: 'x'.repeat(100_000) })
      await client.send(put('whole', text, { ChecksumAlgorithm: name }))
      const stream = Readable.from([
        Buffer.from(text.slice(0, 70_000)),
        Buffer.from(text.slice(70_000))
      ])
      const length = { ContentLength: text.length }
      await client.send(put('stream', stream, { ChecksumAlgorithm: name, ...length }))
      expect(recordsOf(run).map(({ body }) => body === text)).toEqual([true, true])
    }
  )

  test('puts with the bucket in the host', async () => {
    const run = await startS3Put({ domain: 's3.internal' })
    const here: LookupFunction = (_name, options, done) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
    const [, port] = run.address.split(':')
    const client = new S3Client({
      endpoint: `http://s3.internal:${port}`,
      requestHandler: { httpAgent: new Agent({ lookup: here }) },
      ...{ region: 'eu-central-1', maxAttempts: 1, credentials }
    })
    onTestFinished(() => client.destroy())
    await client.send(put('a b/ü+%/x.json', '{}'))
    const [record] = recordsOf(run)
    expect(record!.resource.attributes['aws.s3.bucket']).toBe('logs')
    expect(record!.attributes['aws.s3.key']).toBe('a b/ü+%/x.json')
  })

  test('puts a stream of many small pieces', async () => {
    const run = await startS3Put()
    const pieces = Array.from({ length: 300 }, (_, n) =>
      Buffer.from(`{"piece": ${n}}\n`.repeat(10))
    )
    const ContentLength = pieces.reduce((sum, { length }) => sum + length, 0)
    await sdkClient(run.address).send(put('pieces', Readable.from(pieces), { ContentLength }))
    expect(recordsOf(run)).toHaveLength(3000)
  })

  test('puts with a session token, when it is the one configured', async () => {
    const run = await startS3Put({ access_keys: [{ ...accessKey, session_token: 'token' }] })
    await sdkClient(run.address, { sessionToken: 'token' }).send(put('a', '1'))
    const refused = { name: 'InvalidToken' }
    const other = sdkClient(run.address, { sessionToken: 'tokem' }).send(put('b', '1'))
    await expect(other).rejects.toMatchObject(refused)
    await expect(sdkClient(run.address).send(put('c', '1'))).rejects.toMatchObject(refused)
    expect(run.batches).toHaveLength(1)
  })

  test('puts over TLS, as a stream with its checksum behind it', async () => {
    const file = (name: string) => join(import.meta.dirname, '../fixtures/tls', name)
    const run = await startS3Put({
      tls: { cert_file: file('server.pem'), key_file: file('server.key') }
    })
    const client = sdkClient(run.address, {}, { ca: readFileSync(file('ca.pem')) })
    const stream = Readable.from([Buffer.from('{"a": 1}')])
    await client.send(put('stream', stream, { ContentLength: 8 }))
    expect(recordsOf(run).map(({ body }) => body)).toEqual(['{"a": 1}'])
  })

  test('creates once with If-None-Match, also when several try at once', async () => {
    const run = await startS3Put({}, () => {})
    const client = sdkClient(run.address)
    const create = (body: string) => client.send(put('once', body, { IfNoneMatch: '*' }))
    const first = create('1')
    const batch = await run.next()
    const others = Promise.allSettled(['2', '3', '3'].map(create))
    for (let trips = 0; trips < 3; trips++)
      await client.send(new HeadBucketCommand({ Bucket: 'b' }))
    expect(run.batches).toHaveLength(1)
    batch.settle()
    await first
    const refused = { reason: { name: 'PreconditionFailed' } }
    expect(await others).toMatchObject(Array(3).fill(refused))
    expect(run.batches).toHaveLength(1)
  })

  test('makes sure of its bucket', async () => {
    const client = sdkClient((await startS3Put()).address)
    const Bucket = 'logs'
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new HeadBucketCommand({ Bucket }))
    expect(await client.send(new GetBucketLocationCommand({ Bucket }))).not.toHaveProperty(
      'LocationConstraint',
      expect.anything()
    )
    expect((await client.send(new ListBucketsCommand({}))).Buckets).toEqual([])
    const list = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'a<b' }))
    expect(list).toMatchObject({ KeyCount: 0, Name: 'logs', Prefix: 'a<b', IsTruncated: false })
  })

  test('reads the head of what it put, and hears that nothing is given back', async () => {
    const client = sdkClient((await startS3Put()).address)
    const object = { Bucket: 'logs', Key: 'a' }
    const missing = client.send(new HeadObjectCommand(object))
    await expect(missing).rejects.toMatchObject({ name: 'NotFound' })
    const { ETag } = await client.send(put('a', 'text'))
    const head = await client.send(new HeadObjectCommand(object))
    expect(head).toMatchObject({ ETag, ContentLength: 4, LastModified: expect.any(Date) })
    const notDone = { name: 'NotImplemented' }
    await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject(notDone)
    await expect(client.send(new DeleteObjectCommand(object))).rejects.toMatchObject(notDone)
    await expect(client.send(new CreateMultipartUploadCommand(object))).rejects.toMatchObject(
      notDone
    )
    const never = client.send(new GetObjectCommand({ Bucket: 'logs', Key: 'never' }))
    await expect(never).rejects.toMatchObject({ name: 'NoSuchKey' })
  })
})
