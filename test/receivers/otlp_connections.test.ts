import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { requestCost } from '../../src/otlp/held_bytes.ts'
import { post } from '../otlp/post.ts'
import { connectRaw, head } from '../otlp/raw.ts'
import { otlpRequest } from '../otlp/request.ts'
import { startGrpc, startHttp, takeAll } from '../otlp/start.ts'

const body = otlpRequest(1)
const ok = /HTTP\/1\.1 200 [\s\S]*?\r\n\r\n/
const chunk = (bytes: Buffer) => `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`

describe('a connection', () => {
  test('serves many requests, also after refusals', async () => {
    const { address, batches } = await startHttp({ max_request_body_size: 1000 }, takeAll)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const ports = new Set<number | undefined>()
    agent.on('free', (socket) => ports.add(socket.localPort))
    const large = Buffer.alloc(200_000)
    const statuses = []
    for (const sent of [body, large, body, Buffer.from('junk'), body]) {
      statuses.push((await post(address, { agent, body: sent })).status)
    }
    statuses.push((await post(address, { agent, path: '/v1/traces', body })).status)
    statuses.push((await post(address, { agent, body })).status)
    expect(statuses).toEqual([200, 413, 200, 400, 200, 404, 200])
    expect(batches).toHaveLength(4)
    expect(ports.size).toBe(1)
  })

  test('serves one request without keep_alives_enabled', async () => {
    const { address } = await startHttp({ keep_alives_enabled: false }, takeAll)
    const raw = await connectRaw(address)
    raw.write(head(body.length) + body.toString('latin1'))
    expect(await raw.until(ok)).toMatch(/connection: close/i)
    await raw.closed
  })

  test('carries a chunked body, and refuses one that grows too large', async () => {
    const { address, batches } = await startHttp({ max_request_body_size: 1000 }, takeAll)
    const raw = await connectRaw(address)
    raw.write(head('chunked'))
    raw.write(chunk(body.subarray(0, 3)))
    raw.write(`${chunk(body.subarray(3))}0\r\n\r\n`)
    await raw.until(ok)
    expect(Buffer.concat(batches[0]!.logs.chunks)).toEqual(body)
    raw.write(head('chunked'))
    raw.write(chunk(Buffer.alloc(1001)))
    await raw.until(/HTTP\/1\.1 413 [\s\S]*?\r\n\r\n/)
    raw.write(`${chunk(Buffer.alloc(5000))}0\r\n\r\n`)
    raw.write(head(body.length))
    raw.write(body)
    await raw.until(ok)
  })

  test('whose headers are long does not keep them alive with its records', async () => {
    const { address, batches } = await startHttp({}, takeAll)
    await post(address, { headers: { 'x-long': 'x'.repeat(12_000) }, body })
    const [bytes] = batches[0]!.logs.chunks
    expect(bytes!.buffer.byteLength).toBeLessThanOrEqual(2 * body.length)
  })

  test('answers pipelined requests in order, whatever the order of settlement', async () => {
    const { address, next } = await startHttp()
    const raw = await connectRaw(address)
    for (const records of [1, 2]) {
      const sent = otlpRequest(records)
      raw.write(head(sent.length))
      raw.write(sent)
    }
    const [first, second] = [await next(), await next()]
    expect([first.logs.records, second.logs.records]).toEqual([1, 2])
    second.settle(new Error('later'))
    first.settle()
    expect(await raw.until(/HTTP\/1\.1 503 [\s\S]*?\r\n\r\n/)).toMatch(ok)
  })

  test('hears "continue" when its body may come, and a refusal before it has sent it', async () => {
    const { address } = await startHttp({ max_request_body_size: 1000 }, takeAll)
    const raw = await connectRaw(address)
    raw.write(head(body.length, 'Expect: 100-continue\r\n'))
    await raw.until(/HTTP\/1\.1 100 Continue\r\n\r\n/)
    raw.write(body)
    await raw.until(ok)
    raw.write(head(1001, 'Expect: 100-continue\r\n'))
    expect(await raw.until(/HTTP\/1\.1 413 [\s\S]*?\r\n\r\n/)).toMatch(/connection: close/i)
    await raw.closed
  })
})

describe('a sender that goes away', () => {
  test.each([
    ['inside its body', head(body.length)],
    ['inside a chunked body', head('chunked') + chunk(body.subarray(0, 3))],
    ['inside broken chunks', `${head('chunked')}zz\r\n`],
    ['behind another request', head(body.length) + body.toString('latin1') + head(body.length)]
  ])('%s takes nothing with it', async (_, sent) => {
    const run = await startHttp(
      { max_request_body_size: body.length },
      { max_in_flight_size: 2 * (body.length + requestCost) }
    )
    for (let i = 0; i < 5; i++) {
      const raw = await connectRaw(run.address)
      raw.write(sent)
      const complete = sent.includes(body.toString('latin1'))
      const batch = complete ? await run.next() : undefined
      raw.socket.destroy()
      await raw.closed
      // By the time of another answer the receiver has noticed.
      await post(run.address, { path: '/' })
      batch?.settle()
    }
    const heard = post(run.address, { body })
    ;(await run.next()).settle()
    expect((await heard).status).toBe(200)
    run.stop()
    await run.ended
  })

  test('before its answer: the batch stays, and stopping waits for it', async () => {
    const run = await startHttp()
    let ended = false
    void run.ended.then(() => {
      ended = true
    })
    const raw = await connectRaw(run.address)
    raw.write(head(body.length))
    raw.write(body)
    const batch = await run.next()
    raw.socket.resetAndDestroy()
    await raw.closed
    run.stop()
    await expect(post(run.address, { body })).rejects.toThrow()
    expect(ended).toBe(false)
    batch.settle()
    await run.ended
  })
})

describe('stopping', () => {
  test('lets an upload finish, and closes its connection with the answer', async () => {
    const run = await startHttp({}, takeAll)
    const raw = await connectRaw(run.address)
    raw.write(head(body.length))
    raw.write(body.subarray(0, 5))
    await flowed(raw.socket)
    const reached = await connectRaw(run.address)
    reached.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await reached.until(/HTTP\/1\.1 404 /)
    run.stop()
    raw.write(body.subarray(5))
    expect(await raw.until(ok)).toMatch(/connection: close/i)
    await run.ended
    expect(run.batches).toHaveLength(1)
  })

  test('refuses what comes after it on a connection still open', async () => {
    const run = await startHttp()
    const raw = await connectRaw(run.address)
    raw.write(head(body.length))
    raw.write(body)
    const batch = await run.next()
    run.stop()
    raw.write(head(body.length))
    raw.write(body)
    await flowed(raw.socket)
    batch.settle()
    await run.ended
    expect(run.batches).toHaveLength(1)
  })

  test('does not wait for connections on which nothing was asked', async () => {
    const run = await startHttp({}, takeAll)
    const silent = await connectRaw(run.address)
    const half = await connectRaw(run.address)
    half.write('POST /v1/logs HT')
    await flowed(half.socket)
    run.stop()
    await run.ended
    await Promise.all([silent.closed, half.closed])
  })
})

describe('time limits end a connection', () => {
  test('read_timeout: a body that does not come', async () => {
    const { address } = await startHttp({ read_timeout: '200ms' })
    const raw = await connectRaw(address)
    raw.write(head(100))
    await raw.until(/HTTP\/1\.1 408 /)
    await raw.closed
  })

  test('read_header_timeout: headers that do not come', async () => {
    const { address } = await startHttp({ read_header_timeout: '200ms' })
    const raw = await connectRaw(address)
    raw.write('POST /v1/logs HTTP/1.1\r\n')
    await raw.until(/HTTP\/1\.1 408 /)
    await raw.closed
  })

  test('write_timeout: an answer that takes too long; what was accepted stays', async () => {
    const { address, next } = await startHttp({ write_timeout: '100ms' })
    const raw = await connectRaw(address)
    raw.write(head(body.length))
    raw.write(body)
    const batch = await next()
    await raw.closed
    batch.settle()
    const heard = post(address, { body })
    ;(await next()).settle()
    expect((await heard).status).toBe(200)
  })

  test('idle_timeout: no next request', async () => {
    const { address } = await startHttp({ idle_timeout: '100ms' }, takeAll)
    const raw = await connectRaw(address)
    raw.write(head(body.length))
    raw.write(body)
    await raw.until(ok)
    await raw.closed
  })
})

describe('transport', () => {
  test.each(['http', 'grpc'])('unix: %s listens on a path and removes it', async (protocol) => {
    const directory = mkdtempSync(join(tmpdir(), 'otlp-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'in')
    const keys = { endpoint: path, transport: 'unix' }
    const run =
      protocol === 'http' ? await startHttp(keys, takeAll) : await startGrpc(keys, takeAll)
    expect(run.address).toBe(`unix:${path}`)
    expect(existsSync(path)).toBe(true)
    if (protocol === 'http') expect(await postTo(path)).toBe(200)
    run.stop()
    await run.ended
    expect(existsSync(path)).toBe(false)
  })

  test.each([
    ['localhost:0', {}, /^127\.0\.0\.1:[1-9]/],
    [':0', {}, /^(\[::\]|0\.0\.0\.0):[1-9]/],
    [':0', { transport: 'tcp4' }, /^0\.0\.0\.0:[1-9]/]
  ])('%s %o listens', async (endpoint, keys, expected) => {
    const { address } = await startHttp({ endpoint, ...keys }, takeAll)
    expect(address).toMatch(expected)
    const port = address.split(':').at(-1)
    expect((await post(`127.0.0.1:${port}`, { body })).status).toBe(200)
  })
})

function postTo(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const options = { socketPath, path: '/v1/logs', method: 'POST', headers, agent: false }
    request(options, (response) => resolve(response.resume().statusCode))
      .once('error', reject)
      .end(body)
  })
}

/** What was written has left the socket's buffer. */
function flowed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.writableLength === 0) setImmediate(resolve)
    else socket.once('drain', resolve)
  })
}
