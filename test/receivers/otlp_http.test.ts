import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { PermanentError, RefusedError } from '../../src/component.ts'
import { json, type Post, post, statusOf } from '../otlp/post.ts'
import { otlpJson, otlpRequest, randomText } from '../otlp/request.ts'
import { startHttp, takeAll } from '../otlp/start.ts'

const bodies = {
  protobuf: { body: otlpRequest(2) },
  json: { body: otlpJson(2), headers: json }
} satisfies Record<string, Post>
const encodings = ['protobuf', 'json'] as const

describe.each(encodings)('%s answers', (encoding) => {
  const type = encoding === 'json' ? 'application/json' : 'application/x-protobuf'
  const sent = bodies[encoding]

  test('200 with an empty response message', async () => {
    const { address, batches } = await startHttp({}, takeAll)
    const { status, headers, body } = await post(address, sent)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe(type)
    expect(body.toString()).toBe(encoding === 'json' ? '{"partialSuccess":{}}' : '')
    expect(batches.map(({ logs }) => logs.records)).toEqual([2])
  })

  test('200 without a batch when there is no record', async () => {
    const { address, batches } = await startHttp({}, takeAll)
    const body = encoding === 'json' ? '{"resourceLogs":[]}' : otlpRequest(0)
    expect((await post(address, { ...sent, body })).status).toBe(200)
    expect(batches).toEqual([])
  })

  test('400 to what is not OTLP, with the reason', async () => {
    const { address, batches } = await startHttp({}, takeAll)
    const answer = await post(address, { ...sent, body: sent.body.slice(0, -3) })
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toBe(type)
    expect(statusOf(answer)).toEqual({ code: 3, message: expect.stringMatching(/\w{4}/) })
    expect(batches).toEqual([])
  })

  test('413 to a body larger than the limit', async () => {
    const { address, batches } = await startHttp({ max_request_body_size: 1000 }, takeAll)
    const answer = await post(address, { ...sent, body: 'x'.repeat(1001) })
    expect(answer.status).toBe(413)
    expect(statusOf(answer)).toEqual({
      code: 8,
      message: 'request body too large: the limit is 1000 bytes, also after decompression'
    })
    expect(batches).toEqual([])
  })

  test('415 to a Content-Encoding it does not read, and says which it does', async () => {
    const { address } = await startHttp({}, takeAll)
    const headers = { ...('headers' in sent ? sent.headers : {}), 'content-encoding': 'snappy' }
    const answer = await post(address, { ...sent, headers })
    expect(answer.status).toBe(415)
    expect(answer.headers['accept-encoding']).toBe('identity, gzip, zstd, zlib, deflate')
    expect(statusOf(answer).message).toMatch(/^unsupported Content-Encoding: snappy, supported: /)
  })

  test.each([
    ['traces', '/v1/traces', /traces are not supported, logs go to \/v1\/logs$/],
    ['metrics', '/v1/metrics', /metrics are not supported, logs go to \/v1\/logs$/],
    ['another path', '/', /nothing at \/, logs go to \/v1\/logs$/]
  ])('404 to %s, and says where logs go', async (_, path, message) => {
    const { address } = await startHttp({}, takeAll)
    const answer = await post(address, { ...sent, path })
    expect(answer.status).toBe(404)
    expect(statusOf(answer)).toEqual({ code: 12, message: expect.stringMatching(message) })
  })

  test.each([
    ['a limit of ours', new RefusedError('full', { reason: 'exhausted' }), 429, 8, '1'],
    [
      'a journal without room',
      new RefusedError('disk', { reason: 'unavailable', retryAfter: 300 }),
      503,
      14,
      '300'
    ],
    ['any other error', new Error('odd'), 503, 14, '1']
  ])('%s: when to come back, in header and Status', async (_, error, http, code, seconds) => {
    const { address } = await startHttp({}, { each: (batch) => batch.settle(error) })
    const answer = await post(address, sent)
    expect(answer.status).toBe(http)
    expect(answer.headers['retry-after']).toBe(seconds)
    const retryDelay = `${seconds}s`
    expect(statusOf(answer)).toEqual({ code, message: error.message, retryDelay })
  })

  test('500 to what will fail again', async () => {
    const settle = { each: (batch: { settle(error: Error): void }) => batch.settle(permanent) }
    const { address } = await startHttp({}, settle)
    const answer = await post(address, sent)
    expect(answer.status).toBe(500)
    expect(answer.headers['retry-after']).toBeUndefined()
    expect(statusOf(answer)).toEqual({ code: 13, message: 'never' })
  })
})

const permanent = new PermanentError('never')

describe('requests that are not OTLP', () => {
  test('405 names the method that is taken', async () => {
    const { address } = await startHttp({}, takeAll)
    const { status, headers, body } = await post(address, { method: 'GET' })
    expect([status, headers.allow, headers['content-type']]).toEqual([405, 'POST', 'text/plain'])
    expect(body.toString()).toBe('405 method not allowed, supported: [POST]')
  })

  test('415 names the types that are taken', async () => {
    const { address } = await startHttp({}, takeAll)
    const answer = await post(address, { headers: { 'content-type': 'text/html' }, body: 'x' })
    expect([answer.status, answer.headers['content-type']]).toEqual([415, 'text/plain'])
    expect(answer.body.toString()).toBe(
      '415 unsupported media type, supported: [application/json, application/x-protobuf]'
    )
  })

  test('404 in text', async () => {
    const { address } = await startHttp({}, takeAll)
    const answer = await post(address, { path: '/', headers: { 'content-type': 'text/html' } })
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/plain'])
  })

  test('a parameter, case or query changes nothing', async () => {
    const { address } = await startHttp({}, takeAll)
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' }
    const answer = await post(address, { path: '/v1/logs?x=1', headers, body: otlpJson(1) })
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
  })

  test('nor does the whole URL, as a proxy may ask for it, or "Identity"', async () => {
    const { address } = await startHttp({}, takeAll)
    const path = `http://${address}/v1/logs?x=1`
    const headers = { 'content-encoding': 'Identity' }
    expect((await post(address, { path, headers, body: small })).status).toBe(200)
    expect((await post(address, { path: 'http://v1/logs', body: small })).status).toBe(404)
  })
})

const compress = {
  gzip: zlib.gzipSync,
  zstd: zlib.zstdCompressSync,
  deflate: zlib.deflateSync,
  zlib: zlib.deflateSync
}
/** Large enough, once compressed, to go the way past this thread. */
const noise = otlpRequest(1, randomText(60_000))
const small = otlpRequest(1)

describe.each(Object.entries(compress))('a %s body', (name, pack) => {
  const headers = { 'content-encoding': name }

  test.each([
    ['small', small],
    ['large', noise]
  ])('%s arrives as it was', async (_, body) => {
    const { address, batches } = await startHttp({}, takeAll)
    expect((await post(address, { headers, body: pack(body) })).status).toBe(200)
    expect(Buffer.concat(batches[0]!.logs.chunks)).toEqual(body)
  })

  test.each([
    ['small', small],
    ['large', noise]
  ])('%s and cut off is refused, also where the rest would be OTLP', async (_, body) => {
    const { address, batches } = await startHttp({}, takeAll)
    for (const cut of [1, 5]) {
      const packed = pack(body)
      const answer = await post(address, { headers, body: packed.subarray(0, -cut) })
      expect(answer.status).toBe(400)
      expect(statusOf(answer).message).toBe(`decompressing ${name}: unexpected end of file`)
    }
    expect(batches).toEqual([])
  })

  test.each([
    ['small', small],
    ['large', noise]
  ])('%s with junk behind it is refused', async (_, body) => {
    const { address } = await startHttp({}, takeAll)
    const answer = await post(address, { headers, body: Buffer.concat([pack(body), small]) })
    expect(answer.status).toBe(400)
  })

  test.each([
    ['a small bomb', 3_000_000],
    ['a large bomb', 80_000_000]
  ])('%s stops at the limit', async (_, size) => {
    const { address } = await startHttp({ max_request_body_size: 1_000_000 }, takeAll)
    const body = pack(Buffer.alloc(size))
    expect(body.length).toBeLessThan(1_000_000)
    const answer = await post(address, { headers, body })
    expect(answer.status).toBe(413)
    expect((await post(address, { headers, body: pack(small) })).status).toBe(200)
  })

  test('is refused where compression_algorithms leaves it out', async () => {
    const { address } = await startHttp({ compression_algorithms: [''] }, takeAll)
    const answer = await post(address, { headers, body: pack(small) })
    expect(answer.status).toBe(415)
    expect((await post(address, { body: small })).status).toBe(200)
  })
})

test('several gzip members are one body', async () => {
  const { address, batches } = await startHttp({}, takeAll)
  const body = Buffer.concat([zlib.gzipSync(small), zlib.gzipSync(small)])
  expect((await post(address, { headers: { 'content-encoding': 'gzip' }, body })).status).toBe(200)
  expect(batches[0]!.logs.records).toBe(2)
})

test.each([
  ['small', small],
  ['large', noise]
])('a gzip member behind a zero byte is refused, not passed over (%s)', async (_, body) => {
  const { address, batches } = await startHttp({}, takeAll)
  const member = zlib.gzipSync(body)
  const packed = Buffer.concat([member, Buffer.of(0), member])
  const answer = await post(address, { headers: { 'content-encoding': 'gzip' }, body: packed })
  expect(answer.status).toBe(400)
  expect(statusOf(answer).message).toMatch(/^decompressing gzip: trailing junk/)
  expect(batches).toEqual([])
})

test('an uncompressed body is refused where compression_algorithms leaves it out', async () => {
  const { address } = await startHttp({ compression_algorithms: ['gzip'] }, takeAll)
  expect((await post(address, { body: small })).status).toBe(415)
})

test('paths, headers of the answer and metadata are as configured', async () => {
  const { address, batches } = await startHttp(
    { logs_url_path: 'otlp/logs', response_headers: { 'X-Team': 'audit' }, include_metadata: true },
    takeAll
  )
  expect((await post(address, { body: small })).status).toBe(404)
  const answer = await post(address, {
    path: '/otlp/logs',
    headers: { 'X-Tenant': ['a', 'b'] },
    body: small
  })
  expect([answer.status, answer.headers['x-team']]).toEqual([200, 'audit'])
  expect(batches[0]!.meta.client).toMatchObject({ 'x-tenant': ['a', 'b'] })
})

test('without include_metadata no header is kept', async () => {
  const { address, batches } = await startHttp({}, takeAll)
  await post(address, { headers: { authorization: 'Bearer secret' }, body: small })
  expect(batches[0]!.meta).toEqual({
    receiver: 'under_test',
    arrived: expect.any(Number),
    address: '127.0.0.1'
  })
})
