import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import filter, { config } from '../../processors/filter.ts'
import { type Batch, type Meta, PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { laneContext, sent } from '../batches.ts'
import { testProcessor } from '../contract/processor.ts'

const make = (options: object) => (context: Parameters<typeof filter>[1]) =>
  filter(config.parse(options), context)
testProcessor('filter', make({ log_conditions: ['log.body > 7', 'log.body == 1'] }), {
  drops: true
})
testProcessor('filter that drops all', make({ log_conditions: ['true'] }), { drops: true })
testProcessor('filter that drops nothing', make({ log_conditions: ['log.body == "x"'] }))

/** Two services with records of bodies `a0`, `a1`, `b0`, `b1` and severities 9, 17, none, 13. */
function four(): Logs {
  const severities = [9, 17, 0, 13]
  const record = (name: string, n: number, at: number) => ({
    body: { stringValue: name + n },
    severityNumber: severities[at],
    severityText: `level ${severities[at]}`,
    attributes: [
      { key: 'n', value: { intValue: String(n) } },
      { key: 'name', value: { stringValue: name + n } },
      { key: 'half', value: { doubleValue: n + 0.5 } }
    ]
  })
  const service = (name: string, at: number) => ({
    resource: { attributes: [{ key: 'service', value: { stringValue: name } }] },
    scopeLogs: [{ scope: { name }, logRecords: [record(name, 0, at), record(name, 1, at + 1)] }]
  })
  return logsFromJson(
    Buffer.from(JSON.stringify({ resourceLogs: [service('a', 0), service('b', 2)] }))
  )
}

function run(options: object, meta: Partial<Meta> = {}) {
  const counts: Record<string, number> = {}
  const count = (name: string, n: number) => {
    counts[name] = (counts[name] ?? 0) + n
  }
  const context = {
    ...laneContext({ count }),
    id: 'filter',
    log: createLog({ level: 'error', encoding: 'json', write: () => {} })
  }
  const input = new Subject<Batch>()
  const out: Batch[] = []
  input.pipe(filter(config.parse(options), context)).subscribe((batch) => out.push(batch))
  const logs = four()
  const batch = sent(logs, meta)
  input.next(batch)
  const after = out[0]?.logs
  if (after) expect(checkLogs(Buffer.concat(after.chunks)).records).toBe(after.records)
  return {
    kept: after ? decodeLogs(after).map(({ body }) => body) : [],
    counts,
    batch,
    same: after === logs
  }
}

const all = ['a0', 'a1', 'b0', 'b1']

describe('OTTL conditions', () => {
  test.each([
    [
      'of records',
      ['log.attributes["n"] == 1'],
      ['a0', 'b0'],
      { 'dropped by filter log_conditions[0]': 2 }
    ],
    [
      'of resources',
      ['resource.attributes["service"] == "a"'],
      ['b0', 'b1'],
      { 'dropped by filter log_conditions[0]': 2 }
    ],
    [
      'of scopes',
      ['scope.name == "b"'],
      ['a0', 'a1'],
      { 'dropped by filter log_conditions[0]': 2 }
    ],
    [
      'several, each counting what it drops first',
      ['log.body == "a0"', 'log.severity_number < 10', 'IsMatch(log.body, "^x")'],
      ['a1', 'b1'],
      { 'dropped by filter log_conditions[0]': 1, 'dropped by filter log_conditions[1]': 1 }
    ],
    ['that hold for nothing', ['log.body == nil'], all, {}]
  ])('%s', (_, log_conditions, kept, counts) => {
    const ran = run({ log_conditions })
    expect({ kept: ran.kept, counts: ran.counts }).toEqual({ kept, counts })
    expect(ran.same).toBe(kept.length === 4)
  })

  test('in groups with a context of their own', () => {
    const log_conditions = [
      { context: 'resource', conditions: ['attributes["service"] == "a"'] },
      { conditions: ['log.body == "b1"'] }
    ]
    expect(run({ log_conditions })).toMatchObject({
      kept: ['b0'],
      counts: {
        'dropped by filter log_conditions[0].conditions[0]': 2,
        'dropped by filter log_conditions[1].conditions[0]': 1
      }
    })
  })

  test('in the older form', () => {
    const logs = {
      log_record: ['attributes["n"] == 1', 'scope.name == "x"'],
      resource: ['attributes["service"] == "b"']
    }
    expect(run({ logs })).toMatchObject({
      kept: ['a0'],
      counts: { 'dropped by filter logs.resource[0]': 2, 'dropped by filter logs.log_record[0]': 1 }
    })
  })

  test('a batch of which nothing is left is settled and goes no further', () => {
    const { kept, batch } = run({ log_conditions: ['true'] })
    expect(kept).toEqual([])
    expect(batch.outcomes).toEqual([undefined])
  })
})

describe('conditions that fail', () => {
  const log_conditions = [
    'Int(log.body) == 0 and log.attributes["n"] == 0',
    'log.attributes["n"] == 1'
  ]

  test('ignore keeps the record unless another condition holds, and counts the failures', () => {
    expect(run({ log_conditions })).toMatchObject({
      kept: ['a0', 'b0'],
      counts: { 'failed by filter log_conditions[0]': 4, 'dropped by filter log_conditions[1]': 2 }
    })
  })

  test('a condition may ask the request', () => {
    const client = { 'x-tenant': ['a'] }
    const options = { log_conditions: ['otelcol.client.metadata["X-Tenant"][0] == "a"'] }
    expect([run(options, { client }).kept, run(options).kept]).toEqual([[], all])
  })

  test('propagate names the records, which are not dropped', () => {
    const { batch } = run({
      error_mode: 'propagate',
      log_conditions: ['log.attributes["n"] == 1', ...log_conditions]
    })
    expect(batch.outcomes[0]).toBeInstanceOf(PermanentError)
    expect((batch.outcomes[0] as PermanentError).records).toEqual([0, 2])
  })
})

describe('include and exclude by properties', () => {
  const strict = { match_type: 'strict' }
  const regexp = { match_type: 'regexp' }
  test.each([
    ['bodies', { include: { ...strict, bodies: ['a0', 'b1'] } }, ['a0', 'b1']],
    ['bodies by pattern', { exclude: { ...regexp, bodies: ['^a'] } }, ['b0', 'b1']],
    ['severity texts', { include: { ...strict, severity_texts: ['level 9'] } }, ['a0']],
    ['severity', { include: { ...strict, severity_number: { min: 'warn' } } }, ['a1', 'b1']],
    [
      'severity, or none',
      { include: { ...strict, severity_number: { min: 'WARN', match_undefined: true } } },
      ['a1', 'b0', 'b1']
    ],
    [
      'attribute',
      { include: { ...strict, record_attributes: [{ key: 'n', value: 1n }] } },
      ['a1', 'b1']
    ],
    [
      'attribute of another type',
      { include: { ...strict, record_attributes: [{ key: 'n', value: '1' }] } },
      []
    ],
    [
      'double',
      { include: { ...strict, record_attributes: [{ key: 'half', value: 0.5 }] } },
      ['a0', 'b0']
    ],
    [
      'attribute that is not there',
      { include: { ...strict, record_attributes: [{ key: 'x' }] } },
      []
    ],
    ['attribute that is there', { exclude: { ...strict, record_attributes: [{ key: 'n' }] } }, []],
    [
      'attribute by pattern',
      { include: { ...regexp, record_attributes: [{ key: 'half', value: '^1\\.' }] } },
      ['a1', 'b1']
    ],
    [
      'resource attribute',
      { exclude: { ...regexp, resource_attributes: [{ key: 'service', value: 'a|x' }] } },
      ['b0', 'b1']
    ],
    [
      'all properties together',
      {
        include: {
          ...strict,
          bodies: ['a0', 'b0'],
          resource_attributes: [{ key: 'service', value: 'b' }]
        }
      },
      ['b0']
    ],
    [
      'include first',
      { include: { ...regexp, bodies: ['^a'] }, exclude: { ...strict, bodies: ['a1', 'b0'] } },
      ['a0']
    ],
    ['no property', { include: strict }, all]
  ])('%s', (_, logs, kept) => {
    expect(run({ logs }).kept).toEqual(kept)
  })

  test('what is dropped is counted', () => {
    const logs = { include: { ...regexp, bodies: ['^a'] }, exclude: { ...strict, bodies: ['a1'] } }
    expect(run({ logs }).counts).toEqual({
      'dropped by filter logs.include': 2,
      'dropped by filter logs.exclude': 1
    })
  })
})

test('what the configuration refuses', () => {
  const problems = (options: object) =>
    config
      .safeParse(options)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  const include = { match_type: 'strict', bodies: ['x'] }
  expect(problems({ log_conditions: ['log.body == 1', 'log.bdy == 1', 'body == 1'] })).toEqual([
    'log_conditions.1: unknown path "log.bdy" (did you mean log.body?), at column 1: log.bdy == 1',
    'log_conditions.2: path "body" must begin with log, scope or resource (did you mean log.body?), at column 1: body == 1'
  ])
  expect(problems({ logs: { log_record: ['IsMatch(body, "(")'] } })![0]).toContain('is no RE2')
  expect(problems({ logs: { resource: ['true'], include } })).toEqual([
    'logs: cannot have log_record or resource beside include or exclude'
  ])
  expect(problems({ log_conditions: ['true'], logs: { include } })).toEqual([
    'logs: would be ignored beside log_conditions'
  ])
  expect(problems({ logs: { include: { match_type: 'regexp', bodies: ['('] } } })![0]).toContain(
    'is no RE2'
  )
  expect(problems({ logs: { include: { ...include, severity_number: { min: 'loud' } } } })).toEqual(
    ["logs.include.severity_number.min: 'loud' is not a valid severity"]
  )
  expect(problems({ traces: { span: ['true'] } })).toEqual(['traces: auditcol has logs only'])
})
