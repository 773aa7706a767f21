import { describe, expect, test } from 'vitest'
import { errorsOf, load } from './load.ts'

const root = new URL('../..', import.meta.url).pathname

interface Parts {
  receivers?: string
  processors?: string
  exporters?: string
  connectors?: string
  service?: string
  pipelines: Record<string, string>
}

/** A configuration in strict mode; what is not given is good. */
function strict({ pipelines, ...parts }: Parts): string {
  const {
    receivers = 'otlp: { protocols: { http: } }',
    processors = 'filter: { log_conditions: ["true"] }',
    exporters = 'awss3: { s3uploader: { s3_bucket: "file:./archive" } }',
    connectors = 'forward:',
    service = 'extensions: []'
  } = parts
  const ways = Object.entries(pipelines).map(([id, text]) => `    ${id}: { ${text} }`)
  return `receivers: { ${receivers} }
processors: { ${processors} }
exporters: { debug: , ${exporters} }
connectors: { ${connectors} }
service:
  audit: strict
  ${service}
  pipelines:
${ways.join('\n')}
`
}

const problems = (parts: Parts) => errorsOf(strict(parts), { root })
const accepted = async (parts: Parts) => {
  await load(strict(parts), { root })
}

const plain = { logs: 'receivers: [otlp], exporters: [awss3]' }
const ending = '(service.audit is strict)'

test('a configuration that keeps everything starts, without a mode and in strict mode', async () => {
  await accepted({ pipelines: plain })
  const careless = strict({
    service: 'journal: false',
    pipelines: { logs: 'receivers: [otlp], processors: [filter], exporters: [debug]' }
  })
  await load(careless.replace('audit: strict', 'audit: "off"'), { root })
})

test('an unknown mode is told with the nearest name', async () => {
  const [line] = await errorsOf(strict({ pipelines: plain }).replace('strict', 'strct'), { root })
  expect(line).toBe(
    'pipeline.yaml:6:10: \'service.audit\' must be one of off, strict, got "strct" (did you mean strict?)'
  )
})

describe('a filter', () => {
  const dropping = 'receivers: [otlp], processors: [filter], exporters: [awss3]'

  test('that drops what nothing else keeps is refused at its place in the pipeline', async () => {
    expect(await problems({ pipelines: { logs: dropping } })).toEqual([
      `pipeline.yaml:9:45: service::pipelines::logs: processor "filter" drops records that nothing else keeps: add a pipeline with receivers [otlp], no filter and an exporter that keeps them, or take it out ${ending}`
    ])
  })

  test('is fine beside a pipeline that keeps the same records, also behind a connector', async () => {
    await accepted({ pipelines: { logs: dropping, 'logs/all': plain.logs } })
    await accepted({
      pipelines: {
        'logs/in': 'receivers: [otlp], exporters: [forward]',
        'logs/some': 'receivers: [forward], processors: [filter], exporters: [awss3]',
        'logs/all': 'receivers: [forward], exporters: [awss3]'
      }
    })
  })

  test.each([
    ['keeps nothing', 'receivers: [otlp], exporters: [debug]'],
    ['has a filter too', 'receivers: [otlp], processors: [filter], exporters: [awss3]'],
    ['has other receivers', 'receivers: [otlp/other], exporters: [awss3]']
  ])('is refused beside a pipeline that %s', async (_, other) => {
    const lines = await problems({
      receivers: 'otlp: { protocols: { http: } }, otlp/other: { protocols: { grpc: } }',
      pipelines: { logs: dropping, 'logs/other': other }
    })
    expect(lines[0]).toMatch(/^pipeline.yaml:9:45: .*\[otlp\], no filter/)
  })

  test('is refused behind a choice of routes, whose other routes get other records', async () => {
    const lines = await problems({
      connectors:
        'routing: { table: [{ condition: "true", pipelines: [logs/a] }], default_pipelines: [logs/b] }',
      pipelines: {
        'logs/in': 'receivers: [otlp], exporters: [routing]',
        'logs/a': 'receivers: [routing], processors: [filter], exporters: [awss3]',
        'logs/b': 'receivers: [routing], exporters: [awss3]'
      }
    })
    expect(lines).toEqual([
      expect.stringMatching(/^pipeline.yaml:10:50: service::pipelines::logs\/a/)
    ])
  })
})

test('a choice of routes without default_pipelines is refused where nothing else keeps all', async () => {
  const routed = {
    connectors: 'routing: { table: [{ condition: "true", pipelines: [logs/a] }] }',
    pipelines: {
      'logs/in': 'receivers: [otlp], exporters: [routing]',
      'logs/a': 'receivers: [routing], exporters: [awss3]'
    }
  }
  expect(await problems(routed)).toEqual([
    `pipeline.yaml:4:15: connectors::routing: drops what no route takes: add default_pipelines ${ending}`
  ])
  await accepted({ ...routed, pipelines: { ...routed.pipelines, 'logs/all': plain.logs } })
})

test('exporters that keep nothing are refused as the only ones', async () => {
  const debug = 'receivers: [otlp], exporters: [debug]'
  expect(await problems({ pipelines: { logs: debug } })).toEqual([
    `pipeline.yaml:9:44: service::pipelines::logs: exporter "debug" keeps nothing, and no other gets all records of [otlp]: add one that keeps them, such as awss3 ${ending}`
  ])
  await accepted({ pipelines: { logs: 'receivers: [otlp], exporters: [debug, awss3]' } })
  await accepted({ pipelines: { logs: plain.logs, 'logs/look': debug } })
})

test('no journal is refused, and every limit on retries that then has no dead letters', async () => {
  const exporters =
    'otlp_http: { endpoint: "http://localhost:1", retry_on_failure: { max_elapsed_time: 5m } }, otlp_http/once: { endpoint: "http://localhost:1", retry_on_failure: { enabled: false } }'
  const pipelines = { logs: 'receivers: [otlp], exporters: [otlp_http, otlp_http/once]' }
  expect(await problems({ exporters, service: 'journal: false', pipelines })).toEqual([
    `pipeline.yaml:3:88: exporters::otlp_http::retry_on_failure: max_elapsed_time gives records up, and without a journal there are no dead letters: set it to 0, or use the journal ${ending}`,
    `pipeline.yaml:3:184: exporters::otlp_http/once::retry_on_failure: enabled: false gives records up at the first failure, and without a journal there are no dead letters: take it out, or use the journal ${ending}`,
    `pipeline.yaml:7:3: service::journal: false keeps records in memory only, and no dead letters: take it out, or name a directory ${ending}`
  ])
  await accepted({ exporters, pipelines })
})

describe('a listener', () => {
  test.each(['0.0.0.0:4318', ':4318', '10.0.0.1:4318', '[::]:4318', 'collector:4318'])(
    'on %s without TLS is refused',
    async (endpoint) => {
      const receivers = `otlp: { protocols: { http: { endpoint: "${endpoint}" } } }`
      expect(await problems({ receivers, pipelines: plain })).toEqual([
        `pipeline.yaml:1:43: receivers::otlp::protocols::http: endpoint ${endpoint} takes records from other machines without TLS or authentication: set tls, or listen on localhost ${ending}`
      ])
    }
  )

  test.each([
    'otlp: { protocols: { http: { endpoint: "127.0.0.1:4318" }, grpc: { endpoint: "[::1]:4317" } } }',
    'otlp: { protocols: { http: { endpoint: /run/otlp.sock, transport: unix } } }',
    'otlp: { protocols: { http: { endpoint: "0.0.0.0:4318", tls: { cert_pem: c, key_pem: k } } } }',
    's3_put: { endpoint: "0.0.0.0:9000", access_keys: [{ access_key_id: a, secret_access_key: b }] }'
  ])('%s is taken', async (receivers) => {
    const id = receivers.split(':')[0]!
    await accepted({ receivers, pipelines: { logs: `receivers: [${id}], exporters: [awss3]` } })
  })
})

test('a key template that can give two objects one key is refused', async () => {
  const archive = (template: string) =>
    `awss3: { marshaler: json_lines, s3uploader: { s3_bucket: "file:./archive", key_template: "${template}" } }`
  expect(await problems({ exporters: archive('%Y/{event_name}'), pipelines: plain })).toEqual([
    `pipeline.yaml:3:98: exporters::awss3::s3uploader: key_template can give two objects the same key: put {number} into it ${ending}`
  ])
  await accepted({ exporters: archive('%Y/{event_name}_{number}'), pipelines: plain })
})

test('a certificate that is not looked at is refused', async () => {
  const exporters =
    'otlp_http: { endpoint: "https://backend:4318", tls: { insecure_skip_verify: true } }'
  const pipelines = { logs: 'receivers: [otlp], exporters: [otlp_http]' }
  expect(await problems({ exporters, pipelines })).toEqual([
    `pipeline.yaml:3:77: exporters::otlp_http::tls: insecure_skip_verify lets anybody stand in for the far side: take it out, and name its authority in ca_file ${ending}`
  ])
})

test('what no pipeline uses is not looked at', async () => {
  await accepted({
    receivers:
      'otlp: { protocols: { http: } }, otlp/open: { protocols: { http: { endpoint: ":4318" } } }',
    exporters:
      'awss3: { s3uploader: { s3_bucket: "file:./archive" } }, otlp_http: { endpoint: "https://a:1", tls: { insecure_skip_verify: true } }',
    pipelines: plain
  })
})

test('the rules are looked at when all else is right', async () => {
  const cycle = {
    connectors: 'forward: , forward/back:',
    service: 'journal: false',
    pipelines: {
      'logs/a': 'receivers: [otlp, forward/back], exporters: [forward]',
      'logs/b': 'receivers: [forward], exporters: [forward/back]'
    }
  }
  expect(await problems(cycle)).toEqual([expect.stringContaining('cycle detected')])
})

test('all of it is told at once', async () => {
  const lines = await problems({
    receivers: 'otlp: { protocols: { http: { endpoint: "0.0.0.0:4318" } } }',
    service: 'journal: false',
    pipelines: { logs: 'receivers: [otlp], processors: [filter], exporters: [debug]' }
  })
  expect(lines.map((line) => line.split(': ')[1])).toEqual([
    'receivers::otlp::protocols::http',
    'service::journal',
    'service::pipelines::logs',
    'service::pipelines::logs'
  ])
})
