import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createProxy } from 'node:http'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import otlpGrpc, { config as grpcConfig } from '../../exporters/otlp_grpc.ts'
import otlpHttp, { config as httpConfig } from '../../exporters/otlp_http.ts'
import type { Exporter } from '../../src/component.ts'
import { proxyFor } from '../../src/otlp_client/tunnel.ts'
import { laneContext, sent } from '../batches.ts'
import { listening, logs, never } from './otlp_backend.ts'

const dir = join(import.meta.dirname, '../fixtures/tls')
const file = (name: string) => join(dir, name)
const read = (name: string) => readFileSync(file(name), 'utf8')
const ca = { ca_file: file('ca.pem') }
const own = { cert_file: file('client.pem'), key_file: file('client.key') }

describe.each(['otlp_http', 'otlp_grpc'] as const)('%s over TLS', (name) => {
  test('sends to a server whose authority it is told, by file or as text', async () => {
    const { port, clients } = await server(name)
    await exporterTo(name, `localhost:${port}`, ca)(sent(logs), never)
    await exporterTo(name, `localhost:${port}`, { ca_pem: read('ca.pem') })(sent(logs), never)
    expect(clients).toEqual([undefined, undefined])
  })

  test('refuses a server that nobody has vouched for, or that has another name', async () => {
    const { port, clients } = await server(name)
    const fails = (keys: object, host = 'localhost') =>
      exporterTo(name, `${host}:${port}`, keys)(sent(logs), never).catch((error: Error) => error)
    expect(String(await fails({}))).toMatch(/certificate|signed/)
    expect(String(await fails({ ...ca, server_name_override: 'other.example' }))).toContain(
      'other.example'
    )
    expect(clients).toEqual([])
  })

  test('insecure_skip_verify takes any server, server_name_override another name', async () => {
    const { port, clients } = await server(name)
    const skip = { insecure_skip_verify: true }
    await exporterTo(name, `127.0.0.1:${port}`, skip)(sent(logs), never)
    const renamed = { ...ca, server_name_override: 'far.example' }
    await exporterTo(name, `127.0.0.1:${port}`, renamed)(sent(logs), never)
    expect(clients).toHaveLength(2)
  })

  test('shows its own certificate', async () => {
    const { port, clients } = await server(name, true)
    await exporterTo(name, `localhost:${port}`, { ...ca, ...own })(sent(logs), never)
    expect(clients).toEqual(['client'])
    const stranger = exporterTo(name, `localhost:${port}`, ca)
    await expect(stranger(sent(logs), never)).rejects.toThrow()
    expect(clients).toEqual(['client'])
  })

  test('takes a certificate that has changed for its next connection', async () => {
    const { port, clients } = await server(name)
    const mine = mkdtempSync(join(tmpdir(), 'auditcol-tls-'))
    onTestFinished(() => rmSync(mine, { recursive: true }))
    for (const one of ['client.pem', 'client.key']) copyFileSync(file(one), join(mine, one))
    const keys = { cert_file: join(mine, 'client.pem'), key_file: join(mine, 'client.key') }
    const exporter = exporterTo(name, `localhost:${port}`, {
      ...ca,
      ...keys,
      reload_interval: '1ms'
    })
    await exporter(sent(logs), never)
    for (const type of ['pem', 'key'])
      copyFileSync(file(`server.${type}`), join(mine, `client.${type}`))
    await expect.poll(() => exporter(sent(logs), never).then(() => clients.at(-1))).toBe('server')
    expect(clients[0]).toBe('client')
  })
})

describe('a proxy', () => {
  test('is asked for a tunnel to the gRPC server', async () => {
    const { port } = await server('otlp_grpc')
    const asked: (string | undefined)[] = []
    const proxy = createProxy().on('connect', (request, socket) => {
      asked.push(request.url, request.headers['proxy-authorization'])
      const far = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        far.pipe(socket).pipe(far)
      })
      for (const one of [far, socket]) one.on('error', () => {})
    })
    const address = await listening(proxy)
    onTestFinished(() => void proxy.close())
    vi.stubEnv('HTTPS_PROXY', `http://me:secret@${address}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    await exporterTo('otlp_grpc', 'far.example:4317', ca)(sent(logs), never)
    expect(asked).toEqual(['far.example:4317', `Basic ${btoa('me:secret')}`])
  })

  test('that refuses is named', async () => {
    const proxy = createProxy((_, response) => void response.writeHead(403).end())
    proxy.on('connect', (_, socket) => void socket.end('HTTP/1.1 407 No\r\n\r\n'))
    const address = await listening(proxy)
    onTestFinished(() => void proxy.close())
    vi.stubEnv('HTTPS_PROXY', address)
    onTestFinished(() => void vi.unstubAllEnvs())
    const exporter = exporterTo('otlp_grpc', 'far.example:4317', ca)
    await expect(exporter(sent(logs), never)).rejects.toThrow(
      `the proxy ${address} answered 407 to CONNECT far.example:4317`
    )
  })

  test.each([
    ['far.example', '', true],
    ['far.example', 'example', false],
    ['far.example', '.far.example', false],
    ['notfar.example', 'far.example', true],
    ['far.example', 'far.example:4317', false],
    ['far.example', 'far.example:80', true],
    ['far.example', '*', false],
    ['10.1.2.3', '10.0.0.0/8', false],
    ['11.1.2.3', '10.0.0.0/8, 192.168.0.1', true],
    ['fd00::1', 'fd00::/8', false],
    ['fd00::1', 'fd00::1', false],
    ['localhost', '', false],
    ['127.0.0.9', '', false]
  ])('for %s with NO_PROXY "%s": %s', (host, NO_PROXY, used) => {
    const env = { HTTPS_PROXY: 'proxy.example:3128', NO_PROXY }
    expect(proxyFor(host, 4317, env) !== undefined).toBe(used)
  })
})

function exporterTo(name: 'otlp_http' | 'otlp_grpc', address: string, tls: object): Exporter {
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  const context = { ...laneContext(), stopping: stopping.signal }
  const endpoint = `https://${address}`
  return name === 'otlp_http'
    ? otlpHttp(httpConfig.parse({ endpoint, tls }), context)
    : otlpGrpc(grpcConfig.parse({ endpoint, tls }), context)
}

/** Takes everything, and remembers the name in the certificate that each sender showed. */
async function server(name: 'otlp_http' | 'otlp_grpc', rejectUnauthorized = false) {
  const clients: (string | undefined)[] = []
  const options = {
    ...{ cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem') },
    ...{ requestCert: true, rejectUnauthorized }
  }
  const nameOf = (socket: TLSSocket) =>
    socket.getPeerCertificate().subject?.CN as string | undefined
  const far =
    name === 'otlp_http'
      ? createServer(options, (request, response) => {
          clients.push(nameOf(request.socket as TLSSocket))
          response.end()
        })
      : createSecureServer(options).on('stream', (stream: ServerHttp2Stream) => {
          clients.push(nameOf(stream.session!.socket as TLSSocket))
          stream.respond({ ':status': 200 }, { waitForTrailers: true })
          stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
          stream.end()
        })
  const address = await listening(far)
  onTestFinished(() => {
    far.close()
    far.unref()
  })
  return { port: Number(address.split(':')[1]), clients }
}
