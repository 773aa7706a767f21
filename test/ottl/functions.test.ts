import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fault } from '../../src/ottl/errors.ts'
import { functions } from '../../src/ottl/functions/registry.ts'
import { changes, flatten, logsOf, oneRecord, refusal, runOn, statement } from './run.ts'

const file = new URL('../fixtures/ottl_collector.json', import.meta.url)
const { record } = JSON.parse(readFileSync(file, 'utf8')) as { record: object }
const logs = logsOf(record)

function out(text: string): unknown {
  return flatten(runOn(logs, statement(`set(log.attributes["out"], ${text})`).run))[
    'attributes.out'
  ]
}

const attribute = fc
  .constantFrom(
    'text',
    'int',
    'double',
    'none',
    'bytes',
    'tags',
    'nums',
    'mixed',
    'map',
    'uni',
    'missing',
    'when'
  )
  .map((key) => `log.attributes["${key}"]`)
const value = fc.oneof(
  attribute,
  fc.constantFrom(
    ...[
      'log.body',
      'log.attributes',
      'resource.attributes',
      'log.time',
      'log.trace_id',
      'scope.name'
    ],
    ...[
      '"x"',
      '"(?P<g>.)"',
      '"%Y"',
      '"insert"',
      '"asc"',
      '"value"',
      '"base64"',
      '"10.0.0.0/8"',
      '""'
    ],
    ...[
      '0',
      '1',
      '-1',
      '36',
      '2.5',
      'nil',
      'true',
      '0x00ff',
      '[]',
      '["text", 1]',
      '["a"]',
      '{"a": {"b": 1}}'
    ],
    ...[
      'Now()',
      'Duration("1s")',
      'SHA256',
      'ParseJSON(log.body)',
      'Unix(9223372036854775807)',
      '1e300'
    ]
  )
)
const call = fc.constantFrom(...functions).chain(({ name, params }) => {
  const all = Object.values(params)
  const needed = all.filter(({ optional }) => !optional).length
  return fc
    .array(value, { minLength: needed, maxLength: all.length })
    .map((args) => `${name}(${args.join(', ')})`)
})

test('whatever a function is given is a value, a fault or a refusal, and what comes out is OTLP', () => {
  const ran = new Set<string>()
  fc.assert(
    fc.property(call, (written) => {
      const source = /^[a-z]/.test(written) ? written : `set(log.attributes["out"], ${written})`
      if (refusal(() => statement(source)) !== 'accepted') return
      ran.add(written.slice(0, written.indexOf('(')))
      try {
        runOn(logs, statement(source).run)
      } catch (error) {
        expect(error).toBeInstanceOf(Fault)
        // Faults go into logs, and what is in the record may be a secret.
        expect((error as Fault).message).not.toMatch(/Hello|alice|Grüße|staging|42|litellm/)
      }
    }),
    { numRuns: 4000 }
  )
  expect(ran.size).toBeGreaterThan(functions.length / 2)
})

test('Now is the current time', () => {
  const before = BigInt(Date.now() - 1000) * 1_000_000n
  const now = BigInt(String(out('UnixNano(Now())')).slice(4))
  expect(now > before && now - before < 60_000_000_000n).toBe(true)
})

test('UUIDs are new each time', () => {
  const pattern = (version: number) =>
    new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
  expect(out('UUID()')).toMatch(pattern(4))
  expect(out('UUIDv7()')).toMatch(pattern(7))
  expect(out('UUID()')).not.toBe(out('UUID()'))
})

test('a time without a year is in the last twelve months', () => {
  const year = out('Year(Time("Jan 1", "%b %d", "UTC"))')
  expect(year).toBe(`int ${new Date().getUTCFullYear()}`)
  const soon = new Date(Date.now() + 30 * 86_400_000)
  const month = soon.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' })
  const read = out(`Year(Time("${month} ${soon.getUTCDate()}", "%b %d", "UTC"))`)
  expect(read).toBe(`int ${soon.getUTCFullYear() - 1}`)
})

test('what is named in docs/ottl.md as different is so', () => {
  expect(out('{"a": [log.attributes["map"]], "l": log.attributes["tags"]}')).toMatchObject({
    l: ['prod', 'staging', 'error']
  })
  expect(out('log.attributes["tags"][1 + 1]')).toBe('error')
  expect(out('Substring("一二三", 0, 4)')).toBe('一')
  expect(out('FormatTime(log.time, "%o")')).toBe('11')
  expect(out('URL("not a url")')).toMatchObject({ 'url.original': 'not a url' })
  expect(refusal(() => statement('set(log.body, Double("1_000"))'))).toContain('is no number')
  expect(refusal(() => statement('set(log.body, ExtractPatterns(log.body, "x"))'))).toContain(
    'named group'
  )
  const failed = statement('set(log.attributes["t"], Now())')
  expect(() => runOn(logs, failed.run)).toThrow('a time cannot be stored, convert it first')
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`
  expect(() => out(`ParseJSON("${deep}")`)).toThrow('nested more than 32 deep')
})

test('keys that mean something to JavaScript are keys like others', () => {
  const odd = oneRecord({ __proto__: { stringValue: 'p' }, constructor: { stringValue: 'c' } })
  const run = (text: string) => changes(odd, runOn(odd, statement(text).run))
  expect(
    run('set(log.attributes["1"], ParseJSON("{\\"__proto__\\": {\\"x\\": 1}}"))')
  ).toHaveProperty('attributes.1')
  expect(run('set(log.attributes["out"], log.attributes["toString"])')).toEqual({
    'attributes.out': null
  })
  expect(run('replace_pattern(log.attributes["constructor"], "c", "$toString|")')).toEqual({
    'attributes.constructor': '|'
  })
})
