import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { archivedIds, idsIn, send } from '../e2e/records.ts'
import { freePort } from '../free_port.ts'
import { startCollector } from './collector.ts'

const collector = process.env.AUDITCOL_COLLECTOR

if (collector === undefined) {
  console.log('skipped: the OpenTelemetry Collector as backend (AUDITCOL_COLLECTOR names none)')
}

const configTo = (http: number, grpc: number) => `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
processors:
  batch: { timeout: 100ms }
exporters:
  awss3: { s3uploader: { s3_bucket: 'file:./archive' } }
  otlp_http:
    endpoint: http://127.0.0.1:${http}
    retry_on_failure: { initial_interval: 50ms, max_interval: 200ms }
  otlp_grpc:
    endpoint: 127.0.0.1:${grpc}
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 50ms, max_interval: 200ms }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [awss3, otlp_http, otlp_grpc] }
`

test.skipIf(collector === undefined)(
  'two live backends are stopped under load, one after the other: the archive goes on, and each has every record in the end',
  { timeout: 90_000 },
  async () => {
    const sinks = { http: await createSink(), grpc: await createSink() }
    const ports = { http: await freePort(), grpc: await freePort() }
    const backend = (protocol: 'http' | 'grpc') =>
      startCollector(
        collector!,
        'otlp_http',
        { endpoint: sinks[protocol].url, encoding: 'json', compression: 'none' },
        { protocol, port: ports[protocol] }
      )
    const first = { http: await backend('http'), grpc: await backend('grpc') }
    const auditcol = await start({ config: configTo(ports.http, ports.grpc) })
    const { dir } = auditcol
    const bound = Number(/memory: at most (\d+) MiB/.exec(auditcol.output())?.[1]) * 2 ** 20
    const load = sendUntilTold(auditcol.http)
    const archived = () => archivedIds(join(dir, 'archive')).length
    const grows = async (count: () => number) => {
      const before = count()
      await until(() => count() > before + 300)
    }

    await grows(sinks.http.count)
    await grows(sinks.grpc.count)
    for (const protocol of ['http', 'grpc'] as const) {
      const other = protocol === 'http' ? 'grpc' : 'http'
      await first[protocol].stop()
      const then = sinks[protocol].count()
      await Promise.all([grows(archived), grows(sinks[other].count)])
      expect(sinks[protocol].count()).toBe(then)
      expect(await behind(dir, `logs/otlp_${protocol}`)).toBeGreaterThan(200)
      await backend(protocol)
      await grows(sinks[protocol].count)
    }
    const sent = await load.stop()
    await until(() => sinks.http.count() >= sent.length && sinks.grpc.count() >= sent.length)
    expect(await stop(auditcol)).toBe(0)

    const expected = sent.toSorted()
    expect(archivedIds(join(dir, 'archive')).toSorted()).toEqual(expected)
    expect(sinks.http.ids().toSorted()).toEqual(expected)
    expect(sinks.grpc.ids().toSorted()).toEqual(expected)
    const peak = auditcol.memoryPeak()
    if (peak > 0) expect(peak).toBeLessThan(bound)
  }
)

/** Where a Collector sends what it was sent: every id once, however often it comes. */
async function createSink() {
  const ids = new Set<string>()
  const server = createServer(async (request, response) => {
    for (const id of idsIn(Buffer.concat(await request.toArray()))) ids.add(id)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, count: () => ids.size, ids: () => [...ids] }
}

/** Sends requests of ten records, one after the other, until it is told to stop; then says which were acknowledged. */
function sendUntilTold(http: string) {
  const acknowledged: string[] = []
  let stopped = false
  const sending = (async () => {
    for (let n = 0; !stopped; n++) {
      const ids = Array.from({ length: 10 }, (_, index) => `r-${n}-${index}`)
      expect(await send(http, ids)).toMatchObject({ status: 200 })
      acknowledged.push(...ids)
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await sending
      return acknowledged
    }
  }
}

/** Records that a lane has not delivered, as the running process says. */
async function behind(dir: string, lane: string): Promise<number> {
  const { output } = await runToEnd({ dir, args: ['journal'] })
  return Number(new RegExp(`${lane} \\(\\w+\\) {2}(\\d+) records undelivered`).exec(output)?.[1])
}
