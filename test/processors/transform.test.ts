import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import transform, { config } from '../../processors/transform.ts'
import { type Batch, PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { laneContext, sent } from '../batches.ts'
import { testProcessor } from '../contract/processor.ts'

const changing = [
  'set(log.attributes["a"], log.body) where log.body > 10',
  'set(resource.attributes["r"], 1)'
]
testProcessor(
  'transform',
  (context) => transform(config.parse({ log_statements: changing }), context),
  {
    changes: true
  }
)
testProcessor('transform without statements', (context) => transform(config.parse({}), context))
testProcessor('transform that finds nothing to change', (context) =>
  transform(config.parse({ log_statements: ['delete_key(log.attributes, "x")'] }), context)
)

/** Two resources with two records each; bodies count through. */
function four(): Logs {
  const record = (n: number) => ({ body: { intValue: String(n) } })
  const resource = (name: string, first: number) => ({
    resource: { attributes: [{ key: 'name', value: { stringValue: name } }] },
    scopeLogs: [{ scope: { name: 's' }, logRecords: [record(first), record(first + 1)] }]
  })
  return logsFromJson(
    Buffer.from(JSON.stringify({ resourceLogs: [resource('a', 1), resource('b', 3)] }))
  )
}

function run(options: object, logs = four()) {
  const counts: Record<string, number> = {}
  const count = (name: string, n: number) => {
    counts[name] = (counts[name] ?? 0) + n
  }
  const lines: string[] = []
  const context = {
    ...laneContext({ count }),
    id: 'transform/t',
    log: createLog({ level: 'info', encoding: 'json', write: (line) => void lines.push(line) })
  }
  const input = new Subject<Batch>()
  const out: Batch[] = []
  input.pipe(transform(config.parse(options), context)).subscribe((batch) => out.push(batch))
  const batch = sent(logs)
  input.next(batch)
  const after = out[0]?.logs
  if (after) checkLogs(Buffer.concat(after.chunks))
  return { input, batch, counts, lines, records: after ? decodeLogs(after) : [] }
}

describe('what statements are run on', () => {
  test('a list of texts is one group, on what its paths name', () => {
    const once = run({ log_statements: ['set(resource.attributes["seen"], "x")'] })
    expect(once.counts).toEqual({ 'run by transform/t log_statements[0]': 2 })
    expect(once.records.map(({ resource }) => resource.attributes.seen)).toEqual(Array(4).fill('x'))
    const each = run({ log_statements: ['set(resource.attributes["seen"], log.body)'] })
    expect(each.counts).toEqual({ 'run by transform/t log_statements[0]': 4 })
    expect(each.records.map(({ resource }) => resource.attributes.seen)).toEqual([2, 2, 4, 4])
  })

  test('a group with a context may leave out its prefix, and is run where a condition holds', () => {
    const group = {
      context: 'log',
      conditions: ['body == 1', 'resource.attributes["name"] == "b" and body == 4'],
      statements: ['set(attributes["hit"], true)', 'set(log.severity_text, "x")']
    }
    const { records, counts } = run({ log_statements: [group] })
    expect(records.map(({ attributes }) => attributes.hit)).toEqual([
      true,
      undefined,
      undefined,
      true
    ])
    expect(records.map(({ severityText }) => severityText)).toEqual([
      'x',
      undefined,
      undefined,
      'x'
    ])
    expect(Object.values(counts)).toEqual([2, 2])
  })

  test('a group is done with all records before the next begins', () => {
    const groups = [
      { statements: ['set(resource.attributes["last"], log.body)'] },
      { statements: ['set(log.attributes["last"], resource.attributes["last"])'] }
    ]
    const { records } = run({ log_statements: groups })
    expect(records.map(({ attributes }) => attributes.last)).toEqual([2, 2, 4, 4])
  })

  test('cache ends with the record, or goes through the batch when it is shared', () => {
    const groups = (shared_cache: boolean) => [
      {
        context: 'log',
        shared_cache,
        statements: ['set(cache["n"], body) where cache["n"] == nil']
      },
      { context: 'log', shared_cache, statements: ['set(attributes["n"], cache["n"])'] }
    ]
    const own = run({ log_statements: groups(false) }).records
    expect(own.map(({ attributes }) => attributes.n)).toEqual([null, null, null, null])
    const each = [
      'set(cache["n"], body) where cache["n"] == nil',
      'set(attributes["n"], cache["n"])'
    ]
    const within = run({ log_statements: [{ context: 'log', statements: each }] }).records
    expect(within.map(({ attributes }) => attributes.n)).toEqual([1, 2, 3, 4])
    const shared = run({ log_statements: groups(true) }).records
    expect(shared.map(({ attributes }) => attributes.n)).toEqual([1, 1, 1, 1])
  })
})

describe('what a failing statement does', () => {
  const failing = [
    'set(log.attributes["j"], ParseJSON("{")) where log.body > 2',
    'set(log.severity_text, "after")'
  ]

  test('ignore: it is told once, counted, and the next goes on', () => {
    const { records, counts, lines } = run({ log_statements: failing })
    expect(records.map(({ severityText }) => severityText)).toEqual(Array(4).fill('after'))
    expect(counts).toEqual({
      'failed by transform/t log_statements[0]': 2,
      'run by transform/t log_statements[1]': 4
    })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', rule: failing[0], error: 'the string is no JSON' }
    ])
  })

  test('silent: the next goes on', () => {
    const { records, lines } = run({ error_mode: 'silent', log_statements: failing })
    expect(records).toHaveLength(4)
    expect(lines).toEqual([])
  })

  test('propagate: the records that fail are named, for the dead letters, and nothing is counted', () => {
    const group = { error_mode: 'propagate', statements: failing }
    const { batch, records, counts } = run({ log_statements: [group] })
    expect(records).toEqual([])
    const [error] = batch.outcomes
    expect(error).toBeInstanceOf(PermanentError)
    expect((error as PermanentError).records).toEqual([2, 3])
    expect(String(error!.cause)).toContain('the string is no JSON')
    expect(counts).toEqual({})
  })

  test('what was tried on a batch that failed is not counted with the next one', () => {
    const { input, counts } = run({ error_mode: 'propagate', log_statements: failing })
    const sound = sent(pickRecords(four(), (index) => index === 0))
    input.next(sound)
    expect(counts).toEqual({ 'run by transform/t log_statements[1]': 1 })
  })
})

describe('what the configuration refuses', () => {
  const problems = (options: object) =>
    config
      .safeParse(options)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

  test('each wrong statement and condition, with its place, its column and the nearest name', () => {
    const groups = [
      { statements: ['set(log.body, 1)', 'sett(log.body, 1)'] },
      {
        context: 'resource',
        conditions: ['body == 1'],
        statements: ['set(attributes["a"], Lenn("x"))']
      }
    ]
    expect(problems({ log_statements: groups })).toEqual([
      'log_statements.0.statements.1: unknown function sett (did you mean set?), at column 1: sett(log.body, 1)',
      'log_statements.1.statements.0: unknown function Lenn (did you mean Len?), at column 22: Lenn("x"))',
      'log_statements.1.conditions.0: unknown path "body", at column 1: body == 1'
    ])
    expect(
      problems({ log_statements: ['set(log.body, 1)', 'set(log.body, 1)', 'set(log.body'] })
    ).toEqual(['log_statements.2: unexpected the end, "," is expected, at its end'])
  })

  test('texts beside groups, other signals, and what is behind a feature gate', () => {
    expect(problems({ log_statements: ['set(log.body, 1)', { statements: [] }] })).toEqual([
      'log_statements.1: either all are texts, or all are groups'
    ])
    expect(problems({ trace_statements: ['set(span.name, "x")'] })).toEqual([
      'trace_statements: auditcol has logs only'
    ])
    expect(problems({ flatten_data: true })![0]).toContain('feature gate')
    expect(problems({ log_statements: [{ context: 'span', statements: [] }] })![0]).toContain(
      'log_statements.0'
    )
  })
})
