import { expect, test } from 'vitest'
import forward from '../../connectors/forward.ts'
import routing, { config } from '../../connectors/routing/routing.ts'
import type { Connector, Meta } from '../../src/component.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { junction } from '../../src/pipeline/junction.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { bodiesOf, laneContext, sent } from '../batches.ts'
import { testProcessor } from '../contract/processor.ts'

/** Two tenants with records of bodies `a1`, `a2`, `b1`, `b2`, of severities 1 and 2. */
function four() {
  const record = (tenant: string, severityNumber: number) => ({
    severityNumber,
    body: { stringValue: `${tenant}${severityNumber}` }
  })
  const resource = (tenant: string) => ({
    resource: { attributes: [{ key: 'tenant', value: { stringValue: tenant } }] },
    scopeLogs: [{ scope: { name: tenant }, logRecords: [record(tenant, 1), record(tenant, 2)] }]
  })
  const request = { resourceLogs: [resource('a'), resource('b')] }
  return logsFromJson(Buffer.from(JSON.stringify(request)))
}

function connector(options: object, to: string) {
  const counts: Record<string, number> = {}
  const lines: string[] = []
  const count = (name: string, n: number) => {
    counts[name] = (counts[name] ?? 0) + n
  }
  const context = {
    ...laneContext({ count }),
    id: 'routing',
    log: createLog({ level: 'warn', encoding: 'json', write: (line) => lines.push(line) }),
    to
  }
  return { passed: routing(config.parse(options), context), counts, lines }
}

/** What each of these pipelines gets of the four records, with how many of them went elsewhere or were dropped. */
function routed(options: object, pipelines: readonly string[], meta: Partial<Meta> = {}) {
  return pipelines.map((to) => {
    const { passed, counts } = connector(options, to)
    const batch = sent(four(), meta)
    const { logs, elsewhere } = passed(batch.logs, batch)
    const dropped = counts['dropped by routing without a route'] ?? 0
    expect(logs.records + elsewhere + dropped).toBe(4)
    return `${bodiesOf(logs).join(' ')}, ${elsewhere} elsewhere${dropped ? `, ${dropped} dropped` : ''}`
  })
}

const first = { condition: 'resource.attributes["tenant"] == "a"', pipelines: ['logs/a'] }
const low = { context: 'log', condition: 'severity_number < 2', pipelines: ['logs/low'] }

test('a record takes the first route that holds for it, others the default', () => {
  const options = { table: [low, first], default_pipelines: ['logs/rest'] }
  expect(routed(options, ['logs/low', 'logs/a', 'logs/rest'])).toEqual([
    'a1 b1, 2 elsewhere',
    'a2, 3 elsewhere',
    'b2, 3 elsewhere'
  ])
})

test('without a default the others are dropped, and every lane counts them', () => {
  expect(routed({ table: [low, first] }, ['logs/low', 'logs/a'])).toEqual([
    'a1 b1, 1 elsewhere, 1 dropped',
    'a2, 2 elsewhere, 1 dropped'
  ])
})

test('what is copied goes on to later routes and to the default', () => {
  const options = {
    table: [{ ...low, action: 'copy' }, first],
    default_pipelines: ['logs/rest']
  }
  expect(routed(options, ['logs/low', 'logs/a', 'logs/rest'])).toEqual([
    'a1 b1, 2 elsewhere',
    'a1 a2, 2 elsewhere',
    'b1 b2, 2 elsewhere'
  ])
  expect(routed({ table: [{ ...low, action: 'copy' }] }, ['logs/low'])).toEqual([
    'a1 b1, 0 elsewhere, 2 dropped'
  ])
})

test('a pipeline that several routes name gets a record once', () => {
  const options = {
    table: [
      { ...low, action: 'copy' },
      { ...first, pipelines: ['logs/low'] }
    ]
  }
  expect(routed(options, ['logs/low'])).toEqual(['a1 a2 b1, 0 elsewhere, 1 dropped'])
})

test.each([
  ['resource', 'attributes["tenant"] == "b"', 'b1 b2, 2 elsewhere'],
  [undefined, 'attributes["tenant"] == "b"', 'b1 b2, 2 elsewhere'],
  [undefined, 'log.body == "b1"', 'b1, 3 elsewhere'],
  [undefined, 'scope.name == "a"', 'a1 a2, 2 elsewhere'],
  ['log', 'body == "b1" and resource.attributes["tenant"] == "b"', 'b1, 3 elsewhere'],
  ['resource', 'true', 'a1 a2 b1 b2, 0 elsewhere']
])('context %s, %s', (context, condition, expected) => {
  const pipelines = ['logs/to']
  const rest = { default_pipelines: ['logs/rest'] }
  const of = context === undefined ? {} : { context }
  expect(routed({ table: [{ ...of, condition, pipelines }], ...rest }, pipelines)).toEqual([
    expected
  ])
  const statement = `route() where ${condition}`
  expect(routed({ table: [{ ...of, statement, pipelines }], ...rest }, pipelines)).toEqual([
    expected
  ])
})

test.each([
  ['request["X-Tenant"] == "a"', { 'x-tenant': ['b', 'a'] }, true],
  ['request["X-Tenant"] == "a"', { 'x-tenant': ['b'] }, false],
  ['request["X-Tenant"] == "a"', {}, false],
  ['request["X-Tenant"] != "a"', { 'x-tenant': ['b'] }, true],
  ['request["X-Tenant"] != "a"', { 'x-tenant': ['a'] }, false],
  ['request["X-Tenant"] != "a"', {}, false]
])('%s of %j: %s', (condition, client, holds) => {
  const table = [{ context: 'request', condition, pipelines: ['logs/to'] }]
  const options = { table, default_pipelines: ['logs/rest'] }
  expect(routed(options, ['logs/to'], { client: client as Meta['client'] & {} })).toEqual([
    holds ? 'a1 a2 b1 b2, 0 elsewhere' : ', 4 elsewhere'
  ])
})

test.each([
  ['otelcol', 'otelcol.client.metadata["X-Tenant"][0] == "a"', true],
  [undefined, 'otelcol.client.metadata["x-tenant"][1] == "b"', true],
  [undefined, 'otelcol.grpc.metadata["x-tenant"][0] == "b"', false],
  [undefined, 'otelcol.client.metadata["none"] == nil', true],
  [undefined, 'Len(otelcol.client.metadata["x-tenant"]) == 2', true],
  ['log', 'otelcol.client.metadata["x-tenant"][0] == "a" and severity_number > 0', true]
] as const)('of the request: %s, %s', (context, condition, holds) => {
  const table = [{ ...(context && { context }), condition, pipelines: ['logs/to'] }]
  const options = { table, default_pipelines: ['logs/rest'] }
  expect(routed(options, ['logs/to'], { client: { 'x-tenant': ['a', 'b'] } })).toEqual([
    holds ? 'a1 a2 b1 b2, 0 elsewhere' : ', 4 elsewhere'
  ])
})

test('a request without a route, and no default, is dropped by number', () => {
  const table = [{ context: 'request', condition: 'request["a"] == "b"', pipelines: ['logs/to'] }]
  expect(routed({ table }, ['logs/to'])).toEqual([', 0 elsewhere, 4 dropped'])
})

const failing = { condition: 'Int(log.body) / 0 == 1 or log.body == "a1"', pipelines: ['logs/to'] }

test('a condition that fails does not hold; the first failure is told, all are counted', () => {
  const options = { table: [failing], default_pipelines: ['logs/rest'] }
  const batch = sent(four())
  const { passed, counts, lines } = connector(options, 'logs/rest')
  expect(passed(batch.logs, batch).logs.records).toBe(4)
  expect(counts).toEqual({ 'failed by routing table[0].condition': 4 })
  expect(lines).toHaveLength(1)
  const silent = connector({ ...options, error_mode: 'silent' }, 'logs/rest')
  expect([silent.passed(batch.logs, batch).logs.records, silent.lines]).toEqual([4, []])
})

test('propagate: the records whose route cannot be told are refused, in every lane', () => {
  const table = [{ context: 'log', condition: 'Int(body) + 1 == 1', pipelines: ['logs/to'] }]
  const { passed } = connector({ table, error_mode: 'propagate' }, 'logs/to')
  expect(() => passed(four(), sent(four()))).toThrow('running')
})

test('what passes as it is keeps its bytes', () => {
  const { passed } = connector({ table: [{ ...first, condition: 'true' }] }, 'logs/a')
  const logs = four()
  expect(passed(logs, sent(logs)).logs).toBe(logs)
})

const lifted = (connector: Connector) =>
  junction(connector, { routed: () => {}, past: (batch) => batch.settle() })

testProcessor('forward in a lane', () => lifted(forward()))
testProcessor(
  'routing in a lane',
  (context) => {
    const table = [{ condition: 'log.body < 9', pipelines: ['logs/to'] }]
    return lifted(routing(config.parse({ table }), { ...context, to: 'logs/to' }))
  },
  { drops: true }
)
