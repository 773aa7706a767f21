import { expect, test } from 'vitest'
import { errorsOf, load } from './load.ts'

const around = (service: string, more = '') => `receivers: { otlp: { protocols: { http: } } }
exporters: { debug: }
${more}service:
  pipelines: { logs: { receivers: [otlp], exporters: [debug] } }
  ${service}
`

test.each<[service: string, telemetry: object]>([
  [
    'telemetry: { logs: { level: DEBUG, encoding: json, output_paths: [stderr, a.log] } }',
    { logs: { level: 'debug', encoding: 'json', output_paths: ['stderr', 'a.log'] } }
  ],
  ['telemetry: { logs: { level: fatal } }', { logs: { level: 'error' } }],
  [
    'telemetry: { logs: { initial_fields: { team: a }, sampling: { enabled: false }, disable_caller: true } }',
    { logs: { initial_fields: { team: 'a' } } }
  ],
  [
    'telemetry: { resource: { service.name: x, service.version: } }',
    { resource: { 'service.name': 'x' } }
  ],
  [
    'telemetry: { metrics: { level: None, readers: [{ pull: }] }, traces: { level: none } }',
    { metrics: { level: 'none' } }
  ],
  ['telemetry:', { logs: { level: 'info' } }]
])('%s', async (service, telemetry) => {
  expect((await load(around(service))).config.telemetry).toMatchObject(telemetry)
})

test.each<[service: string, error: string]>([
  [
    'telemetry: { metrics: { level: basic } }',
    '5:16: service::telemetry::metrics: auditcol has no metrics of its own yet: set level to none, or leave metrics out'
  ],
  [
    'telemetry: { metrics: { readers: [{ pull: { } }] } }',
    '5:16: service::telemetry::metrics: auditcol has no metrics of its own yet: set level to none, or leave metrics out'
  ],
  [
    'telemetry: { traces: { processors: [{ batch: }] } }',
    '5:16: service::telemetry::traces: auditcol records no traces of itself: set level to none, or leave traces out'
  ],
  [
    'telemetry: { logs: { sampling: } }',
    '5:24: service::telemetry::logs::sampling: sampling must have enabled: false, since auditcol leaves out none of its messages'
  ],
  [
    'telemetry: { logs: { development: true } }',
    '5:37: service::telemetry::logs: there is no development mode: leave it out, or say false'
  ],
  [
    'telemetry: { logs: { processors: [a] } }',
    "5:24: service::telemetry::logs: 'processors' auditcol does not send its own log over OTLP: leave it out"
  ],
  [
    'telemetry: { logs: { encodings: json } }',
    "5:24: 'service.telemetry.logs' has invalid keys: encodings (did you mean encoding?)"
  ],
  [
    'journal: true',
    "5:12: 'service.journal' expected type false or 'map[string]interface {}', got unconvertible type 'bool'"
  ],
  ['journal: { max_size: 0 }', '5:24: service::journal: max_size must be positive'],
  [
    'journal: { max_size: 5XiB }',
    `5:24: 'service.journal.max_size' invalid size "5XiB": use bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB`
  ],
  [
    'extensions: health_check',
    "5:15: 'service.extensions' source data must be an array or slice, got string"
  ]
])('refuses %s', async (service, error) => {
  expect(await errorsOf(around(service))).toEqual([`pipeline.yaml:${error}`])
})

test.each<[service: string, journal: unknown]>([
  ['journal: false', false],
  [
    'journal:',
    { directory: './journal', max_size: 2 ** 33, min_free: 2 ** 28, max_dead_letters: 2 ** 30 }
  ],
  [
    'journal: { directory: /j, max_size: 1GiB, min_free: 0 }',
    { directory: '/j', max_size: 2 ** 30, min_free: 0, max_dead_letters: 2 ** 30 }
  ]
])('%s', async (service, journal) => {
  expect((await load(around(service))).config.journal).toEqual(journal)
})

const mixed = `receivers:
  otlp: { protocols: { http: } }
  prometheus: { config: }
processors: { batch: , metricstransform: }
exporters: { debug: , zipkin: , prometheusremotewrite: }
connectors: { spanmetrics: }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [debug] }
    traces/a: { receivers: [otlp], processors: [batch], exporters: [zipkin, spanmetrics] }
    metrics: { receivers: [prometheus, spanmetrics], processors: [metricstransform], exporters: [prometheusremotewrite] }
`

test('other signals are refused where they stand, and nothing else is said of what only they use', async () => {
  const refusal =
    'auditcol carries logs only: take this pipeline out, or start with --logs-only, which leaves out pipelines of other signals and what only they use'
  expect(await errorsOf(mixed)).toEqual([
    `pipeline.yaml:10:5: service::pipelines::traces/a: ${refusal}`,
    `pipeline.yaml:11:5: service::pipelines::metrics: ${refusal}`
  ])
})

test('--logs-only leaves them out, and what only they use, and says so in one line', async () => {
  const { config, notes } = await load(mixed, { logsOnly: true })
  expect(config.pipelines.map(({ id }) => id)).toEqual(['logs'])
  expect([
    ...config.receivers.keys(),
    ...config.processors.keys(),
    ...config.exporters.keys()
  ]).toEqual(['otlp', 'batch', 'debug'])
  expect(notes).toEqual([
    {
      level: 'info',
      place: 'pipeline.yaml:10:5',
      text: '--logs-only leaves out the pipelines traces/a, metrics, and what only they use: receivers prometheus, spanmetrics; processors metricstransform; exporters zipkin, spanmetrics, prometheusremotewrite'
    }
  ])
})

test('--logs-only with no logs leaves nothing', async () => {
  const text = mixed.replace(/ {4}logs:.*\n/, '')
  expect(await errorsOf(text, { logsOnly: true })).toContain(
    'pipeline.yaml:8:3: service::pipelines: service must have at least one pipeline, and none of these carries logs'
  )
})
