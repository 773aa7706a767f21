import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import otlpGrpc, { config as grpcConfig } from '../../exporters/otlp_grpc.ts'
import otlpHttp, { config as httpConfig } from '../../exporters/otlp_http.ts'
import { config } from '../../receivers/otlp.ts'
import { laneContext, sent } from '../batches.ts'
import { logs, never } from '../exporters/otlp_backend.ts'
import { startGrpc, startHttp, takeAll } from '../otlp/start.ts'

const file = (name: string) => join(import.meta.dirname, '../fixtures/tls', name)
const own = { cert_file: file('server.pem'), key_file: file('server.key') }
const ca = { ca_file: file('ca.pem') }
const client = { cert_file: file('client.pem'), key_file: file('client.key') }

describe.each(['http', 'grpc'] as const)('otlp over %s with tls', (protocol) => {
  const start = (tls: object) => (protocol === 'http' ? startHttp : startGrpc)({ tls }, takeAll)

  test('takes records from a sender that trusts its authority', async () => {
    const run = await start(own)
    await send(run.address, ca)
    expect(run.batches.map(({ logs }) => logs.records)).toEqual([3])
    await expect(send(run.address, {})).rejects.toThrow(/certificate|signed/)
  })

  test('takes nothing without TLS', async () => {
    const run = await start(own)
    await expect(send(run.address, {}, 'http')).rejects.toThrow()
    expect(run.batches).toEqual([])
  })

  test('with client_ca_file takes records only from those it has signed', async () => {
    const run = await start({ ...own, client_ca_file: file('ca.pem') })
    await send(run.address, { ...ca, ...client })
    await expect(send(run.address, ca)).rejects.toThrow()
    expect(run.batches).toHaveLength(1)
  })

  test('shows a certificate that has changed to new connections', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'auditcol-tls-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const use = (name: string) => {
      for (const type of ['key', 'pem']) copyFileSync(file(`${name}.${type}`), join(dir, type))
    }
    use('server')
    const keys = { cert_file: join(dir, 'pem'), key_file: join(dir, 'key') }
    const run = await start({ ...keys, reload_interval: '10ms' })
    expect(await shownBy(run.address)).toBe('server')
    use('client')
    await expect.poll(() => shownBy(run.address)).toBe('client')
  })

  test('refuses what is older than min_version', async () => {
    const run = await start({ ...own, min_version: '1.3' })
    await send(run.address, ca)
    await expect(send(run.address, { ...ca, max_version: '1.2' })).rejects.toThrow()
  })

  function send(address: string, tls: object, scheme = 'https') {
    const stopping = new AbortController()
    onTestFinished(() => stopping.abort())
    const context = { ...laneContext(), stopping: stopping.signal }
    const endpoint = `${scheme}://${address}`
    const exporter =
      protocol === 'http'
        ? otlpHttp(httpConfig.parse({ endpoint, tls }), context)
        : otlpGrpc(grpcConfig.parse({ endpoint, tls }), context)
    return exporter(sent(logs), never)
  }
})

test.each([
  [{}, 'a listener with tls needs a certificate and its key'],
  [{ ...own, key_pem: 'x' }, 'provide either key_file or key_pem, not both'],
  [{ ...own, client_ca_file: 'a', client_ca_pem: 'b' }, 'either client_ca_file or client_ca_pem'],
  [{ ...own, min_version: '1.3', max_version: '1.2' }, 'min_version cannot be greater'],
  [{ ...own, cipher_suites: ['x'] }, 'cipher_suites are not supported']
])('%j is refused: %s', (tls, message) => {
  const { error } = config.safeParse({ protocols: { http: { tls } } })
  expect(error?.issues.map((issue) => issue.message).join()).toContain(message)
})

test('a key that does not fit stops the start and is named', async () => {
  const tls = { cert_file: file('server.pem'), key_file: file('client.key') }
  await expect(startHttp({ tls })).rejects.toThrow(`the key ${file('client.key')} are of no use`)
})

/** The name in the certificate that a listener shows. */
function shownBy(address: string): Promise<string> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port: Number(port),
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1']
    }
    const socket = connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
