import { describe, expect, test } from 'vitest'
import { pathsOf } from '../../src/config/paths.ts'
import { componentRoot } from '../../src/load.ts'
import { errorsOf, load } from './load.ts'

const root = componentRoot

/** A configuration with these connectors, from line 2 on, and pipelines, each a line. */
function around(connectors: string, ...pipelines: string[]): string {
  return `connectors:
  ${connectors}
receivers: { otlp: { protocols: { http: } } }
processors: { batch: }
exporters: { debug: , debug/two: }
service:
  pipelines:
    ${pipelines.join('\n    ')}
`
}

const lanesOf = async (text: string, logsOnly = false) =>
  [...pathsOf((await load(text, { root, logsOnly })).config)].map(({ name, receivers }) => [
    name,
    ...receivers
  ])

describe('connectors', () => {
  test('each way from receivers to an exporter is a lane, named after all that lies on it', async () => {
    const text = around(
      'forward: {}',
      'logs/in: { receivers: [otlp], exporters: [debug, forward] }',
      'logs/more: { receivers: [otlp], exporters: [forward] }',
      'logs/out: { receivers: [forward, otlp], exporters: [debug/two] }'
    )
    expect(await lanesOf(text)).toEqual([
      ['logs/in/debug', 'otlp'],
      ['logs/in+forward+logs/out/debug/two', 'otlp'],
      ['logs/more+forward+logs/out/debug/two', 'otlp'],
      ['logs/out/debug/two', 'otlp']
    ])
  })

  test.each<[mistake: string, text: string, ...errors: string[]]>([
    [
      'a connector that is only an exporter',
      around('forward:', 'logs/in: { receivers: [otlp], exporters: [debug, forward] }'),
      'pipeline.yaml:8:54: failed to build pipelines: connector "forward" used as exporter in [logs/in] pipeline but not used in any supported receiver pipeline'
    ],
    [
      'a connector that is only a receiver',
      around(
        'forward:',
        'logs/a: { receivers: [forward], exporters: [debug] }',
        'logs/b: { receivers: [otlp, forward], exporters: [debug] }'
      ),
      'pipeline.yaml:8:27: failed to build pipelines: connector "forward" used as receiver in [logs/a logs/b] pipeline but not used in any supported exporter pipeline'
    ],
    [
      'a pipeline that feeds itself',
      around('forward:', 'logs: { receivers: [otlp, forward], exporters: [forward] }'),
      'pipeline.yaml:8:53: failed to build pipelines: cycle detected: connector "forward" (logs to logs) -> connector "forward" (logs to logs)'
    ],
    [
      'a cycle through processors',
      around(
        'forward: ,\n  forward/back:'.replace(' ,', ''),
        'logs/in: { receivers: [otlp], exporters: [forward] }',
        'logs/a: { receivers: [forward, forward/back], processors: [batch], exporters: [forward/two] }',
        'logs/b: { receivers: [forward/two], exporters: [forward/back] }'
      ).replace('forward/back:\n', 'forward/back:\n  forward/two:\n'),
      'pipeline.yaml:11:84: failed to build pipelines: cycle detected: connector "forward/two" (logs to logs) -> connector "forward/back" (logs to logs) -> processor "batch" in pipeline "logs/a" -> connector "forward/two" (logs to logs)'
    ],
    [
      'a lane without a name of its own',
      around(
        'forward:',
        'logs: { receivers: [otlp], exporters: [debug/two] }',
        'logs/debug: { receivers: [otlp], exporters: [two] }'
      ).replace(
        'debug/two: }',
        'debug/two: , two: { type: ./test/fixtures/components/modules/own_exporter.ts } }'
      ),
      'pipeline.yaml:9:5: service::pipelines: two lanes would have the name logs/debug/two: rename a pipeline or an exporter'
    ]
  ])('refuses %s', async (_, text, ...errors) => {
    expect(await errorsOf(text, { root })).toEqual(errors)
  })

  test('a connector that no pipeline names does nothing', async () => {
    const text = around('forward:', 'logs: { receivers: [otlp], exporters: [debug] }')
    expect(await lanesOf(text)).toEqual([['logs/debug', 'otlp']])
  })

  test('so many ways that nobody can have meant them are refused', async () => {
    const layers = Array.from({ length: 10 }, (_, n) => n)
    const pipelines = layers.flatMap((n) =>
      ['x', 'y'].map(
        (side) =>
          `logs/${n}${side}: { receivers: [${n === 0 ? 'otlp' : `forward/${n}`}], exporters: [${n === 9 ? 'debug' : `forward/${n + 1}`}] }`
      )
    )
    const connectors = layers
      .slice(1)
      .map((n) => `forward/${n}:`)
      .join('\n  ')
    expect(await errorsOf(around(connectors, ...pipelines), { root })).toEqual([
      'pipeline.yaml:17:5: service::pipelines: more than 1000 ways lead from receivers to exporters, and each would be a lane'
    ])
  })
})

const table = (...routes: string[]) =>
  `routing: { table: [${routes.join(', ')}], default_pipelines: [logs/out] }`
const pipelines = [
  'logs/in: { receivers: [otlp], exporters: [routing] }',
  'logs/out: { receivers: [routing], exporters: [debug] }'
]

describe('routing', () => {
  test.each<[mistake: string, routing: string, ...errors: string[]]>([
    [
      'no routes',
      'routing: { default_pipelines: [logs/out] }',
      '2:3: connectors::routing: invalid routing table: the routing table is empty'
    ],
    [
      'a route without a condition',
      table('{ pipelines: [logs/out] }'),
      '2:22: connectors::routing::table::0: invalid route: no condition or statement provided'
    ],
    [
      'a condition and a statement',
      table('{ condition: "true", statement: "route()", pipelines: [logs/out] }'),
      '2:22: connectors::routing::table::0: invalid route: both condition and statement provided'
    ],
    [
      'a route to nowhere',
      table('{ condition: "true" }'),
      '2:22: connectors::routing::table::0: invalid route: no pipelines defined'
    ],
    [
      'a context of another signal',
      table('{ context: span, condition: "true", pipelines: [logs/out] }'),
      "2:33: connectors::routing::table::0: 'context' invalid context: span".replace(
        "'context' ",
        ''
      )
    ],
    [
      'a map in the place of a name',
      table('{ context: { log: }, condition: "true", pipelines: [logs/out] }'),
      "2:24: connectors::routing: 'table[0].context' expected type 'string', got unconvertible type 'map[string]interface {}'"
    ],
    [
      'a request condition that is OTTL',
      table(`{ context: request, condition: 'IsMatch(body, "x")', pipelines: [logs/out] }`),
      '2:53: connectors::routing: \'table[0].condition\' condition does not contain a valid comparator, at column 1: IsMatch(body, "x")'
    ],
    [
      'a question to the request that asks the resource',
      table(
        `{ context: otelcol, condition: 'resource.attributes["a"] == 1', pipelines: [logs/out] }`
      ),
      `2:53: connectors::routing: 'table[0].condition' all paths must begin with otelcol in this context, at column 1: resource.attributes["a"] == 1`
    ],
    [
      'a statement for a request',
      table('{ context: request, statement: "route()", pipelines: [logs/out] }'),
      `2:22: connectors::routing::table::0: "request" context requires a 'condition'`
    ],
    [
      'OTTL that does not parse',
      table(`{ context: log, condition: 'atributes["a"] == 1', pipelines: [logs/out] }`),
      `2:49: connectors::routing: 'table[0].condition' unknown path "atributes["a"]" (did you mean attributes?), at column 1: atributes["a"] == 1`
    ],
    [
      'a statement that changes something',
      table(`{ statement: 'delete_key(attributes, "a") where true', pipelines: [logs/out] }`),
      `2:35: connectors::routing: 'table[0].statement' a route changes nothing: route() is expected, at column 1: delete_key(attributes, "a") where true`
    ],
    [
      'a route that never has its turn',
      table(
        `{ condition: 'attributes["a"] == 1', pipelines: [logs/out] }`,
        `{ context: resource, statement: 'route() where attributes["a"] == 1', pipelines: [logs/out] }`
      ),
      "2:84: connectors::routing: 'table[1]' asks the same as table[0], and would be ignored"
    ],
    [
      'a pipeline that is not behind it',
      table('{ condition: "true", pipelines: [logs/otu, logs/in] }'),
      '2:55: connectors::routing: pipeline not found: "logs/otu" is no pipeline that has "routing" among its receivers (did you mean logs/out?)',
      '2:65: connectors::routing: pipeline not found: "logs/in" is no pipeline that has "routing" among its receivers'
    ],
    [
      'a key that is gone',
      'routing: { match_once: true, table: [{ condition: "true", pipelines: [logs/out] }] }',
      "2:26: connectors::routing: 'match_once' the Collector has taken it out; a record takes the first route that holds, or with `action: copy` later ones too"
    ]
  ])('refuses %s', async (_, routing, ...errors) => {
    expect(await errorsOf(around(routing, ...pipelines), { root })).toEqual(
      errors.map((error) => `pipeline.yaml:${error}`)
    )
  })

  test('what would be lost or left out unnoticed is told at start', async () => {
    const text = around(
      'routing: { table: [{ condition: "true", pipelines: [logs/out] }] }',
      ...pipelines,
      'logs/idle: { receivers: [routing], exporters: [debug] }'
    )
    expect((await load(text, { root })).notes).toEqual([
      {
        level: 'warn',
        place: 'pipeline.yaml:10:30',
        text: 'logs/idle gets nothing from "routing", which does not name it'
      },
      {
        level: 'warn',
        place: 'pipeline.yaml:2:12',
        text: 'connectors::routing: what no route takes is dropped: add default_pipelines'
      }
    ])
  })
})

describe('--logs-only', () => {
  const text = around(
    'count: { logs: }\n  exceptions:\n  forward:',
    'traces: { receivers: [otlp], exporters: [exceptions] }',
    'logs/exceptions: { receivers: [exceptions], exporters: [debug] }',
    'logs/in: { receivers: [otlp, exceptions], exporters: [count, forward] }',
    'logs/count: { receivers: [forward], exporters: [count] }',
    'logs/out: { receivers: [forward], exporters: [debug] }',
    'metrics: { receivers: [count], exporters: [debug/two] }'
  )

  test('leaves out connectors that join signals, and pipelines that lead nowhere else', async () => {
    expect(await lanesOf(text, true)).toEqual([['logs/in+forward+logs/out/debug', 'otlp']])
    const { notes } = await load(text, { root, logsOnly: true })
    expect(notes.map(({ text }) => text)).toEqual([
      '--logs-only leaves out the pipelines traces, logs/exceptions, logs/count, metrics, and what only they use: receivers exceptions, count; exporters exceptions, count, debug/two'
    ])
  })
})
