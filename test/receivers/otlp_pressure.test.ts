import { once } from 'node:events'
import { connect } from 'node:http2'
import zlib from 'node:zlib'
import { type ClientOptions, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { requestCost } from '../../src/otlp/held_bytes.ts'
import { exportLogs, grpcClient } from '../otlp/grpc_client.ts'
import { post, statusOf } from '../otlp/post.ts'
import { connectRaw, head } from '../otlp/raw.ts'
import { otlpRequest, randomText } from '../otlp/request.ts'
import { startGrpc, startHttp, takeAll } from '../otlp/start.ts'

const small = otlpRequest(1)
/** 1,000 bytes and some. */
const body = otlpRequest(1, 'x'.repeat(1000))
const mib = 1024 * 1024

describe('HTTP requests past max_in_flight_size', () => {
  const keys = { max_request_body_size: 2000 }
  /** Room for 4,000 bytes in so many requests. */
  const room = (requests: number) => ({ max_in_flight_size: 4000 + requests * requestCost })
  const message = 'too many requests in flight: they may hold 36768 bytes (max_in_flight_size)'

  test('hear 429 while others wait for their settlement, and are taken after it', async () => {
    const { address, next } = await startHttp(keys, room(4))
    const waiting = [1, 2, 3].map(() => post(address, { body }))
    const batches = [await next(), await next(), await next()]
    const answer = await post(address, { body })
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '1'])
    expect(statusOf(answer)).toEqual({ code: 8, message, retryDelay: '1s' })
    for (const batch of batches) batch.settle()
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200)
    const heard = post(address, { body })
    ;(await next()).settle()
    expect((await heard).status).toBe(200)
  })

  test('hear it while slow uploads have announced their bytes; their connection goes on', async () => {
    const { address } = await startHttp(keys, { ...room(3), ...takeAll })
    const uploads = [await connectRaw(address), await connectRaw(address)]
    for (const upload of uploads) {
      upload.write(head(2000, 'Expect: 100-continue\r\n'))
      await upload.until(/100 Continue\r\n\r\n/)
    }
    const late = await connectRaw(address)
    late.write(head(small.length))
    late.write(small)
    await late.until(/HTTP\/1\.1 429 [\s\S]*?RetryInfo/)
    for (const upload of uploads) upload.socket.destroy()
    await vi.waitUntil(async () => (await post(address, { body: small })).status === 200)
    late.write(head(small.length))
    late.write(small)
    await late.until(/HTTP\/1\.1 200 /)
  })

  test('hear it while many small ones wait, each of which costs more than its bytes', async () => {
    const { address, batches } = await startHttp(keys, { max_in_flight_size: 10 * requestCost })
    const raw = await connectRaw(address)
    for (let i = 0; i < 20; i++) raw.write(Buffer.concat([Buffer.from(head(small.length)), small]))
    expect((await post(address, { body: small })).status).toBe(429)
    expect(batches).toHaveLength(9)
    for (const batch of batches) batch.settle()
    await raw.until(/(HTTP\/1\.1 200 [\s\S]*?){9}(HTTP\/1\.1 429 [\s\S]*?){11}/)
  })

  test('are stopped inside a chunked body, which is not kept', async () => {
    const { address, next } = await startHttp(keys, room(4))
    const waiting = [1, 2, 3].map(() => post(address, { body }))
    const batches = [await next(), await next(), await next()]
    const raw = await connectRaw(address)
    raw.write(`${head('chunked')}3e8\r\n${'x'.repeat(1000)}\r\n`)
    await raw.until(/HTTP\/1\.1 429 [\s\S]*?max_in_flight_size/)
    for (const batch of batches) batch.settle()
    await Promise.all(waiting)
  })

  test.each([
    ['at once', 3000, otlpRequest(1, 'x'.repeat(2500))],
    ['aside', 900_000, otlpRequest(1, randomText(40_000) + 'x'.repeat(800_000))]
  ])('count what they become when decompressed %s', async (_, limit, large) => {
    const keys = { max_request_body_size: limit }
    const { address, next } = await startHttp(keys, {
      max_in_flight_size: 2 * limit + 3 * requestCost
    })
    const fill = otlpRequest(1, 'x'.repeat(0.95 * limit))
    const waiting = [post(address, { body: fill }), post(address, { body: fill })]
    const batches = [await next(), await next()]
    const packed = { headers: { 'content-encoding': 'gzip' }, body: zlib.gzipSync(large) }
    expect(packed.body.length).toBeLessThan(0.1 * limit)
    expect((await post(address, packed)).status).toBe(429)
    for (const batch of batches) batch.settle()
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200)
    const heard = post(address, packed)
    const unpacked = await next()
    expect(Buffer.concat(unpacked.logs.chunks)).toEqual(large)
    unpacked.settle()
    expect((await heard).status).toBe(200)
  })
})

test('compressed bodies take turns in being decompressed, so that each finds room', async () => {
  const { address } = await startHttp(
    { max_request_body_size: mib },
    { ...takeAll, max_in_flight_size: 3 * mib }
  )
  const large = zlib.gzipSync(otlpRequest(1, randomText(40_000) + 'x'.repeat(900_000)))
  const sent = { headers: { 'content-encoding': 'gzip' }, body: large }
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(address, sent)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
})

describe('gRPC calls past max_in_flight_size', () => {
  const keys = { max_recv_msg_size_mib: 1 }
  const limits = { max_in_flight_size: 2 * mib + 3 * requestCost }
  const large = otlpRequest(1, 'x'.repeat(0.9 * mib))

  test('hear RESOURCE_EXHAUSTED with RetryInfo, and are taken when there is room', async () => {
    const { address, next } = await startGrpc(keys, limits)
    const client = connectGrpc(address)
    const waiting = [client.send(large), client.send(large)]
    const batches = [await next(), await next()]
    const { code, message, retryAfter } = await client.send(large)
    expect([code, retryAfter]).toEqual([status.RESOURCE_EXHAUSTED, 1])
    expect(message).toMatch(/^too many requests in flight: they may hold 2121728 bytes/)
    const tiny = client.send(small)
    ;(await next()).settle()
    expect((await tiny).code).toBe(status.OK)
    for (const batch of batches) batch.settle()
    for (const { code } of await Promise.all(waiting)) expect(code).toBe(status.OK)
    const heard = client.send(large)
    ;(await next()).settle()
    expect((await heard).code).toBe(status.OK)
  })

  test('hear it while slow calls have announced their messages', async () => {
    const { address } = await startGrpc(keys, { ...limits, ...takeAll })
    const slow = connect(`http://${address}`)
    onTestFinished(() => slow.destroy())
    const prefix = Buffer.of(0, 0, 0x10, 0, 0)
    for (let i = 0; i < 2; i++) slow.request(callHeaders).write(prefix)
    const client = connectGrpc(address)
    await vi.waitUntil(async () => (await client.send(small)).code === status.RESOURCE_EXHAUSTED)
    slow.destroy()
    await vi.waitUntil(async () => (await client.send(small)).code === status.OK)
  })

  test('have five minutes for a message they announced', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { address, batches } = await startGrpc(keys, { ...limits, ...takeAll })
    const slow = connect(`http://${address}`)
    onTestFinished(() => slow.destroy())
    const uploads = [1, 2].map(() => slow.request(callHeaders))
    for (const upload of uploads) upload.write(Buffer.of(0, 0, 0x10, 0, 0))
    await vi.waitUntil(async () => {
      const [headers] = await once(slow.request(callHeaders).end(message), 'response')
      return headers['grpc-status'] === '8'
    })
    const heard = uploads.map((upload) => once(upload, 'response'))
    vi.advanceTimersByTime(300_000)
    for (const [headers] of await Promise.all(heard)) expect(headers['grpc-status']).toBe('4')
    vi.useRealTimers()
    const before = batches.length
    expect((await connectGrpc(address).send(small)).code).toBe(status.OK)
    expect(batches).toHaveLength(before + 1)
  })

  test('have as long when they announce nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { address } = await startGrpc(keys, { ...limits, ...takeAll })
    const slow = connect(`http://${address}`)
    onTestFinished(() => slow.destroy())
    const silent = Array.from({ length: 300 }, () => slow.request(callHeaders))
    const full = silent.map((call) => once(call, 'response'))
    const [refused] = await Promise.race(full)
    expect(refused['grpc-status']).toBe('8')
    vi.advanceTimersByTime(300_000)
    await Promise.all(full)
    vi.useRealTimers()
    expect((await connectGrpc(address).send(small)).code).toBe(status.OK)
  })

  test('count what they become when decompressed', async () => {
    const { address, next } = await startGrpc(keys, limits)
    const client = connectGrpc(address, { 'grpc.default_compression_algorithm': 2 })
    const plain = connectGrpc(address)
    const waiting = [plain.send(large), plain.send(large)]
    const batches = [await next(), await next()]
    expect((await client.send(large)).code).toBe(status.RESOURCE_EXHAUSTED)
    for (const batch of batches) batch.settle()
    await Promise.all(waiting)
    const heard = client.send(large)
    ;(await next()).settle()
    expect((await heard).code).toBe(status.OK)
  })
})

afterEach(() => void vi.useRealTimers())

const message = Buffer.concat([Buffer.of(0, 0, 0, 0, small.length), small])
const callHeaders = {
  ':method': 'POST',
  ':path': exportLogs,
  'content-type': 'application/grpc',
  te: 'trailers'
}

function connectGrpc(address: string, options?: ClientOptions) {
  const client = grpcClient(address, { 'grpc.use_local_subchannel_pool': 1, ...options })
  onTestFinished(() => client.close())
  return client
}
