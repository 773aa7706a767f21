import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import otlpHttp, { config } from '../../exporters/otlp_http.ts'
import otlp, { config as otlpConfig } from '../../receivers/otlp.ts'
import { type Exporter, PermanentError, RefusedError } from '../../src/component.ts'
import { joinLogs } from '../../src/logs/logs.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { laneContext, sent } from '../batches.ts'
import { testExporter } from '../contract/exporter.ts'
import { runReceiver } from '../contract/run_receiver.ts'
import { createFarSide, listening, logs, never, under } from './otlp_backend.ts'

for (const encoding of ['proto', 'json'] as const) {
  testExporter(`otlp_http in ${encoding}`, async () => {
    const far = createFarSide()
    const protocols = { http: { endpoint: '127.0.0.1:0' } }
    const run = runReceiver((context) => otlp(otlpConfig.parse({ protocols }), context), far.each)
    const { exporter, stop } = start({ endpoint: `http://${await run.endpoint}`, encoding })
    return under(exporter, far, () => {
      stop()
      run.subscription.unsubscribe()
    })
  })
}

describe('a request', () => {
  test('has the very bytes of the logs, chunk after chunk, and says what they are', async () => {
    const { url, requests } = await server()
    const two = joinLogs([logs, logs])
    const { exporter } = start({ endpoint: url, compression: 'none', headers: { 'X-Tenant': 'a' } })
    await exporter(sent(two), never)
    const [{ headers, path, body }] = requests as [Seen]
    expect(path).toBe('/v1/logs')
    expect(body).toEqual(Buffer.concat(two.chunks))
    expect(headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-length': String(two.bytes),
      'x-tenant': 'a'
    })
    expect(headers['user-agent']).toMatch(/^auditcol\/\d/)
    expect(headers['content-encoding']).toBeUndefined()
  })

  test.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
    ['zlib', inflateSync],
    ['deflate', inflateSync]
  ])('is compressed with %s', async (compression, open) => {
    const { url, requests } = await server()
    await start({ endpoint: url, compression }).exporter(sent(logs), never)
    expect(requests[0]!.headers['content-encoding']).toBe(compression)
    expect(open(requests[0]!.body)).toEqual(Buffer.concat(logs.chunks))
  })

  test('goes to logs_endpoint as it stands there', async () => {
    const { url, requests } = await server()
    await start({ endpoint: 'http://127.0.0.1:1', logs_endpoint: `${url}/in?x=1` }).exporter(
      sent(logs),
      never
    )
    expect(requests[0]!.path).toBe('/in?x=1')
  })

  test('goes over a kept connection, and over a new one where the other side has closed it', async () => {
    const { url, requests, http } = await server()
    const { exporter } = start({ endpoint: url })
    for (let n = 0; n < 3; n++) await exporter(sent(logs), never)
    expect(new Set(requests.map(({ port }) => port)).size).toBe(1)
    http.closeAllConnections()
    await exporter(sent(logs), never)
    expect(new Set(requests.map(({ port }) => port)).size).toBe(2)
  })

  test('goes through proxy_url', async () => {
    const { url, requests } = await server()
    const { exporter } = start({ endpoint: 'http://far.example:4318', proxy_url: url })
    await exporter(sent(logs), never)
    expect(requests[0]!.path).toBe('http://far.example:4318/v1/logs')
  })

  test('ends with its timeout', async () => {
    const { url } = await server(() => {})
    const { exporter } = start({ endpoint: url, timeout: '30ms' })
    await expect(exporter(sent(logs), never)).rejects.toThrow('the attempt took longer than 30 ms')
  })
})

describe('an answer', () => {
  test.each([429, 502, 503, 504])('%i is tried again', async (status) => {
    const error = await failure(status)
    expect(error).toBeInstanceOf(RefusedError)
    expect(error.message).toContain(`answered ${status}`)
  })

  test.each([400, 401, 403, 404, 413, 500, 501])('%i will be the same again', async (status) => {
    expect(await failure(status)).toBeInstanceOf(PermanentError)
  })

  test('its Retry-After is obeyed: seconds, a date, RetryInfo', async () => {
    const after = async (headers: Record<string, string>, body = '') =>
      ((await failure(503, headers, body)) as RefusedError).retryAfter
    expect(await after({ 'retry-after': '7' })).toBe(7)
    const date = new Date(Date.now() + 90_000).toUTCString()
    expect(await after({ 'retry-after': date })).toBeGreaterThan(80)
    expect(await after({ 'retry-after': 'soon' })).toBe(0)
    const detail = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '4.5s' }
    const status = JSON.stringify({ code: 14, message: 'busy', details: [detail] })
    expect(await after({ 'content-type': 'application/json' }, status)).toBe(4.5)
  })

  test('a rejection of some records is an error with their count, and never silent', async () => {
    for (const [type, body] of [
      ['application/x-protobuf', Buffer.from('0a0808021204 6f6f7073'.replace(' ', ''), 'hex')],
      ['application/json', '{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"oops"}}']
    ] as const) {
      const error = await failure(200, { 'content-type': type }, body)
      expect(error).toMatchObject({
        name: 'PermanentError',
        message: 'the other side rejected 2 of 3 records: oops',
        unnamed: 2,
        rest: 'delivered'
      })
    }
  })

  test('a warning beside full success is logged', async () => {
    const lines: string[] = []
    const { url } = await server((_, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"partialSuccess":{"errorMessage":"old version"}}')
    )
    await start({ endpoint: url }, lines).exporter(sent(logs), never)
    expect(lines.join()).toContain('old version')
  })

  test.each([
    ['application/x-protobuf', 'not protobuf at all'],
    ['application/json', '{'],
    ['text/html', '<html>sign in</html>']
  ])('200 with a body of %s that is no OTLP means that nothing was taken', async (type, body) => {
    const error = await failure(200, { 'content-type': type }, body)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(PermanentError)
  })

  test('a redirect is not followed, and named', async () => {
    const error = await failure(308, { location: 'http://elsewhere/' })
    expect(error.message).toBe('the other side answered 308: redirected to http://elsewhere/')
    expect(error).not.toBeInstanceOf(PermanentError)
  })

  test('one of many megabytes is not read to its end', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(500, { 'content-type': 'text/plain' })
      const write = () => response.write('x'.repeat(2 ** 20), () => setImmediate(write))
      write()
    })
    await expect(start({ endpoint: url }).exporter(sent(logs), never)).rejects.toThrow('500: xxx')
  })
})

describe('a configuration', () => {
  test.each([
    [{}, 'at least one endpoint must be specified'],
    [{ endpoint: 'localhost:4318' }, 'invalid URL "localhost:4318"'],
    [{ endpoint: 'http://x', encoding: 'text' }, 'invalid encoding type "text"'],
    [{ endpoint: 'http://x', compression: 'snappy' }, 'compression snappy is not supported'],
    [{ endpoint: 'http://x', compression_params: { level: 12 } }, 'gzip has levels 1 to 9'],
    [{ endpoint: 'http://x', headers: { 'a b': 'x' } }, '"a b" is not the name of a header'],
    [{ endpoint: 'http://x', headers: { a: 'x\ny' } }, 'the value of a has a character'],
    [{ endpoint: 'http://x', headers: { Host: 'x' } }, 'Host is set by the exporter itself'],
    [{ endpoint: 'http://x', tls: { min_version: '1.0' } }, 'TLS 1.0 is not secure'],
    [{ endpoint: 'http://x', tls: { cert_pem: 'x' } }, 'both a certificate and its key'],
    [{ endpoint: 'http://x', auth: {} }, 'auth is not supported yet']
  ])('%j is refused: %s', (keys, message) => {
    expect(
      config
        .safeParse(keys)
        .error?.issues.map((issue) => issue.message)
        .join()
    ).toContain(message)
  })

  test('a certificate that is not there stops the start, with its path', () => {
    const keys = { endpoint: 'https://x', tls: { ca_file: '/no/such.pem' } }
    expect(() => start(keys)).toThrow('reading ca_file /no/such.pem')
  })
})

interface Seen {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly port: number | undefined
}

/** A server that keeps what it was sent and answers as it is told. */
async function server(
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    void response.end()
) {
  const requests: Seen[] = []
  const http = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const { headers, url, socket } = request
    requests.push({ path: url ?? '', headers, body, port: socket.remotePort })
    answer(request, response)
  })
  const address = await listening(http)
  onTestFinished(() => {
    http.close()
    http.closeAllConnections()
  })
  return { url: `http://${address}`, requests, http }
}

async function failure(
  status: number,
  headers: Record<string, string> = {},
  body: string | Uint8Array = ''
): Promise<Error> {
  const { url } = await server((_, response) => void response.writeHead(status, headers).end(body))
  return start({ endpoint: url })
    .exporter(sent(logs), never)
    .then(
      () => Promise.reject(new Error('it resolved')),
      (error: Error) => error
    )
}

function start(keys: object, lines: string[] = []): { exporter: Exporter; stop: () => void } {
  const stopping = new AbortController()
  const write = (line: string) => void lines.push(line)
  const context = {
    ...laneContext(),
    stopping: stopping.signal,
    log: createLog({ level: 'info', encoding: 'json', write })
  }
  return { exporter: otlpHttp(config.parse(keys), context), stop: () => stopping.abort() }
}
