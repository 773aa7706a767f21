import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InMemoryLogRecordExporter, type ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import otelSdk, { config } from '../../exporters/otel_sdk.ts'
import { type Exporter, PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { laneContext, sent } from '../batches.ts'

const resource = {
  attributes: { 'service.name': 'proxy' }
} as unknown as ReadableLogRecord['resource']
const scope = { name: 'audit' }
const big = 9_007_199_254_740_993n
const attributesOfAll = { 'user.id': 'kim', count: big }
const logs = encodeLogs([record('key created'), record('key deleted')])
const never = new AbortController().signal

afterEach(() => void vi.restoreAllMocks())

describe("the SDK's own exporters", () => {
  test('ConsoleLogRecordExporter prints each record', async () => {
    const dir = vi.spyOn(console, 'dir').mockImplementation(() => {})
    const { exporter } = await start('@opentelemetry/sdk-logs', 'ConsoleLogRecordExporter')
    await exporter(sent(logs), never)
    expect(dir.mock.calls.map(([printed]) => printed.body)).toEqual(['key created', 'key deleted'])
  })

  test('InMemoryLogRecordExporter gets the records as they were received', async () => {
    const spy = vi.spyOn(InMemoryLogRecordExporter.prototype, 'export')
    const { exporter } = await start('@opentelemetry/sdk-logs', 'InMemoryLogRecordExporter')
    await exporter(sent(logs), never)
    const kept = spy.mock.contexts[0] as InMemoryLogRecordExporter
    const [first] = kept.getFinishedLogRecords()
    expect(first).toMatchObject({
      body: 'key created',
      hrTime: [1_700_000_000, 5],
      attributes: { 'user.id': 'kim' },
      resource: { attributes: { 'service.name': 'proxy' } },
      instrumentationScope: { name: 'audit' }
    })
  })

  test('integers beyond 2^53 arrive as their digits, wherever they stand', async () => {
    const spy = vi.spyOn(InMemoryLogRecordExporter.prototype, 'export')
    const { exporter } = await start('@opentelemetry/sdk-logs', 'InMemoryLogRecordExporter')
    await exporter(sent(encodeLogs([record('x', { deep: [{ n: big }], n: big })])), never)
    const attributes = { deep: [{ n: '9007199254740993' }], n: '9007199254740993' }
    expect(spy.mock.calls[0]![0]).toMatchObject([{ attributes }])
  })

  test('is flushed and shut down when the lane lets go', async () => {
    const shutdown = vi.spyOn(InMemoryLogRecordExporter.prototype, 'shutdown')
    const { stop } = await start('@opentelemetry/sdk-logs', 'InMemoryLogRecordExporter')
    expect(shutdown).not.toHaveBeenCalled()
    stop()
    await vi.waitFor(() => expect(shutdown).toHaveBeenCalledTimes(1))
  })
})

describe('the OTLP exporters against a server', () => {
  let server: Server
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let requests: Buffer[]
  let url = ''

  beforeEach(async () => {
    requests = []
    server = createServer(async (request, response) => {
      requests.push(Buffer.concat(await request.toArray()))
      answer(request, response)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  test('200: the records have arrived, in JSON', async () => {
    answer = (_, response) => response.end('{}')
    const { exporter } = await startOtlp('@opentelemetry/exporter-logs-otlp-http')
    await exporter(sent(logs), never)
    const [body] = requests.map((bytes) => JSON.parse(String(bytes)))
    const records = body.resourceLogs[0].scopeLogs[0].logRecords
    expect(records.map(({ body }: { body: object }) => body)).toEqual([
      { stringValue: 'key created' },
      { stringValue: 'key deleted' }
    ])
  })

  test('200: the records have arrived, in protobuf', async () => {
    answer = (_, response) => response.end()
    const { exporter } = await startOtlp('@opentelemetry/exporter-logs-otlp-proto')
    await exporter(sent(logs), never)
    const { records } = checkLogs(requests[0]!)
    const [first] = decodeLogs(checkLogs(requests[0]!))
    expect(records).toBe(2)
    expect(first).toMatchObject({
      body: 'key created',
      attributes: { 'user.id': 'kim', count: '9007199254740993' }
    })
  })

  test.each([503, 429, 401, 404])('%i: not delivered, worth another attempt', async (status) => {
    answer = (_, response) => response.writeHead(status).end()
    const { exporter } = await startOtlp('@opentelemetry/exporter-logs-otlp-http')
    const error = await rejected(exporter)
    expect(error).not.toBeInstanceOf(PermanentError)
    expect(error.message).toBe('exporting with OTLPLogExporter')
    expect(error.cause).toBeInstanceOf(Error)
  })

  test.each([400, 413, 422])('%i: the same data will fail again', async (status) => {
    answer = (_, response) => response.writeHead(status).end()
    const { exporter } = await startOtlp('@opentelemetry/exporter-logs-otlp-http')
    expect(await rejected(exporter)).toBeInstanceOf(PermanentError)
  })

  test('a server that is not there: worth another attempt', async () => {
    server.close()
    const { exporter } = await startOtlp('@opentelemetry/exporter-logs-otlp-http')
    expect(await rejected(exporter)).not.toBeInstanceOf(PermanentError)
  })

  test('a partial rejection counts as success there, and our log says so', async () => {
    answer = (_, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"partialSuccess":{"rejectedLogRecords":1,"errorMessage":"too old"}}')
    }
    const { exporter, lines } = await startOtlp('@opentelemetry/exporter-logs-otlp-http')
    await exporter(sent(logs), never)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'warn', msg: expect.stringContaining('too old') })
  })

  function startOtlp(module: string) {
    // The exporter's own second attempt comes after a second at least; this leaves no time for it.
    return start(module, 'OTLPLogExporter', { url, timeoutMillis: 400 })
  }
})

describe('L3: never two calls open for one batch', () => {
  test('after the timeout of the attempt it waits on for the answer, and says so', async () => {
    const { exporter, lines } = await start('./test/fixtures/sdk_exporters.ts', 'Held')
    const timeout = new AbortController()
    let outcome = 'open'
    const attempt = exporter(sent(logs), timeout.signal).then(
      () => (outcome = 'delivered'),
      () => (outcome = 'rejected')
    )
    timeout.abort()
    await new Promise(setImmediate)
    expect(outcome).toBe('open')
    expect(lines.map(({ msg }) => msg)).toEqual([
      'waiting on for Held: it has not answered within its timeout'
    ])
    release({ code: 0 })
    await attempt
    expect(outcome).toBe('delivered')
  })

  test('a late failure rejects', async () => {
    const { exporter } = await start('./test/fixtures/sdk_exporters.ts', 'Held')
    const attempt = exporter(sent(logs), AbortSignal.abort())
    release({ code: 1, error: new Error('too slow') })
    await expect(attempt).rejects.toMatchObject({ cause: { message: 'too slow' } })
  })

  test('an attempt without an answer is rejected once the exporter has been shut down', async () => {
    const { exporter, stop } = await start('./test/fixtures/sdk_exporters.ts', 'Held')
    const attempt = exporter(sent(logs), never)
    stop()
    await expect(attempt).rejects.toThrow('Held was shut down before it answered')
  })

  test('a throw in export() rejects the attempt', async () => {
    const { exporter } = await start('./test/fixtures/sdk_exporters.ts', 'Throwing')
    await expect(exporter(sent(logs), never)).rejects.toThrow('no socket')
  })
})

describe('what cannot start says so in one sentence', () => {
  test.each([
    ['@acme/no-such-exporter', 'Any', 'loading module "@acme/no-such-exporter"'],
    ['./no_such_file.ts', 'Any', 'loading module "./no_such_file.ts"'],
    [
      '@opentelemetry/sdk-logs',
      'OTLPLogExporter',
      'module "@opentelemetry/sdk-logs" has no class "OTLPLogExporter"; it has ConsoleLogRecordExporter, InMemoryLogRecordExporter'
    ],
    [
      './test/fixtures/sdk_exporters.ts',
      'Empty',
      '"Empty" of module "./test/fixtures/sdk_exporters.ts" is no LogRecordExporter: no export()'
    ],
    ['./test/fixtures/sdk_exporters.ts', 'Refusing', 'creating Refusing']
  ])('%s#%s', async (module, name, message) => {
    await expect(start(module, name)).rejects.toThrow(message)
  })
})

async function start(module: string, name: string, options: object = {}) {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => lines.push(JSON.parse(line))
  const stopping = new AbortController()
  const exporter = await otelSdk(config.parse({ module, export: name, options }), {
    ...laneContext(),
    log: createLog({ level: 'info', encoding: 'json', write }),
    stopping: stopping.signal
  })
  return { exporter, lines, stop: () => stopping.abort() }
}

async function rejected(exporter: Exporter): Promise<Error> {
  return exporter(sent(logs), never).then(
    () => expect.unreachable('delivered'),
    (error) => error
  )
}

/** Lets the fixture's exporter answer. */
function release(result: { code: number; error?: Error }): void {
  const { answerHeld } = globalThis as unknown as { answerHeld: (result: object) => void }
  answerHeld(result)
}

function record(body: string, attributes: object = attributesOfAll): ReadableLogRecord {
  return {
    resource,
    instrumentationScope: scope,
    hrTime: [1_700_000_000, 5],
    hrTimeObserved: [1_700_000_000, 6],
    severityNumber: 9,
    severityText: 'INFO',
    body,
    attributes,
    droppedAttributesCount: 0
  } as unknown as ReadableLogRecord
}
