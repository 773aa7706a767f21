import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'

import zlib from 'node:zlib'
import { type ClientOptions, status } from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PermanentError, RefusedError } from '../../src/component.ts'
import { exportLogs, grpcClient } from '../otlp/grpc_client.ts'
import { decodeStatus } from '../otlp/post.ts'
import { connectRaw } from '../otlp/raw.ts'
import { otlpRequest, randomText } from '../otlp/request.ts'
import { startGrpc, takeAll } from '../otlp/start.ts'

const small = otlpRequest(1)
const mib = 1024 * 1024

describe('a gRPC client', () => {
  test('has its records taken', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const client = connectGrpc(address)
    expect(await client.send(otlpRequest(3))).toEqual({ code: status.OK, message: '' })
    expect(batches.map(({ logs }) => logs.records)).toEqual([3])
  })

  test('has messages of every size arrive as they were', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const client = connectGrpc(address)
    const bodies = [1, 16_000, 70_000, 4 * mib - 100].map((n) => otlpRequest(1, randomText(n)))
    for (const { code } of await Promise.all(bodies.map((body) => client.send(body)))) {
      expect(code).toBe(status.OK)
    }
    const come = batches.map(({ logs }) => Buffer.concat(logs.chunks))
    expect(come.sort((a, b) => a.length - b.length)).toEqual(bodies)
  })

  test('is answered without a batch when it sends no record', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const client = connectGrpc(address)
    expect((await client.send(otlpRequest(0))).code).toBe(status.OK)
    expect((await client.send(Buffer.alloc(0))).code).toBe(status.OK)
    expect(batches).toEqual([])
  })

  test.each([
    ['gzip', 2],
    ['deflate', 1]
  ])('may compress with %s, small and large', async (_, algorithm) => {
    const { address, batches } = await startGrpc({}, takeAll)
    const client = connectGrpc(address, { 'grpc.default_compression_algorithm': algorithm })
    for (const body of [small, otlpRequest(1, randomText(60_000))]) {
      expect((await client.send(body)).code).toBe(status.OK)
      expect(Buffer.concat(batches.at(-1)!.logs.chunks)).toEqual(body)
    }
  })

  test('hears INVALID_ARGUMENT for what is not OTLP', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const { code, retryAfter } = await connectGrpc(address).send(small.subarray(0, -2))
    expect([code, retryAfter]).toEqual([status.INVALID_ARGUMENT, undefined])
    expect(batches).toEqual([])
  })

  test.each([
    ['as sent', {}, otlpRequest(1, 'x'.repeat(mib))],
    ['after decompression', { 'grpc.default_compression_algorithm': 2 }, Buffer.alloc(50 * mib)]
  ])(
    'hears RESOURCE_EXHAUSTED without RetryInfo for a message too large %s',
    async (_, options, body) => {
      const { address } = await startGrpc({ max_recv_msg_size_mib: 1 }, takeAll)
      const client = connectGrpc(address, options)
      expect(await client.send(body)).toEqual({
        code: status.RESOURCE_EXHAUSTED,
        message: 'request body too large: the limit is 1048576 bytes, also after decompression'
      })
      expect((await client.send(small)).code).toBe(status.OK)
    }
  )

  test.each([
    ['traces', '/opentelemetry.proto.collector.trace.v1.TraceService/Export', /^trace is not /],
    ['metrics', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export', /^metrics is /],
    ['anything else', '/a.B/C', /^unknown method \/a\.B\/C: auditcol takes logs only/]
  ])('hears UNIMPLEMENTED for %s', async (_, path, expected) => {
    const { address } = await startGrpc({}, takeAll)
    const { code, message } = await connectGrpc(address).send(small, { path })
    expect(code).toBe(status.UNIMPLEMENTED)
    expect(message).toMatch(expected)
  })

  test.each([
    [new RefusedError('full – 100%', { reason: 'exhausted', retryAfter: 2 }), 8, 2],
    [new RefusedError('no room', { reason: 'unavailable', retryAfter: 300 }), 14, 300],
    [new Error('odd\nline'), 14, 1],
    [new PermanentError('never'), 13, undefined]
  ])('hears what became of its batch: %s', async (error, code, retryAfter) => {
    const { address } = await startGrpc({}, { each: (batch) => batch.settle(error) })
    const heard = await connectGrpc(address).send(small)
    expect(heard).toEqual({
      code,
      message: error.message,
      ...(retryAfter === undefined ? {} : { retryAfter })
    })
  })

  test('has its metadata kept when that is asked for', async () => {
    const { address, batches } = await startGrpc({ include_metadata: true }, takeAll)
    await connectGrpc(address).send(small, { headers: { 'x-tenant': 'a' } })
    expect(batches[0]!.meta.client).toMatchObject({ 'x-tenant': ['a'] })
    expect(Object.keys(batches[0]!.meta.client!)).not.toContain(':path')
    expect(batches[0]!.meta.address).toBe('127.0.0.1')
  })

  test('that goes away leaves its batch, and stopping waits for it', async () => {
    const run = await startGrpc()
    let ended = false
    void run.ended.then(() => {
      ended = true
    })
    const session = connectHttp2(run.address)
    const stream = session.request(callHeaders)
    stream.on('error', () => {})
    stream.end(framed(small))
    const batch = await run.next()
    session.destroy()
    run.stop()
    await new Promise(setImmediate)
    expect(ended).toBe(false)
    batch.settle()
    await run.ended
  })
})

describe('bytes that are no call', () => {
  test.each<[string, Buffer, RegExp]>([
    ['a message cut off', framed(small).subarray(0, -1), /cut off/],
    ['no message', Buffer.alloc(0), /cut off/],
    ['two messages', Buffer.concat([framed(small), framed(small)]), /bytes behind/],
    ['an unknown flag', framed(small, 7), /bad flag 7/],
    ['compressed without saying how', framed(small, 1), /without grpc-encoding/]
  ])('%s: INVALID_ARGUMENT', async (_, bytes, message) => {
    const { address, batches } = await startGrpc({}, takeAll)
    const heard = await call(connectHttp2(address), bytes)
    expect(heard.code).toBe(status.INVALID_ARGUMENT)
    expect(heard.message).toMatch(message)
    expect(batches).toEqual([])
  })

  test('an encoding nobody reads: UNIMPLEMENTED, with those that are read', async () => {
    const { address } = await startGrpc({}, takeAll)
    const heard = await call(connectHttp2(address), framed(small, 1), { 'grpc-encoding': 'snappy' })
    expect(heard.code).toBe(status.UNIMPLEMENTED)
    expect(heard.accept).toBe('identity,gzip,zstd,deflate')
  })

  test('zstd is read', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const packed = framed(zlib.zstdCompressSync(small), 1)
    const heard = await call(connectHttp2(address), packed, { 'grpc-encoding': 'zstd' })
    expect([heard.code, batches[0]?.logs.records]).toEqual([status.OK, 1])
  })

  test('a message byte by byte is taken', async () => {
    const { address, batches } = await startGrpc({}, takeAll)
    const stream = connectHttp2(address).request(callHeaders)
    for (const byte of framed(small)) stream.write(Buffer.of(byte))
    stream.end()
    const [trailers] = await once(stream.resume(), 'trailers')
    expect(trailers['grpc-status']).toBe('0')
    expect(Buffer.concat(batches[0]!.logs.chunks)).toEqual(small)
  })

  test('what is not gRPC: HTTP 415', async () => {
    const { address } = await startGrpc({}, takeAll)
    const stream = connectHttp2(address).request({ ...callHeaders, 'content-type': 'text/html' })
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(415)
  })

  test('HTTP/1.1 and noise end that connection and no other', async () => {
    const { address } = await startGrpc({}, takeAll)
    await expect(fetch(`http://${address}/`)).rejects.toThrow()
    expect((await connectGrpc(address).send(small)).code).toBe(status.OK)
  })
})

describe('keepalive', () => {
  test('a client that pings too often is told so and disconnected', async () => {
    const { address } = await startGrpc({}, takeAll)
    const session = connectHttp2(address)
    await once(session, 'connect')
    const left = once(session, 'goaway')
    for (let i = 0; i < 4; i++) session.ping(() => {})
    const [code, , reason] = await left
    expect([code, reason.toString()]).toEqual([11, 'too_many_pings'])
  })

  test('a client may ping as often as the enforcement_policy lets it', async () => {
    const policy = { min_time: '1ns', permit_without_stream: true }
    const { address } = await startGrpc({ keepalive: { enforcement_policy: policy } }, takeAll)
    const session = connectHttp2(address)
    await once(session, 'connect')
    for (let i = 0; i < 6; i++) {
      await new Promise<void>((resolve, reject) =>
        session.ping((error) => (error ? reject(error) : resolve()))
      )
    }
    expect((await call(session, framed(small))).code).toBe(status.OK)
  })

  test.each(['max_connection_idle', 'max_connection_age'])('%s ends a connection', async (key) => {
    const parameters = { [key]: '100ms' }
    const { address } = await startGrpc({ keepalive: { server_parameters: parameters } }, takeAll)
    const session = connectHttp2(address)
    expect((await call(session, framed(small))).code).toBe(status.OK)
    await once(session, 'close')
  })

  test('max_connection_age lets an open call finish, max_connection_age_grace does not', async () => {
    const age = { max_connection_age: '50ms' }
    const patient = await startGrpc({ keepalive: { server_parameters: age } })
    const session = connectHttp2(patient.address)
    const heard = call(session, framed(small))
    const batch = await patient.next()
    await once(session, 'goaway')
    batch.settle()
    expect((await heard).code).toBe(status.OK)
    const graced = { ...age, max_connection_age_grace: '50ms' }
    const strict = await startGrpc({ keepalive: { server_parameters: graced } })
    const cut = connectHttp2(strict.address)
    const stream = cut.request(callHeaders)
    stream.on('error', () => {})
    stream.end(framed(small))
    await strict.next()
    await once(cut, 'close')
  })

  test('a connection that does not answer a ping is closed', async () => {
    const parameters = { time: '50ms', timeout: '50ms' }
    const { address } = await startGrpc({ keepalive: { server_parameters: parameters } }, takeAll)
    const answering = connectHttp2(address)
    const deaf = await connectRaw(address)
    deaf.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    deaf.write(Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0))
    await deaf.closed
    expect((await call(answering, framed(small))).code).toBe(status.OK)
  })
})

test('max_concurrent_streams is what the client is told', async () => {
  const { address } = await startGrpc({ max_concurrent_streams: 7 }, takeAll)
  const session = connectHttp2(address)
  const [settings] = await once(session, 'remoteSettings')
  expect(settings.maxConcurrentStreams).toBe(7)
})

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

function connectHttp2(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`)
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

function framed(message: Buffer, flag = 0): Buffer {
  const head = Buffer.of(flag, 0, 0, 0, 0)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** One call by hand. An error comes in the first block of headers, success behind the message. */
async function call(session: ClientHttp2Session, bytes: Buffer, headers = {}) {
  const stream = session.request({ ...callHeaders, ...headers })
  stream.end(bytes)
  const trailers = once(stream, 'trailers').catch(() => [{}])
  const [first] = await once(stream, 'response')
  stream.resume()
  const last = 'grpc-status' in first ? first : (await trailers)[0]
  const details = last['grpc-status-details-bin']
  const said = details ? decodeStatus(Buffer.from(details, 'base64')) : { message: '' }
  return {
    code: Number(last['grpc-status']),
    message: said.message,
    accept: first['grpc-accept-encoding']
  }
}
