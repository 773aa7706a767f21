import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import otlpGrpc, { config } from '../../exporters/otlp_grpc.ts'
import otlp, { config as otlpConfig } from '../../receivers/otlp.ts'
import { type Exporter, PermanentError, RefusedError } from '../../src/component.ts'
import { joinLogs } from '../../src/logs/logs.ts'
import { statusBytes } from '../../src/otlp/status.ts'
import { laneContext, sent } from '../batches.ts'
import { testExporter } from '../contract/exporter.ts'
import { runReceiver } from '../contract/run_receiver.ts'
import { createFarSide, listening, logs, never, under } from './otlp_backend.ts'

for (const compression of ['gzip', 'zstd', 'none']) {
  testExporter(`otlp_grpc with compression ${compression}`, async () => {
    const far = createFarSide()
    const protocols = { grpc: { endpoint: '127.0.0.1:0' } }
    const run = runReceiver((context) => otlp(otlpConfig.parse({ protocols }), context), far.each)
    const { exporter, stop } = start({ endpoint: await run.endpoint, compression })
    return under(exporter, far, () => {
      stop()
      run.subscription.unsubscribe()
    })
  })
}

describe('a call', () => {
  test('has the very bytes of the logs, chunk after chunk, and says what they are', async () => {
    const { endpoint, calls } = await server()
    const two = joinLogs([logs, logs])
    const keys = { endpoint, compression: 'none', headers: { 'X-Tenant': 'a' } }
    await start(keys).exporter(sent(two), never)
    const [{ headers, message, flag }] = calls as [Seen]
    expect(flag).toBe(0)
    expect(message).toEqual(Buffer.concat(two.chunks))
    expect(headers).toMatchObject({
      ':path': '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      ':authority': endpoint,
      'content-type': 'application/grpc',
      te: 'trailers',
      'x-tenant': 'a'
    })
  })

  test.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync]
  ])('is compressed with %s', async (compression, open) => {
    const { endpoint, calls } = await server()
    await start({ endpoint, compression }).exporter(sent(logs), never)
    expect(calls[0]!.flag).toBe(1)
    expect(calls[0]!.headers['grpc-encoding']).toBe(compression)
    expect(open(calls[0]!.message)).toEqual(Buffer.concat(logs.chunks))
  })

  test('shares its connection with others, and goes over a new one when that has ended', async () => {
    const { endpoint, calls, http2, sessions } = await server()
    const { exporter } = start({ endpoint })
    await Promise.all([exporter(sent(logs), never), exporter(sent(logs), never)])
    expect(sessions()).toBe(1)
    http2.emit('leave')
    await expect.poll(() => exporter(sent(logs), never).then(() => calls.length)).toBe(3)
    expect(sessions()).toBe(2)
  })

  test('that is not answered takes no further calls with it: the next has a connection of its own', async () => {
    const { endpoint, sessions } = await server(() => {})
    const { exporter } = start({ endpoint })
    const late = new AbortController()
    const call = exporter(sent(logs), late.signal)
    await expect.poll(sessions).toBe(1)
    late.abort(new Error('too late'))
    await expect(call).rejects.toThrow('too late')
    const next = exporter(sent(logs), late.signal).catch(() => {})
    const again = new AbortController()
    const third = exporter(sent(logs), again.signal).catch(() => {})
    await expect.poll(sessions).toBe(2)
    again.abort()
    await Promise.all([next, third])
  })
})

describe('an answer', () => {
  test.each([1, 4, 10, 11, 14, 15])('code %i is tried again', async (code) => {
    expect(await failure({ 'grpc-status': String(code), 'grpc-message': 'n%C3%B6' })).toMatchObject(
      {
        name: 'RefusedError',
        message: expect.stringMatching(/^the other side answered [A-Z_]+: nö$/)
      }
    )
  })

  test.each([2, 3, 5, 6, 7, 8, 9, 12, 13, 16])('code %i will be the same again', async (code) => {
    expect(await failure({ 'grpc-status': String(code) })).toBeInstanceOf(PermanentError)
  })

  test('RESOURCE_EXHAUSTED with RetryInfo is tried again after that, as is UNAVAILABLE', async () => {
    for (const code of [8, 14]) {
      const details = statusBytes({ code, http: 0, message: 'busy', retryAfter: 6 })
      const error = await failure({
        'grpc-status': String(code),
        'grpc-status-details-bin': details.toString('base64')
      })
      expect(error).toBeInstanceOf(RefusedError)
      expect((error as RefusedError).retryAfter).toBe(6)
      expect(error.message).toContain('busy')
    }
  })

  test('a rejection of some records is an error with their count', async () => {
    const response = Buffer.from('0a0808021204 6f6f7073'.replace(' ', ''), 'hex')
    expect(await failure({ 'grpc-status': '0' }, response)).toMatchObject({
      name: 'PermanentError',
      message: 'the other side rejected 2 of 3 records: oops',
      unnamed: 2
    })
  })

  test.each([
    [503, RefusedError],
    [404, PermanentError]
  ])('of a proxy with status %i is read as gRPC says', async (status, kind) => {
    const { endpoint } = await server((stream) =>
      stream.respond({ ':status': status }, { endStream: true })
    )
    await expect(start({ endpoint }).exporter(sent(logs), never)).rejects.toBeInstanceOf(kind)
  })

  test.each([
    ['a call that is reset', (stream: ServerHttp2Stream) => stream.close(2)],
    ['a connection that ends', (stream: ServerHttp2Stream) => stream.session?.destroy()]
  ])('%s is tried again', async (_, answer) => {
    const { endpoint } = await server(answer)
    const error = await start({ endpoint })
      .exporter(sent(logs), never)
      .catch((error: Error) => error)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(PermanentError)
  })

  test('nobody there: an error that may pass', async () => {
    const error = await start({ endpoint: '127.0.0.1:1' })
      .exporter(sent(logs), never)
      .catch((error: Error) => error)
    expect(String(error)).toContain('ECONNREFUSED')
    expect(error).not.toBeInstanceOf(PermanentError)
  })
})

test.each([
  [{ endpoint: '' }, 'requires a non-empty "endpoint"'],
  [{ endpoint: 'far' }, 'invalid endpoint "far"'],
  [{ endpoint: 'x:1', compression: 'snappy' }, 'unsupported compression type "snappy"'],
  [{ endpoint: 'x:1', headers: { 'grpc-timeout': '1S' } }, 'names that begin with grpc-'],
  [{ endpoint: 'x:1', balancer_name: 'round_robin' }, 'balancer_name "round_robin" is not'],
  [{ endpoint: 'x:1', keepalive: { time: '1s' } }, 'must be at least 10s']
])('%j is refused: %s', (keys, message) => {
  expect(
    config
      .safeParse(keys)
      .error?.issues.map((issue) => issue.message)
      .join()
  ).toContain(message)
})

interface Seen {
  readonly headers: IncomingHttpHeaders
  readonly flag: number
  readonly message: Buffer
}

type Answer = (stream: ServerHttp2Stream) => void

/** A gRPC server that keeps what it was sent and answers as it is told. */
async function server(answer: Answer = trailers({ 'grpc-status': '0' })) {
  const calls: Seen[] = []
  const open = new Set<{ close(): void; destroy(): void }>()
  let sessions = 0
  const http2 = createServer()
  http2.on('session', (session) => {
    sessions++
    open.add(session)
    http2.on('leave', () => session.close())
  })
  http2.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => {})
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => {
      const body = Buffer.concat(chunks)
      calls.push({ headers, flag: body[0]!, message: body.subarray(5) })
      answer(stream)
    })
  })
  const endpoint = await listening(http2)
  onTestFinished(() => {
    for (const session of open) session.destroy()
    http2.close()
  })
  return { endpoint, calls, http2, sessions: () => sessions }
}

function trailers(ending: Record<string, string>, message: Uint8Array = Buffer.alloc(0)): Answer {
  return (stream) => {
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true }
    )
    stream.once('wantTrailers', () => stream.sendTrailers(ending))
    stream.end(Buffer.concat([prefix, message]))
  }
}

async function failure(ending: Record<string, string>, message?: Uint8Array): Promise<Error> {
  const { endpoint } = await server(trailers(ending, message))
  return start({ endpoint })
    .exporter(sent(logs), never)
    .then(
      () => Promise.reject(new Error('it resolved')),
      (error: Error) => error
    )
}

const open: AbortController[] = []
afterAll(() => {
  for (const one of open) one.abort()
})

/** Without TLS. */
function start(keys: object): { exporter: Exporter; stop: () => void } {
  const stopping = new AbortController()
  const context = { ...laneContext(), stopping: stopping.signal }
  const options = config.parse({ tls: { insecure: true }, ...keys })
  const exporter = otlpGrpc(options, context)
  open.push(stopping)
  return { exporter, stop: () => stopping.abort() }
}
