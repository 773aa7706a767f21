// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorsOf, load, root, withExporter } from './load.ts'

test('gives everything an engine needs, parsed and with defaults', async () => {
  const { config, notes } = await load(`
service:
  extensions: [health_check]
  pipelines:
    logs/in: { receivers: [otlp/a, otlp/a], processors: [], exporters: [debug, awss3] }
    logs: { receivers: [file_log], processors: [batch, batch/2], exporters: [debug] }
receivers:
  otlp/a:
    protocols:
      grpc:
  file_log: { include: "a.log,b.log", attributes: { team: audit }, operators: [{ type: move, from: a, to: b }] }
processors: { batch: , batch/2: { timeout: 8 }, batch/unused: {} }
exporters:
  debug:
  awss3: { s3uploader: { s3_bucket: b }, timeout: 1m, retry_on_failure: { max_interval: 1h } }
extensions: { health_check: }
`)
  expect(config.pipelines).toEqual([
    { id: 'logs/in', receivers: ['otlp/a'], processors: [], exporters: ['debug', 'awss3'] },
    { id: 'logs', receivers: ['file_log'], processors: ['batch', 'batch/2'], exporters: ['debug'] }
  ])
  expect(config.receivers.get('otlp/a')).toMatchObject({
    id: 'otlp/a',
    kind: 'receiver',
    type: 'otlp',
    place: expect.stringMatching(/\/pipeline.yaml:8:3$/),
    options: { protocols: { grpc: { endpoint: 'localhost:4317' } } }
  })
  expect(config.receivers.get('otlp/a')!.memory(0)).toBe(1000)
  expect(config.receivers.get('file_log')!.memory(0)).toBe(0)
  // One that does not say may hold a lane's window once more.
  expect(config.exporters.get('debug')!.memory(64)).toBe(64)
  expect(config.receivers.get('file_log')!.options).toMatchObject({ include: ['a.log', 'b.log'] })
  expect(config.processors.get('batch/2')!.options).toMatchObject({ timeout: 8e-6 })
  expect([...config.processors.keys()]).toEqual(['batch', 'batch/2', 'batch/unused'])
  expect(config.exporters.get('awss3')).toMatchObject({
    options: { timeout: 60_000 },
    delivery: { timeout: 0, retry_on_failure: { max_interval: 3_600_000, max_elapsed_time: 0 } }
  })
  expect(config.exporters.get('debug')).toMatchObject({
    options: { verbosity: 'basic' },
    delivery: { timeout: 5000, sending_queue: { num_consumers: 10, sizer: 'requests' } }
  })
  expect(config).toMatchObject({
    extensionsInUse: ['health_check'],
    journal: { directory: './journal', max_size: 8 * 2 ** 30, min_free: 256 * 2 ** 20 },
    telemetry: {
      logs: { level: 'info', encoding: 'console', output_paths: ['stderr'] },
      resource: {}
    }
  })
  expect(notes).toEqual([])
})

test('anchors, merge keys, empty bodies and flow style, as real files have them', async () => {
  const { config } = await load(
    `
receivers: { otlp: { protocols: { grpc: , http: {} } } }
exporters:
  debug: { sending_queue: &queue { enabled: true, num_consumers: 3 } }
  awss3:
    s3uploader:
      region: !!str \${env:REGION}
      s3_bucket: "\${BUCKET}"
      s3_prefix: audit/\${env:ENV:-dev}
    sending_queue:
      <<: *queue
      batch:
    retry_on_failure: &queue
  debug/2: { sending_queue: *queue }
service: { pipelines: { logs/in: { receivers: [otlp], exporters: [awss3] } } }
`,
    { env: { REGION: 'eu-west-1', BUCKET: '0042' } }
  )
  expect(config.exporters.get('awss3')).toMatchObject({
    options: { s3uploader: { region: 'eu-west-1', s3_bucket: '0042', s3_prefix: 'audit/dev' } },
    delivery: {
      sending_queue: {
        num_consumers: 3,
        batch: { flush_timeout: 200, min_size: 8192, max_size: 0, sizer: 'items' }
      }
    }
  })
  expect(config.exporters.get('debug/2')!.delivery!.sending_queue.num_consumers).toBe(10)
})

test('old names are aliases with a warning, and the id stays', async () => {
  const { config, notes } = await load(`
receivers: { filelog: { include: [a] } }
exporters: { otlphttp/far: { endpoint: x } }
service: { pipelines: { logs: { receivers: [filelog], exporters: [otlphttp/far] } } }
`)
  expect(config.receivers.get('filelog')).toMatchObject({ id: 'filelog', type: 'file_log' })
  expect(config.exporters.get('otlphttp/far')).toMatchObject({ type: 'otlp_http' })
  expect(notes).toEqual([
    {
      level: 'warn',
      place: 'pipeline.yaml:2:14',
      text: '"filelog" is now called "file_log": please use the new name'
    },
    {
      level: 'warn',
      place: 'pipeline.yaml:3:14',
      text: '"otlphttp" is now called "otlp_http": please use the new name'
    }
  ])
})

test('a component that is a folder is found by its name', async () => {
  const { config } = await load(withExporter('grown', 'size: 2'))
  expect(config.exporters.get('grown')!.options).toEqual({ size: 2 })
})

const modules = join(root, 'modules')

test('an exporter outside the tree is named by its module', async () => {
  const { config } = await load(
    withExporter('mine', `type: ${modules}/own_exporter.ts\ngreeting: hi\ntimeout: 1s`)
  )
  expect(config.exporters.get('mine')).toMatchObject({
    id: 'mine',
    options: { greeting: 'hi' },
    delivery: { timeout: 1000 }
  })
})

test.each([
  [
    '"@opentelemetry/sdk-logs#ConsoleLogRecordExporter"',
    '@opentelemetry/sdk-logs',
    'ConsoleLogRecordExporter'
  ],
  [`${modules}/class_exporter.ts`, `${modules}/class_exporter.ts`, 'default']
])('a class is given to the adapter: %s', async (type, module, exported) => {
  const { config } = await load(
    withExporter('far', `type: ${type}\noptions: { url: x }\nsending_queue: { num_consumers: 2 }`)
  )
  expect(config.exporters.get('far')).toMatchObject({
    type: 'otel_sdk',
    options: { module, export: exported, options: { url: 'x' } },
    delivery: { sending_queue: { num_consumers: 2 } }
  })
})

test.each<[type: string, error: string | RegExp]>([
  [
    `${modules}/no_component.ts`,
    /no_component.ts: it must export `config`, a z.strictObject of zod 4$/
  ],
  [`${modules}/not_there.ts`, /^pipeline.yaml:3:3: exporters::mine: loading .*not_there.ts: /],
  [
    'no-such-package',
    /^pipeline.yaml:3:3: exporters::mine: loading no-such-package: Cannot find package/
  ]
])('says why a module is none: %s', async (type, error) => {
  expect(await errorsOf(withExporter('mine', `type: ${type}`))).toEqual([
    expect.stringMatching(error)
  ])
})

test('all that is wrong is told at once, in the order of the file', async () => {
  const errors = await errorsOf(`
receivers:
  otlp: { protocols: { http: { endpoint: 1, max_size_mib: 0 } } }
  file_log: { include: [], operators: [{ type: mov }, { type: json_parser, form: a }] }
processors:
  batch: { timeout: 1x, send_batch_size: -1 }
exporters:
  awss3: { s3uploader: { s3_bucket: b, compression: gz } }
  unused: {}
extensions:
  health_check: { port: 1 }
service:
  extensions: [zpages]
  telemetry: { logs: { level: loud } }
  journal: { directory: "", max_sise: 1GiB }
  pipelines:
    logs: { receivers: [otlp], processors: [batch, filter], exporters: [awss3] }
    traces: { receivers: [otlp], exporters: [zipkin] }
`)
  expect(errors).toEqual([
    "pipeline.yaml:3:42: receivers::otlp: 'protocols.http.endpoint' expected type 'string', got unconvertible type 'int'",
    "pipeline.yaml:3:59: receivers::otlp: 'protocols.http.max_size_mib' must be more than 0, got 0",
    'pipeline.yaml:4:15: receivers::file_log: required argument `include` is empty',
    'pipeline.yaml:4:48: receivers::file_log: \'operators[0].type\' must be one of move, json_parser, got "mov" (did you mean move?)',
    "pipeline.yaml:4:76: receivers::file_log: 'operators[1]' has invalid keys: form (did you mean from?)",
    'pipeline.yaml:6:21: processors::batch: \'timeout\' time: unknown unit "x" in duration "1x"',
    "pipeline.yaml:6:42: processors::batch: 'send_batch_size' must be at least 0, got -1",
    'pipeline.yaml:8:53: exporters::awss3: \'s3uploader.compression\' must be one of "", none, gzip, zstd, got "gz" (did you mean gzip?)',
    'pipeline.yaml:9:3: exporters: unknown type: "unused" for id: "unused" (valid values: [awss3 broken debug grown otel_sdk otlp_http])',
    "pipeline.yaml:11:19: extensions::health_check: '' has invalid keys: port",
    'pipeline.yaml:13:16: service::extensions: references extension "zpages" which is not configured',
    'pipeline.yaml:14:31: service::telemetry::logs: unrecognized level: "loud" (valid values: [debug info warn error dpanic panic fatal])',
    'pipeline.yaml:15:25: service::journal: journal directory must not be empty',
    "pipeline.yaml:15:29: 'service.journal' has invalid keys: max_sise (did you mean max_size?)",
    'pipeline.yaml:17:52: service::pipelines::logs: references processor "filter" which is not configured',
    expect.stringMatching(
      /^pipeline.yaml:18:5: service::pipelines::traces: auditcol carries logs only: .*--logs-only/
    )
  ])
})
