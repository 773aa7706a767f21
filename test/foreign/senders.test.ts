import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { start, stop, until } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'
import {
  archivedLogs,
  archivedRecords,
  byId,
  idOf,
  type RecordJson,
  toDirectory
} from './archived.ts'
import { startCollector } from './collector.ts'

const timeout = 60_000
const python = process.env.AUDITCOL_PYTHON
const collectorBinary = process.env.AUDITCOL_COLLECTOR

if (python === undefined) {
  console.log(
    'skipped: the Python OTel SDK as sender (AUDITCOL_PYTHON names no python that has it)'
  )
}
if (collectorBinary === undefined) {
  console.log('skipped: the OpenTelemetry Collector as sender (AUDITCOL_COLLECTOR names none)')
}

describe.skipIf(python === undefined)('the Python OTel SDK', () => {
  test.each([
    ['http', 'gzip'],
    ['http', 'none'],
    ['grpc', 'gzip'],
    ['grpc', 'none']
  ])(
    'over %s, compression %s: every record is in the archive once, as it was sent',
    { timeout },
    async (protocol, compression) => {
      const auditcol = await start({ config: toDirectory() })
      const url = protocol === 'http' ? `${auditcol.http}/v1/logs` : auditcol.grpc
      const sent = await sendWithPython([protocol, compression, `http://${url}`, '700', 'py'])
      expect(await stop(auditcol)).toBe(0)

      expect(sent).toHaveLength(700)
      expect(archivedRecords(auditcol.dir)).toEqual(sent)
      expect(auditcol.output()).toContain('receiver otlp: 700 records accepted')
      for (const { resource, scopeLogs } of archivedLogs(auditcol.dir)) {
        const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
        expect(resource.attributes).toContainEqual(text('service.name', 'proxy'))
        expect(resource.attributes).toContainEqual(text('prefix', 'py'))
        expect(scopeLogs.map(({ scope }) => scope)).toEqual([{ name: 'audit', version: '1.2.3' }])
      }
    }
  )
})

/** What the sender says it has sent; rejects with the SDK's complaint when some of it was not delivered. */
async function sendWithPython(args: readonly string[]): Promise<RecordJson[]> {
  const script = join(import.meta.dirname, 'send_logs.py')
  const { stdout } = await promisify(execFile)(python!, [script, ...args], { maxBuffer: 2 ** 25 })
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line): RecordJson => JSON.parse(line)).sort(byId)
}

describe.skipIf(collectorBinary === undefined)('the OpenTelemetry Collector', () => {
  test.each([
    ['otlp_http', 'proto', 'gzip'],
    ['otlp_http', 'proto', 'zstd'],
    ['otlp_http', 'proto', 'deflate'],
    ['otlp_http', 'proto', 'none'],
    ['otlp_http', 'json', 'gzip'],
    ['otlp_http', 'json', 'zstd'],
    ['otlp_grpc', 'proto', 'gzip'],
    ['otlp_grpc', 'proto', 'none']
  ] as const)(
    'forwards by %s, %s, %s: every record is in the archive once, as it was sent',
    { timeout },
    async (exporter, encoding, compression) => {
      const auditcol = await start({ config: toDirectory() })
      const to =
        exporter === 'otlp_http'
          ? { endpoint: `http://${auditcol.http}`, encoding }
          : { endpoint: auditcol.grpc, tls: { insecure: true } }
      const collector = await startCollector(collectorBinary!, exporter, { ...to, compression })
      const sent = auditRecords('c', 500)
      for (let i = 0; i < sent.length; i += 100) {
        expect(await post(collector.http, sent.slice(i, i + 100))).toBe(200)
      }
      expect(await collector.stop(), collector.output()).toBe(0)
      expect(await stop(auditcol)).toBe(0)
      expect(archivedRecords(auditcol.dir)).toEqual(sent.toSorted(byId))
      expect(auditcol.output()).toContain('receiver otlp: 500 records accepted')
    }
  )

  test.each(['otlp_http', 'otlp_grpc'])(
    'by %s goes on when auditcol was killed and is back: nothing is lost',
    { timeout },
    async (exporter) => {
      const ports = { http: await freePort(), grpc: await freePort() }
      const first = await start({ config: toDirectory(ports) })
      const to =
        exporter === 'otlp_http'
          ? { endpoint: `http://${first.http}` }
          : { endpoint: first.grpc, tls: { insecure: true } }
      const collector = await startCollector(collectorBinary!, exporter, {
        ...to,
        retry_on_failure: { initial_interval: '50ms', max_interval: '200ms' }
      })
      const sent = auditRecords('kill', 600)
      expect(await post(collector.http, sent.slice(0, 200))).toBe(200)
      first.signal('SIGKILL')
      await first.exit
      expect(await post(collector.http, sent.slice(200, 400))).toBe(200)
      await until(() => /Exporting failed. Will retry/.test(collector.output()))
      const second = await start({ dir: first.dir })
      expect(await post(collector.http, sent.slice(400))).toBe(200)
      const ids = () => new Set(archivedRecords(first.dir).map(idOf))
      await until(() => ids().size === sent.length, 'all records', collector.output)
      expect(await collector.stop(), collector.output()).toBe(0)
      expect(await stop(second)).toBe(0)
      expect([...ids()]).toEqual(sent.map(idOf).sort())
    }
  )
})

/** Posts OTLP/JSON to the Collector; resolves with the status. */
async function post(http: string, logRecords: readonly RecordJson[]): Promise<number> {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'proxy' } }] }
  const scopeLogs = [{ scope: { name: 'audit', version: '1.2.3' }, logRecords }]
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] })
  const answer = await fetch(`http://${http}/v1/logs`, { method: 'POST', headers, body })
  await answer.arrayBuffer()
  return answer.status
}

/** Records in which every kind of value occurs, with an `id` each. */
function auditRecords(prefix: string, n: number): RecordJson[] {
  return Array.from({ length: n }, (_, i) => ({
    timeUnixNano: `${1_795_000_000_000_000_000n + BigInt(i) * 1_000_000_007n}`,
    observedTimeUnixNano: `${1_795_000_001_000_000_001n + BigInt(i)}`,
    severityNumber: 9 + (i % 3) * 4,
    severityText: ['INFO', 'WARN', 'ERROR'][i % 3],
    eventName: 'audit.team.deleted',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: i.toString(16).padStart(16, '7'),
    flags: 1,
    body: {
      kvlistValue: {
        values: [
          { key: 'message', value: { stringValue: `Zoë ☂ deleted "team ${i}"\n` } },
          { key: 'after', value: {} }
        ]
      }
    },
    attributes: [
      { key: 'id', value: { stringValue: `${prefix}-${i}` } },
      { key: 'largest', value: { intValue: '9223372036854775807' } },
      { key: 'smallest', value: { intValue: '-9223372036854775808' } },
      { key: 'ratio', value: { doubleValue: i / 10 } },
      { key: 'ok', value: { boolValue: i % 2 === 0 } },
      { key: 'digest', value: { bytesValue: Buffer.from(`\0${i}`).toString('base64') } },
      { key: 'list', value: { arrayValue: { values: [{ intValue: `${i}` }, {}] } } }
    ]
  }))
}
