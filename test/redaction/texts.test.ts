import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { config } from '../../processors/redaction.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { newRedactLogs } from '../../src/redaction/redact_logs.ts'
import { named } from '../batches.ts'
import { secretsOf } from './secrets.ts'

/** What becomes of a body. */
function redact(text: string, options: object): string {
  return redactor(options)(text)
}

function redactor(options: object): (text: string) => string {
  const parsed = config.parse({ allow_all_keys: true, ...options })
  const redactLogs = newRedactLogs(parsed, () => () => {})
  return (text) => decodeLogs(redactLogs(named(text)))[0]!.body as string
}

const words = { blocked_values: ['secret[0-9]'] }

describe('a text of JSON is written back as it was, but for what is masked', () => {
  test.each([
    ['spaces and order', '{ "b" : "secret1" ,\n"a":[ 1 ] }', '{ "b" : "****" ,\n"a":[ 1 ] }'],
    ['numbers', '{"a":"secret1","n":[1.50,1e+3,-0,12345678901234567890]}', null],
    ['keys that are there twice', '{"a":"secret1","a":"x","a":"secret2"}', null],
    ['escapes', '{"a":"secret1 \\u00e9\\/\\t\\"","\\u0062":"\\ud83d\\ude00"}', null],
    ['escapes in what is masked', '{"a":"s\\u0065cret1\\u0021"}', '{"a":"****\\u0021"}'],
    ['a key, as the Collector', '{"secret1":1}', null],
    ['JSON in JSON', '{"a":"{\\"b\\":\\"secret1\\",\\"c\\": \\"\\\\u00e9\\"}"}', null],
    ['a string of JSON', '"{\\"b\\": \\"secret1\\"}"', null],
    ['several texts', '{"a":"secret1"}\n{"a":"secret2"}\n', null],
    ["Python's NaN", '{"a":NaN,"b":"secret1"}', null],
    ['a text that was cut', '{"a":"x","b":"has secret1 and mo', null],
    ['no JSON at all', '{secret1} and [secret2] "secret3', null],
    ['a backslash outside of strings', '"x" \\ {"a":"s\\u0065cret1"}', '"x" \\ {"a":"****"}']
  ])('%s', (_, before, after) => {
    const expected = after ?? before.replaceAll(/secret\d/g, '****')
    expect(redact(before, words)).toBe(expected)
  })

  test('what is left of a number is a string', () => {
    expect(redact('{"card":4111111111111111,"n":[41]}', { blocked_values: ['^4[0-9]{15}$'] })).toBe(
      '{"card":"****","n":[41]}'
    )
  })

  test('`^` and `$` hold at the borders of a string', () => {
    expect(redact('{"a":"abc","b":["abc","abcd"]}', { blocked_values: ['^abc$'] })).toBe(
      '{"a":"****","b":["****","abcd"]}'
    )
  })

  test('a pattern that goes beyond a string still holds, as in the Collector', () => {
    expect(redact('{"pin": "1234", "x": "1234"}', { blocked_values: ['"pin": "[0-9]+"'] })).toBe(
      '{****, "x": "1234"}'
    )
  })

  test('a digest is not digested again by the same pattern', () => {
    const sha1 = { blocked_values: ['[0-9a-f]{8,}'], hash_function: 'sha1' }
    const digest = redact('deadbeef', sha1)
    expect(digest).toMatch(/^[0-9a-f]{40}$/)
    expect(redact('{"a":"deadbeef"}', sha1)).toBe(`{"a":"${digest}"}`)
    expect(redact(JSON.stringify(JSON.stringify({ a: 'deadbeef' })), sha1)).toBe(
      JSON.stringify(JSON.stringify({ a: digest }))
    )
  })
})

describe('what stands under a blocked key', () => {
  const keys = { blocked_key_patterns: ['^pin$'] }
  test.each([
    ['a string', '{"pin":"12\\u0033","x":1}', '{"pin":"****","x":1}'],
    ['a number', '{"pin":123}', '{"pin":"****"}'],
    ['null', '{"pin":null}', '{"pin":"****"}'],
    ['a map', '{"pin":{"a":[1,{"b":"}"}]},"x":2}', '{"pin":"****","x":2}'],
    ['a list', '{"pin" : [ "1" , "2" ] ,"x":2}', '{"pin" : "****" ,"x":2}'],
    ['a map that was cut', '{"pin":{"a":[1', '{"pin":"****"'],
    ['an escaped key', '{"\\u0070in":"1"}', '{"\\u0070in":"****"}'],
    ['JSON in JSON', '{"a":"{\\"pin\\":1}"}', '{"a":"{\\"pin\\":\\"****\\"}"}'],
    ['not a value of this name', '{"a":"pin","pins":1}', '{"a":"pin","pins":1}']
  ])('%s', (_, before, after) => {
    expect(redact(before, keys)).toBe(after)
  })
})

describe('allowed values', () => {
  const mail = { blocked_values: ['[a-z]+@[a-z.]+'], allowed_values: ['^help@example.com$'] }
  test('inside JSON they stay as they are written, whatever stands beside them', () => {
    expect(redact('{"a":"help\\u0040example.com","b":"bob@example.com"}', mail)).toBe(
      '{"a":"help\\u0040example.com","b":"****"}'
    )
    expect(redact(JSON.stringify({ a: '{"b":"help\\u0040example.com"}', c: 'x@y' }), mail)).toBe(
      JSON.stringify({ a: '{"b":"help\\u0040example.com"}', c: '****' })
    )
  })
  test('one that matches somewhere in a text lets all of it pass, as in the Collector', () => {
    const open = { ...mail, allowed_values: ['help@example.com'] }
    const text = '{"a":"help@example.com","b":"bob@example.com"}'
    expect(redact(text, open)).toBe(text)
  })
})

test('deep: false looks at a text as the Collector does', () => {
  expect(redact('{"a":"s\\u0065cret1","b":"secret1"}', { ...words, deep: false })).toBe(
    '{"a":"s\\u0065cret1","b":"****"}'
  )
})

test('many beginnings of a key that has no end are looked through once', () => {
  const begin = `-----BEGIN PRIVATE ${'KEY'}-----`
  expect(redact(begin.repeat(20_000), { patterns: ['private_key'] })).toBe(
    '<masked:private_key>'.repeat(20_000)
  )
})

test('a text with more changes than a call has arguments', () => {
  const many = JSON.stringify(Array.from({ length: 130_000 }, () => 'secret1'))
  expect(redact(many, words)).toBe(many.replaceAll('secret1', '****'))
  expect(redact(JSON.stringify(many), words)).toBe(
    JSON.stringify(many).replaceAll('secret1', '****')
  )
})

const withAll = redactor({ patterns: 'all' })
const json = fc.json({ maxDepth: 4 })
const secret = fc.constantFrom(...secretsOf(9).map(({ text }) => text))
const textWithSecret = fc
  .tuple(json, secret, fc.string({ unit: 'binary', maxLength: 20 }), fc.nat({ max: 4 }))
  .map(([text, secret, more, encodings]) => {
    let written = text.replace('"', () => `"${JSON.stringify(secret + more).slice(1, -1)}`)
    for (let times = 0; times < encodings; times++) written = JSON.stringify(written)
    return written
  })

test('sound JSON stays sound, with the same keys and the same values but for masks', () => {
  fc.assert(
    fc.property(textWithSecret, (text) => {
      const after = withAll(text)
      let [one, other]: unknown[] = [JSON.parse(text), JSON.parse(after)]
      while (typeof one === 'string' && typeof other === 'string') {
        try {
          ;[one, other] = [JSON.parse(one), JSON.parse(other)]
        } catch {
          return
        }
      }
      expect(shape(other)).toEqual(shape(one))
    }),
    { numRuns: 300 }
  )
})

/** Types alone: texts and keys may be masked. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape)
  if (typeof value === 'object' && value !== null) return Object.values(value).map(shape)
  return typeof value
}

test('any text passes, and what was masked is not masked again', () => {
  const noise = fc.string({
    unit: fc.constantFrom(...'{}[]":,\\/ u0041n\n', 'key', 'password', 'sk-', '=', '<', '*', 'é')
  })
  fc.assert(
    fc.property(fc.oneof(noise, textWithSecret), (text) => {
      const once = withAll(text)
      expect(withAll(once)).toBe(once)
    }),
    { numRuns: 1000 }
  )
})
