import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OttlError } from '../../src/ottl/errors.ts'
import { functions } from '../../src/ottl/functions/registry.ts'
import { parseCondition, parseStatement } from '../../src/ottl/statements.ts'
import { condition, refusal, statement } from './run.ts'

test.each([
  ['sett(log.body, 1)', '0: unknown function sett (did you mean set?)'],
  ['set(log.body, IsMtach(log.body, "x"))', '14: unknown function IsMtach (did you mean IsMatch?)'],
  ['set(log.boddy, 1)', '4: unknown path "log.boddy" (did you mean log.body?)'],
  [
    'set(log.severity_number, SEVERITY_NUMBER_EROR)',
    '25: unknown name SEVERITY_NUMBER_EROR (did you mean SEVERITY_NUMBER_ERROR?)'
  ],
  [
    'set(body, 1)',
    '4: path "body" must begin with log, scope or resource (did you mean log.body?)'
  ],
  ['set(constructor.x, 1)', '4: path "constructor.x" must begin with log, scope or resource'],
  ['set(log.constructor, 1)', '4: unknown path "log.constructor"'],
  ['set(log.body, Double("constructor"))', '21: the string is no number'],
  ['set(span.name, 1)', '4: path "span.name" must begin with log, scope or resource'],
  ['set(log.severity_text["x"], 1)', '22: "log.severity_text["x"]" cannot be indexed'],
  ['set(log.body)', '0: set lacks its argument value'],
  ['set(log.body, 1, 2)', '17: set takes 2 arguments at most'],
  ['set(log.body, vaule = 1)', '14: set has no argument vaule, it has target, value'],
  ['set(log.body, target = log.body)', '14: set has target twice'],
  ['set(value = 1, log.body)', '15: an argument without name behind one with a name'],
  ['set("x", 1)', '4: a path is expected'],
  ['Set(log.body, 1)', '0: editor names begin with a small letter, "Set" does not'],
  ['set(log.body, 1)["x"]', '0: an editor cannot be indexed'],
  ['log.body', '0: an editor is expected, as in set(…)'],
  ['set(log.body, 1) where', '22: unexpected the end, a value is expected'],
  [
    'set(log.body, 1) where log.body',
    '23: a condition is expected: a comparison, true, false or a converter'
  ],
  ['set(log.body, 1) when true', '17: unexpected when, the end is expected'],
  ['set(log.body, 1 == 1)', '14: a value is expected, not a condition'],
  ['set(log.body, "a" + 1)', '14: a number, path or converter is expected'],
  ['set(log.body, "a', '14: a string that does not end'],
  ["set(log.body, 'a')", '14: strings are in double quotes'],
  ['set(log.body, "\\d")', '14: unknown escape \\d in a string; a backslash itself is \\\\'],
  ['set(log.body, "\\xff")', '14: bytes that are not valid UTF-8 in a string'],
  ['set(log.body, 9223372036854775808)', '14: 9223372036854775808 does not fit in 64 bits'],
  ['set(log.body, IsMatch(log.body, "(?=a)"))', '14: the pattern "(?=a)" is no RE2: '],
  ['replace_match(log.body, "{a", "b")', '0: "{a" is no glob pattern'],
  ['set(log.body, Duration("5x"))', '14: the string is no duration, as 1h30m is'],
  ['set(log.time, Time(log.body, "%Q"))', '14: unknown directive %Q in the format'],
  ['set(log.time, Time(log.body, "%Y", "Mars/Dome"))', '14: unknown time zone Mars/Dome'],
  ['set(log.body, Int("x"))', '18: the string is no int'],
  ['set(log.body, ConvertCase(log.body, log.body))', '36: "string" is expected here, written out'],
  ['keep_keys(log.attributes, log.body)', '26: a list of strings in [] is expected'],
  ['set(log.body, ExtractGrokPatterns(log.body, "x"))', '14: ExtractGrokPatterns is not there: '],
  ['replace_pattern(log.body, "a", "b", Concat)', '36: Concat cannot be handed over: '],
  ['replace_pattern(log.body, "a", "b", Shaa)', '36: unknown function Shaa']
])('%s', (text, expected) => {
  expect(refusal(() => statement(text))).toContain(expected)
})

test('a context has only what is around it', () => {
  const of = (text: string, context: 'scope' | 'resource') =>
    refusal(() => parseStatement(text, { context, implied: true }))
  expect(of('set(name, "x")', 'scope')).toBe('accepted')
  expect(of('set(resource.attributes["a"], name)', 'scope')).toBe('accepted')
  expect(of('set(log.body, "x")', 'scope')).toBe(
    '4: "log.body" is not to be had in the scope context'
  )
  expect(of('set(attributes["a"], scope.name)', 'resource')).toContain(
    'is not to be had in the resource context'
  )
  expect(of('set(scope.cache["a"], 1)', 'resource')).toContain('is not to be had')
})

test('every function is found, and refuses what is too much for it', () => {
  for (const { name } of functions) {
    const call = `${name}(${Array(9).fill('1').join(', ')})`
    const text = /^[a-z]/.test(name) ? call : `set(log.body, ${call})`
    expect(refusal(() => statement(text))).toContain(`${name} takes`)
  }
})

test('nested parentheses, lists and calls are read in one pass, and end at a limit', () => {
  const nested = (depth: number) => `${'('.repeat(depth)}1 == 1${')'.repeat(depth)}`
  expect(refusal(() => condition(nested(90)))).toBe('accepted')
  expect(refusal(() => condition(nested(101)))).toContain('nested more than 100 deep')
  expect(refusal(() => condition(`${'['.repeat(5000)} == 1`))).toContain(
    'nested more than 100 deep'
  )
  expect(refusal(() => condition(`"${'x'.repeat(70_000)}" == "x"`))).toContain('longer than 65536')
})

const word = fc.constantFrom(
  ...[
    'set',
    'log',
    '.',
    'body',
    'attributes',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '"k"',
    ',',
    ':',
    '1',
    '2.5',
    '0xff'
  ],
  ...[
    'nil',
    'true',
    'and',
    'or',
    'not',
    'where',
    '==',
    '<',
    '+',
    '-',
    '*',
    '/',
    '=',
    'Concat',
    'IsMatch',
    ' '
  ],
  ...[
    'SHA256',
    'SEVERITY_NUMBER_INFO',
    '"\\',
    'resource',
    'cache',
    'ParseJSON',
    'log.body',
    'log.attributes["a"]'
  ]
)

test('whatever is written is a statement, a condition or an error with a place in the text', () => {
  const text = fc.oneof(
    fc.array(word, { maxLength: 25 }).map((words) => words.join('')),
    fc.array(word, { maxLength: 25 }).map((words) => `set(log.body, ${words.join(' ')})`),
    fc.string({ unit: 'binary' })
  )
  fc.assert(
    fc.property(text, (written) => {
      for (const parse of [parseStatement, parseCondition]) {
        try {
          parse(written, { context: 'log', implied: true })
        } catch (error) {
          expect(error).toBeInstanceOf(OttlError)
          const { at } = error as OttlError
          expect(at >= 0 && at <= written.length).toBe(true)
        }
      }
    }),
    { numRuns: 2000 }
  )
})
