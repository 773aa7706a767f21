import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import redaction, { config } from '../../processors/redaction.ts'
import { PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { errorsOf } from '../config/load.ts'
import { testProcessor } from '../contract/processor.ts'
import { arbitraryRequest } from '../logs/arbitrary_logs.ts'
import { encodeSecond } from '../logs/second_codec.ts'
import { jsonOf, logsOf, through as throughProcessor } from './run.ts'

const make = (options: object) => (context: Parameters<typeof redaction>[1]) =>
  redaction(config.parse(options), context)

testProcessor('redaction that finds nothing', make({ allow_all_keys: true, patterns: 'all' }))
testProcessor('redaction with a summary', make({ allowed_values: ['.'], summary: 'debug' }))
testProcessor('redaction of every body', make({ blocked_key_patterns: ['.'] }))

const text = (stringValue: string) => ({ stringValue })
const attribute = (key: string, value: object | string) => ({
  key,
  value: typeof value === 'string' ? text(value) : value
})
const map = (...values: object[]) => ({ kvlistValue: { values } })

interface Given {
  readonly body?: object | undefined
  readonly attributes?: object[]
  readonly resource?: object[]
}

/** What becomes of one record, as OTLP/JSON has it, with what was counted. */
function run(options: object, { body, attributes = [], resource = [] }: Given) {
  const record = { severityText: 'INFO', attributes, ...(body && { body }) }
  const logs = logsOf([
    { resource: { attributes: resource }, scopeLogs: [{ logRecords: [record] }] }
  ])
  const { after, counts } = through(options, logs)
  const [{ resource: around, scopeLogs }] = jsonOf(after!).resourceLogs
  const [out] = scopeLogs[0].logRecords
  return {
    body: out.body,
    attributes: plain(out.attributes ?? []),
    resource: plain(around?.attributes ?? []),
    counts,
    same: after === logs
  }
}

function through(options: object, logs: Logs) {
  return throughProcessor((context) => make(options)({ ...context, id: 'redaction' }), logs)
}

function plain(attributes: { key: string; value: Record<string, unknown> }[]) {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value])
  )
}

const all = { allow_all_keys: true }

describe('keys', () => {
  const given = {
    attributes: [attribute('id', 'x'), attribute('mail', 'y')],
    resource: [attribute('id', 'x'), attribute('host', 'y')],
    body: map(attribute('id', 'x'), attribute('more', map(attribute('id', 'x'))))
  }

  test('without a list all are taken out, of everything', () => {
    const { attributes, resource, body } = run({}, given)
    expect({ attributes, resource, body }).toEqual({
      attributes: {},
      resource: {},
      body: { kvlistValue: {} }
    })
  })

  test('those of the list stay, at every depth of a body', () => {
    const { attributes, resource, body, counts } = run({ allowed_keys: ['id', 'more'] }, given)
    expect(attributes).toEqual({ id: 'x' })
    expect(resource).toEqual({ id: 'x' })
    expect(body).toEqual(given.body)
    expect(counts).toEqual({ 'removed by redaction allowed_keys': 2 })
  })

  test('inside an attribute none is taken out, as in the Collector', () => {
    const attributes = [attribute('id', map(attribute('other', 'x')))]
    expect(run({ allowed_keys: ['id'] }, { attributes }).attributes).toEqual({
      id: map(attribute('other', 'x'))
    })
  })

  test('what is ignored stays as it is, by name or by pattern', () => {
    const options = {
      ...all,
      ignored_keys: ['id'],
      ignored_key_patterns: ['^m'],
      blocked_values: ['.']
    }
    expect(run(options, given).attributes).toEqual({ id: 'x', mail: 'y' })
    expect(run(options, given).resource).toEqual({ id: 'x', host: '****' })
  })

  test('what is blocked is masked line by line, and what is no text as an empty one', () => {
    const attributes = [
      attribute('pin', 'a\nb'),
      attribute('pin2', { intValue: '5' }),
      attribute('pin3', map(attribute('x', 'y')))
    ]
    const { attributes: after, counts } = run(
      { ...all, blocked_key_patterns: ['^pin'] },
      { attributes }
    )
    expect(after).toEqual({ pin: '****\n****', pin2: '****', pin3: '****' })
    expect(counts).toEqual({ 'masked by redaction blocked_key_patterns[0]': 3 })
  })
})

describe('values', () => {
  const card = { ...all, blocked_values: ['4[0-9]{15}'] }
  const number = '4111111111111111'

  test('of attributes only texts are looked at, unless all types are', () => {
    const attributes = [attribute('a', `no ${number}!`), attribute('b', { intValue: number })]
    expect(run(card, { attributes }).attributes).toEqual({ a: 'no ****!', b: number })
    expect(run({ ...card, redact_all_types: true }, { attributes }).attributes).toEqual({
      a: 'no ****!',
      b: '****'
    })
  })

  test('of a body all are', () => {
    expect(run(card, { body: { intValue: number } }).body).toEqual(text('****'))
    expect(run(card, { body: map(attribute('a', { intValue: number })) }).body).toEqual(
      map(attribute('a', '****'))
    )
  })

  test('NaN, an empty body and a body that is not there stay', () => {
    for (const body of [{ doubleValue: 'NaN' }, {}, undefined]) {
      const attributes = [attribute('n', { doubleValue: 'NaN' }), attribute('e', {})]
      expect(run({ ...card, redact_all_types: true }, { body, attributes }).same).toBe(true)
    }
  })

  test('the rules are run in order, each on what the one before has left', () => {
    const rules = { ...all, blocked_values: ['b', 'a\\*+c'] }
    expect(run(rules, { body: text('abc') }).body).toEqual(text('****'))
    expect(run(rules, { body: text('abc') }).counts).toEqual({
      'masked by redaction blocked_values[0]': 1,
      'masked by redaction blocked_values[1]': 1
    })
  })

  test.each([
    ['md5', '5ebe2294ecd0e0f08eab7690d2a6ee69'],
    ['sha1', 'e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4'],
    ['sha3', 'f5a5207a8729b1f709cb710311751eb2fc8acad5a1fb8ac991b736e69b6529a3']
  ])('%s gives the whole digest', (hash_function, digest) => {
    const body = text('a secret!')
    expect(run({ ...all, blocked_values: ['secret'], hash_function }, { body }).body).toEqual(
      text(`a ${digest}!`)
    )
  })

  test('shipped patterns give short masks of their kind', () => {
    const hmac = { hash_function: 'hmac-sha256', hmac_key: 'k'.repeat(32) }
    const body = map(attribute('password', 'hunter2'), attribute('note', 'password=hunter2'))
    const mask = '<hmac:named_secret#9fd4d9c2b7db1a0e>'
    const after = run({ ...all, patterns: ['named_secret'], ...hmac }, { body }).body
    expect(JSON.stringify(after).replaceAll(/#[0-9a-f]{16}/g, '#9fd4d9c2b7db1a0e')).toBe(
      JSON.stringify(map(attribute('password', mask), attribute('note', `password=${mask}`)))
    )
  })
})

describe('the summary', () => {
  const given = {
    attributes: [
      attribute('z', 'secret'),
      attribute('a', 'secret'),
      attribute('other', 'x'),
      attribute('fine', 'ok'),
      attribute('safe', 'secret')
    ],
    body: map(
      attribute('z', { arrayValue: { values: [text('x'), map(attribute('a', 'secret'))] } }),
      attribute('other', 'x')
    )
  }
  const options = {
    allowed_keys: ['a', 'z', 'fine'],
    ignored_keys: ['safe'],
    allowed_values: ['^ok$'],
    blocked_values: ['secret']
  }

  test('debug has names and counts, info has counts', () => {
    const counts = {
      'redaction.redacted.count': '1',
      'redaction.masked.count': '2',
      'redaction.allowed.count': '1',
      'redaction.ignored.count': '1',
      'redaction.body.redacted.count': '1',
      'redaction.body.masked.count': '1'
    }
    const kept = { z: '****', a: '****', fine: 'ok', safe: 'secret' }
    expect(run({ ...options, summary: 'info' }, given).attributes).toEqual({ ...kept, ...counts })
    expect(run({ ...options, summary: 'debug' }, given).attributes).toEqual({
      ...kept,
      ...counts,
      'redaction.redacted.keys': 'other',
      'redaction.masked.keys': 'a,z',
      'redaction.allowed.keys': 'fine',
      'redaction.body.redacted.keys': 'other',
      'redaction.body.masked.keys': 'z.[1].a'
    })
  })

  test('it adds to what an earlier redaction has told, whose keys are allowed', () => {
    const attributes = [
      attribute('a', 'secret'),
      attribute('redaction.masked.keys', 'b,c'),
      attribute('redaction.masked.count', { intValue: '2' })
    ]
    expect(run({ ...options, summary: 'debug' }, { attributes }).attributes).toEqual({
      a: '****',
      'redaction.masked.keys': 'a,b,c',
      'redaction.masked.count': '3'
    })
  })

  test('names no secret, though one was in a key that was taken out', () => {
    const attributes = [attribute(`my AK${'IA'}IOSFODNN7EXAMPLE key`, 'x')]
    const { attributes: after } = run(
      { ...options, patterns: 'all', summary: 'debug' },
      { attributes }
    )
    expect(after['redaction.redacted.keys']).toBe('my <masked:aws_access_key> key')
  })
})

test('fields that are no attributes are told of with them', () => {
  const logRecords = [{ severityText: 'secret', eventName: 'secret' }]
  const scopeLogs = [{ scope: { name: 'secret' }, logRecords }]
  const logs = logsOf([{ schemaUrl: 'secret', scopeLogs }])
  const { after } = through({ ...all, blocked_values: ['secret'], summary: 'debug' }, logs)
  const written = JSON.stringify(jsonOf(after!))
  expect(written).not.toContain('secret')
  const keys = Array.from(written.matchAll(/masked\.keys","value":\{"stringValue":"([^"]*)/g))
  expect(keys.map(([, names]) => names)).toEqual([
    'schema_url',
    'scope.name',
    'event_name,severity_text'
  ])
})

test('L4: a record that cannot be read is refused, and does not go on', () => {
  const field = (key: string, content: string) =>
    key + (content.length / 2).toString(16).padStart(2, '0') + content
  const endless = field('12', `18${'ff'.repeat(11)}`)
  const record = field('12', field('32', `0a0161${endless}`))
  const chunk = Buffer.from(field('0a', field('12', record)), 'hex')
  const { after, batch } = through(
    { ...all, blocked_values: ['x'], redact_all_types: true },
    { chunks: [chunk], bytes: chunk.length, records: 1 }
  )
  expect(after).toBeUndefined()
  expect(batch.outcomes).toEqual([expect.any(PermanentError)])
})

describe('any logs', () => {
  test.each([
    ['patterns', { ...all, patterns: 'all', summary: 'debug' }],
    ['written rules', { ...all, blocked_values: ['[0-9]', '^x'], redact_all_types: true }],
    [
      'lists of keys',
      { allowed_keys: ['1', '__proto__'], blocked_key_patterns: ['_'], summary: 'info' }
    ],
    ['the Collector alone', { allowed_keys: ['1'], blocked_values: ['.'], deep: false }]
  ])('%s: none is lost, and none is refused', (_, options) => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        const logs = checkLogs(encodeSecond(request))
        const { after, batch } = through(options, logs)
        expect(batch.outcomes).toEqual(logs.records === 0 ? batch.outcomes : [])
        expect(after?.records ?? 0).toBe(logs.records)
      }),
      { numRuns: 150 }
    )
  })
})

describe('at load', () => {
  const errors = (keys: string) =>
    errorsOf(
      `receivers: { otlp: { protocols: { http: } } }
processors: { redaction: { ${keys} } }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], processors: [redaction], exporters: [debug] } } }
`,
      { root: undefined as never }
    )

  test.each([
    ['blocked_values: ["(?=x)"]', "'blocked_values[0]' is no RE2"],
    ['ignored_key_patterns: [ok, "("]', "'ignored_key_patterns[1]' is no RE2"],
    [
      'hash_function: hmac-sha256',
      "'hmac_key' must have at least 32 bytes for hmac-sha256, and has 0"
    ],
    ['hash_function: hmac-sha512, hmac_key: short', 'must have at least 64 bytes'],
    ['hmac_key: some', "'hmac_key' would be ignored"],
    ['patterns: [aws]', 'patterns'],
    ['url_sanitizer: { enabled: true }', 'dictionary'],
    ['db_sanitizer: { sql: { enabled: true } }', 'languages of databases']
  ])('%s is refused', async (keys, message) => {
    expect((await errors(keys)).join('\n')).toContain(message)
  })
})
