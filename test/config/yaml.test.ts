// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfigErrors } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load_config.ts'
import { plain, typed } from '../../src/config/node.ts'
import { parseYaml } from '../../src/config/yaml.ts'
import { root } from './load.ts'

const read = (text: string) => plain(parseYaml(text, 'p.yaml'))

test('where types count an integer is a bigint, and what has a point or an exponent is none', () => {
  const text = '[5, 5.0, -7, 1e3, 0x10, 2.5, 9007199254740993, "5", true, { a: 5., b: 5 }]'
  expect(typed(parseYaml(text, 'p.yaml'))).toEqual([
    ...[5n, 5, -7n, 1000, 16n, 2.5, 9007199254740993n, '5', true],
    { a: 5, b: 5n }
  ])
})

function problems(text: string): string[] {
  try {
    read(text)
  } catch (error) {
    if (error instanceof ConfigErrors) return error.message.split('\n')
    throw error
  }
  return []
}

test.each<[what: string, text: string, value: unknown]>([
  ['an alias', 'a: &x { b: 1 }\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
  ['an anchor defined twice', 'a: &x 1\nb: *x\nc: &x 2\nd: *x', { a: 1, b: 1, c: 2, d: 2 }],
  ['an anchor on an empty node', 'a: &x 1\nb: &x\nc: *x', { a: 1, b: null, c: null }],
  [
    'an anchor within an anchor',
    'a: &x { b: &y 1 }\nc: &y 2\nd: *x\ne: *y',
    { a: { b: 1 }, c: 2, d: { b: 1 }, e: 2 }
  ],
  [
    'a merge key',
    'a: &x { b: 1, c: 2 }\nd:\n  <<: *x\n  c: 3',
    { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }
  ],
  [
    'a merge key that stands last',
    'a: &x { b: 1 }\nd: { b: 2, <<: *x }',
    { a: { b: 1 }, d: { b: 2 } }
  ],
  [
    'several merged, the first wins',
    'a: &x { b: 1 }\nc: &y { b: 2, d: 3 }\ne: { <<: [*x, *y] }',
    { a: { b: 1 }, c: { b: 2, d: 3 }, e: { b: 1, d: 3 } }
  ],
  ['a quoted << is a key', '"<<": 1', { '<<': 1 }],
  ['1.2 booleans only', '[yes, on, true, No]', ['yes', 'on', true, 'No']],
  ['!!str', 'a: !!str 12', { a: '12' }],
  ['keys that are no text', '1: a\ntrue: b\n0x1: c', { '1': 'a', true: 'b', '0x1': 'c' }],
  ['a text folded over two lines', 'a: one\n  two', { a: 'one two' }],
  ['a key named __proto__', '__proto__: { a: 1 }', JSON.parse('{"__proto__":{"a":1}}')],
  ['an integer too large for a number', 'a: 12345678901234567890', { a: 12345678901234567890n }],
  ['YAML 1.1 in name', '%YAML 1.1\n---\na: yes', { a: 'yes' }]
])('reads %s', (_, text, value) => {
  expect(read(text)).toEqual(value)
})

test.each<[what: string, text: string, ...problems: string[]]>([
  [
    'a key twice',
    'a: 1\nb: 2\na: 3',
    'p.yaml:3:1: yaml: mapping key "a" already defined at line 1'
  ],
  ['an unknown anchor', 'a: *x', "p.yaml:1:4: yaml: unknown anchor 'x' referenced"],
  ['an anchor within itself', 'a: &x [*x]', "p.yaml:1:8: yaml: anchor 'x' value contains itself"],
  [
    'merging what is no map',
    'a: { <<: 1 }',
    'p.yaml:1:10: yaml: map merge requires map or sequence of maps as the value'
  ],
  ['a map as a key', '? [a]\n: 1', 'p.yaml:1:3: yaml: a map key must be a plain value'],
  ['two documents', 'a: 1\n---\nb: 2', 'p.yaml:2:1: more than one YAML document: give each a file'],
  ['an unknown tag', 'a: !x 1', 'p.yaml:1:4: yaml: unresolved tag: !x'],
  [
    'two mistakes at once',
    'a: "\\x"\nb: @c',
    'p.yaml:1:5: yaml: invalid escape sequence \\x"',
    'p.yaml:2:4: yaml: plain value cannot start with reserved character @'
  ],
  [
    'an expansion without quotes in flow style, and nothing that follows from it',
    'a: { b: ${env:X}, c: 1 }\nd: [${X}]\n',
    'p.yaml:1:10: yaml: an expansion within { } or [ ] needs quotes: "${...}"'
  ],
  ['tabs', '\ta: 1', 'p.yaml:1:1: yaml: tabs are not allowed as indentation']
])('names the place of %s', (_, text, ...expected) => {
  expect(problems(text)).toEqual(expected)
})

test('refuses aliases that multiply, and what is nested without end', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 12; i++) bomb.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`)
  expect(problems(bomb.join('\n'))).toEqual([
    expect.stringMatching(/^p.yaml:6:\d+: yaml: more than 200000 values$/)
  ])
  expect(problems(`a: ${'['.repeat(300)}${']'.repeat(300)}`)[0]).toMatch(/nested too deeply$/)
  expect(problems('{a: '.repeat(100_000)).length).toBeGreaterThan(0)
})

const words = [
  'receivers',
  'exporters',
  'service',
  'pipelines',
  'logs',
  'otlp',
  'debug',
  'awss3',
  's3uploader',
  'type',
  'sending_queue',
  '<<',
  '${env:X}',
  '$$',
  'null',
  '{}',
  '[]',
  '~',
  '0x',
  '1e9',
  '&a',
  '*a',
  '!!str',
  '? '
]

const yamlText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.tuple(
        fc.nat(4),
        fc.constantFrom(...words),
        fc.constantFrom(
          ': ',
          ':\n',
          ' ',
          '- ',
          '\n',
          ', ',
          '[',
          ']',
          '{',
          '}',
          '"',
          "'",
          '|\n',
          '#'
        )
      )
    )
    .map((parts) =>
      parts.map(([indent, word, mark]) => `${'  '.repeat(indent)}${word}${mark}`).join('')
    )
)

const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...words),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('map')
  ),
  map: fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 5 })
}))

test('no text makes it fail with anything but the list of what is wrong', async () => {
  const document = tree.map.map((value) => JSON.stringify(value))
  await fc.assert(
    fc.asyncProperty(fc.oneof(yamlText, document), fc.boolean(), async (text, logsOnly) => {
      try {
        const env = { X: text.slice(0, 50), CONFIG: text }
        await loadConfig({ config: ['env:CONFIG'], set: [], logsOnly, env, root })
      } catch (error) {
        if (!(error instanceof ConfigErrors)) throw error
        expect(error.problems.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 300 }
  )
})
