import { SeverityNumber } from '@opentelemetry/api'
import { OTLPLogExporter as GrpcExporter } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  type LogRecordExporter
} from '@opentelemetry/sdk-logs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { RefusedError } from '../../src/component.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { type Settling, startGrpc, startHttp, takeAll } from '../otlp/start.ts'

type Start = typeof startHttp
type Connect = (address: string) => LogRecordExporter
const http: [string, Start, Connect][] = [
  ['http/protobuf', startHttp, (to) => new ProtobufExporter({ url: `http://${to}/v1/logs` })],
  ['http/json', startHttp, (to) => new JsonExporter({ url: `http://${to}/v1/logs` })]
]
const grpc: [string, Start, Connect] = [
  'grpc',
  startGrpc,
  (to) => new GrpcExporter({ url: `http://${to}` })
]

describe.each([...http, grpc])('the OpenTelemetry SDK over %s', (_, start, exporterTo) => {
  test.each(['none', 'gzip'])(
    'delivers its records as they were emitted, compression %s',
    async (compression) => {
      vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', compression)
      const { address, batches } = await start({}, takeAll)
      await emit(exporterTo(address), 300)
      const records = batches.flatMap(({ logs }) => decodeLogs(logs))
      expect(records).toHaveLength(300)
      const [first] = records
      expect(first).toMatchObject({
        body: 'key created 0',
        severityNumber: SeverityNumber.INFO,
        attributes: { actor: 'ann', count: 0, ok: true, list: ['a', 'b'] }
      })
      expect(first!.resource.attributes['service.name']).toBe('proxy')
      expect(first!.instrumentationScope.name).toBe('audit')
    }
  )
})

test.each(http)(
  'the SDK over %s comes back after a refusal, and loses nothing',
  async (_, start, exporterTo) => {
    let refusals = 1
    const refuseFirst: Settling = {
      each: (batch) => {
        if (refusals-- > 0) batch.settle(new RefusedError('later', { reason: 'unavailable' }))
        else batch.settle()
      }
    }
    const { address, batches } = await start({}, refuseFirst)
    await emit(exporterTo(address), 1)
    expect(batches.map(({ logs }) => logs.records)).toEqual([1, 1])
  }
)

afterEach(() => void vi.unstubAllEnvs())

async function emit(exporter: LogRecordExporter, records: number): Promise<void> {
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'proxy' }),
    processors: [new BatchLogRecordProcessor({ exporter })]
  })
  const logger = provider.getLogger('audit')
  for (let i = 0; i < records; i++) {
    logger.emit({
      severityNumber: SeverityNumber.INFO,
      body: `key created ${i}`,
      attributes: { actor: 'ann', count: i, ok: true, list: ['a', 'b'] }
    })
  }
  await provider.forceFlush()
  await provider.shutdown()
}
