import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import attributes, { config } from '../../processors/attributes.ts'
import type { LaneContext } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { errorsOf } from '../config/load.ts'
import { testProcessor } from '../contract/processor.ts'
import { arbitraryRequest } from '../logs/arbitrary_logs.ts'
import { encodeSecond } from '../logs/second_codec.ts'
import { attributesOf, bytesOf, jsonOf, logsOf, through } from './run.ts'

const make = (options: object) => (context: LaneContext) =>
  attributes(config.parse(options), context)
const upsert = (key: string, value: unknown) => ({ key, value, action: 'upsert' })

testProcessor('attributes', make({ actions: [upsert('seen', true)] }), { changes: true })
testProcessor('attributes that change nothing', make({ actions: [{ key: 'x', action: 'delete' }] }))

const record = (plain: Record<string, string | number>, body = '') => ({
  body: { stringValue: body },
  attributes: attributesOf(plain)
})
const logs = (...logRecords: object[]) => logsOf([{ scopeLogs: [{ logRecords }] }])
const recordsOf = (found: ReturnType<typeof logs>) =>
  jsonOf(found).resourceLogs[0].scopeLogs[0].logRecords

/** What the actions make of a record with these attributes. */
function after(actions: object[], plain: Record<string, string | number>, meta = {}) {
  const { after: found } = through(make({ actions }), logs(record(plain)), meta)
  return recordsOf(found!)[0].attributes ?? []
}

// What each action does is compared with the Collector's in test/foreign/processors.test.ts.
describe('actions', () => {
  test('are run in order, each on what those before it have made', () => {
    const actions = [
      { key: 'b', from_attribute: 'a', action: 'insert' },
      { key: 'a', action: 'delete' },
      { key: 'c', from_attribute: 'a', default_value: 'gone', action: 'insert' }
    ]
    expect(after(actions, { a: 'x' })).toEqual(attributesOf({ b: 'x', c: 'gone' }))
  })

  test('take what is known of the sender, several values joined, whatever the case of the name', () => {
    const actions = [
      { key: 'tenant', from_context: 'metadata.X-Tenant', action: 'upsert' },
      { key: 'address', from_context: 'client.address', action: 'upsert' },
      { key: 'user', from_context: 'auth.sub', action: 'upsert' },
      { key: 'none', from_context: 'metadata.constructor', action: 'upsert' }
    ]
    const meta = {
      client: { 'x-tenant': ['a', 'b'] },
      address: '10.0.0.1',
      identity: { sub: 'kim' }
    }
    const known = attributesOf({ tenant: 'a;b', address: '10.0.0.1', user: 'kim' })
    expect(after(actions, {}, meta)).toEqual(known)
    expect(after(actions, {})).toEqual([])
  })

  test('delete and hash concern every attribute of the name, so that a second one hides nothing', () => {
    const twice = { attributes: [...attributesOf({ mail: 'a' }), ...attributesOf({ mail: 'b' })] }
    const run = (action: string) =>
      recordsOf(through(make({ actions: [{ key: 'mail', action }] }), logs(twice)).after!)[0]
    expect(run('delete').attributes ?? []).toEqual([])
    const sums = run('hash').attributes.map(({ value }: { value: { stringValue: string } }) =>
      value.stringValue.slice(0, 8)
    )
    expect(sums).toEqual(['ca978112', '3e23e816'])
  })

  test('hash what the pattern names, and twice what the key names too', () => {
    const sums = (actions: object[]) =>
      after(actions, { user: 'a', other: 'b' }).map(
        ({ value }: { value: { stringValue: string } }) => value.stringValue.slice(0, 8)
      )
    expect(sums([{ pattern: '^us', action: 'hash' }])).toEqual(['ca978112', 'b'])
    expect(sums([{ key: 'user', pattern: '^us|^ot', action: 'hash' }])).toEqual([
      createHash('sha256')
        .update(createHash('sha256').update('a').digest('hex'))
        .digest('hex')
        .slice(0, 8),
      '3e23e816'
    ])
  })

  test('are for the records whose lists and maps are equal, whatever the order of keys', () => {
    const wanted = { b: [1n, 2.5], a: 'x' }
    const values = [
      { arrayValue: { values: [{ intValue: '1' }, { doubleValue: 2.5 }] } },
      { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] } }
    ]
    const records = values.map((b) => ({
      attributes: [
        {
          key: 'map',
          value: {
            kvlistValue: {
              values: [
                { key: 'a', value: { stringValue: 'x' } },
                { key: 'b', value: b }
              ]
            }
          }
        }
      ]
    }))
    const include = { match_type: 'strict', attributes: [{ key: 'map', value: wanted }] }
    const { counts } = through(make({ actions: [upsert('seen', 1n)], include }), logs(...records))
    expect(counts).toEqual({ 'changed by under_test actions[0]': 1 })
  })

  test('leave a record alone that has the value already', () => {
    const before = logs(record({ env: 'prod' }), record({ env: 'prod' }))
    const { after, counts } = through(make({ actions: [upsert('env', 'prod')] }), before)
    expect(after).toBe(before)
    expect(counts).toEqual({})
  })

  test('are counted, each by the records that it has changed', () => {
    const actions = [upsert('env', 'prod'), { key: 'mail', action: 'hash' }]
    const { counts } = through(
      make({ actions, exclude: { match_type: 'strict', log_bodies: ['no'] } }),
      logs(record({ mail: 'x' }), record({ env: 'prod' }), record({}), record({ mail: 'y' }, 'no'))
    )
    expect(counts).toEqual({
      'changed by under_test actions[0]': 2,
      'changed by under_test actions[1]': 1
    })
  })
})

const key = fc.constantFrom('', 'a', '0', '1', '__proto__', 'x'.repeat(200))
const action = fc.oneof(
  fc.record({
    key: key.filter((name) => name !== ''),
    action: fc.constantFrom('insert', 'update', 'upsert'),
    value: fc.oneof(fc.string(), fc.bigInt({ min: -5n, max: 5n }), fc.double(), fc.boolean())
  }),
  fc.record({
    key: key.filter((name) => name !== ''),
    action: fc.constantFrom('insert', 'update', 'upsert'),
    from_attribute: key.filter((name) => name !== '')
  }),
  fc.record({
    key,
    action: fc.constantFrom('delete', 'hash'),
    pattern: fc.constantFrom('0', '^.$')
  }),
  fc.record({
    key: key.filter((name) => name !== ''),
    action: fc.constant('convert'),
    converted_type: fc.constantFrom('int', 'string', 'double')
  })
)

test('whatever the actions: no record is lost, and what they do not change keeps its bytes', () => {
  const some = fc.array(action, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(arbitraryRequest, some, (request, actions) => {
      const before = checkLogs(encodeSecond(request))
      if (before.records === 0) return
      const { after, counts } = through(make({ actions }), before)
      expect(after!.records).toBe(before.records)
      if (Object.keys(counts).length === 0) expect(after).toBe(before)
      for (let index = 0; index < before.records; index++) {
        const [was, is] = [before, after!].map((all) => pickRecords(all, (at) => at === index))
        expect(withoutAttributes(is!)).toEqual(withoutAttributes(was!))
        // Several may change a value and change it back, and then it is written anew.
        if (actions.length === 1 && JSON.stringify(jsonOf(was!)) === JSON.stringify(jsonOf(is!)))
          expect(bytesOf(is!)).toEqual(bytesOf(was!))
      }
    }),
    { numRuns: 300 }
  )
})

function withoutAttributes(one: ReturnType<typeof logs>) {
  const json = jsonOf(one)
  for (const { scopeLogs = [] } of json.resourceLogs)
    for (const { logRecords = [] } of scopeLogs)
      for (const each of logRecords) delete each.attributes
  return json
}

describe('mistakes are told with their place', () => {
  const told = (body: string) =>
    errorsOf(
      `receivers: { otlp: { protocols: { http: } } }
processors:
  attributes:
${body}
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], processors: [attributes], exporters: [debug] } } }
`,
      { root: new URL('../..', import.meta.url).pathname }
    )

  test.each([
    [
      '    actions:\n    - { key: a, value: 1, action: upsret }',
      'pipeline.yaml:5:7: processors::attributes::actions::0: error with key "a" (0-th action): error creating AttrProc due to unsupported action "upsret" (did you mean upsert?)'
    ],
    [
      '    actions:\n    - { key: a, from_context: metadata.x, action: delete }',
      'pipeline.yaml:5:7: processors::attributes::actions::0: error with key "a" (0-th action): error creating AttrProc. Action "delete" does not use the "from_context" field. This must not be specified'
    ],
    [
      '    actions:\n    - { key: a, default_value: 1, action: hash }',
      'pipeline.yaml:5:7: processors::attributes::actions::0: error with key "a" (0-th action): error creating AttrProc. Action "hash" does not use the "default_value" field. This must not be specified'
    ],
    [
      '    actions:\n    - { key: a, value: 9223372036854775808, action: insert }',
      'pipeline.yaml:5:7: processors::attributes::actions::0: error with key "a" (0-th action): error creating AttrProc. Field "value": 9223372036854775808 does not fit in 64 bits'
    ],
    [
      '    actions: [{ key: a, value: 1, action: insert }]\n    include: { match_type: strict, span_names: [x] }',
      'pipeline.yaml:5:36: processors::attributes::include: services, span_names, span_kinds and metric_names are not valid for log records'
    ]
  ])('%s', async (body, line) => {
    expect(await told(body)).toEqual([line])
  })
})
