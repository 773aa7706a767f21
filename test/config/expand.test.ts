// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import { expect, test } from 'vitest'
import { expand } from '../../src/config/expand.ts'
import { plain } from '../../src/config/node.ts'
import { parseYaml } from '../../src/config/yaml.ts'
import { errorsOf, load, withExporter, written } from './load.ts'

const env = {
  PORT: '4317',
  OCTAL: '0123',
  YES: 'true',
  EMPTY: '',
  MAP: 'a: 1\nb: [x, "${env:PORT}"]',
  NAME: 'PORT',
  SECRET: 'a$$b',
  LOOP: '${env:LOOP}',
  DOUBLE: '${env:DOUBLE}${env:DOUBLE}',
  BAD: '[unclosed',
  INNER: 'p-${env:PORT}'
}

async function expanded(yaml: string) {
  const { node, notes, problems } = await expand(parseYaml(yaml, 'p.yaml'), env)
  return { value: plain(node), notes, problems: problems.map(({ message }) => message) }
}

test.each<[yaml: string, value: unknown]>([
  ['${env:PORT}', 4317],
  ['${PORT}', 4317],
  ['"${env:PORT}"', 4317],
  ['!!str ${env:PORT}', 4317],
  ['a-${env:PORT}-${PORT}', 'a-4317-4317'],
  ['localhost:${env:OCTAL}', 'localhost:0123'],
  ['${env:YES}', true],
  ['${env:NOT_THERE}', null],
  [':${env:NOT_THERE}', ':'],
  ['${env:EMPTY}', null],
  ['${env:NOT_THERE:-5}', 5],
  ['${env:EMPTY:-5}', null],
  ['${env:NOT_THERE:-}', null],
  ['${env:NOT_THERE:-a:b}', 'a:b'],
  ['${env:NOT_THERE:-${env:PORT}}', 4317],
  ['${env:${env:NAME}}', 4317],
  ['${${env:NAME}}', 4317],
  ['"${yaml:[1, two]}"', [1, 'two']],
  ['${env:MAP}', { a: 1, b: ['x', 4317] }],
  ['${env:INNER}', 'p-4317'],
  ['${env:BAD}', '[unclosed'],
  ['$${env:PORT}', '${env:PORT}'],
  ['$$${env:PORT}', '$4317'],
  ['$$$${env:PORT}', '$${env:PORT}'],
  ['$PORT and $$1', '$PORT and $1'],
  ['$${a} ${env:PORT}', '${a} 4317'],
  ['${env:PORT', '${env:PORT'],
  ['${ ${env:PORT}', '${ 4317'],
  ['${env:SECRET}', 'a$b'],
  ['x}', 'x}'],
  ['"${env:PORT}": 1', { '${env:PORT}': 1 }]
])('expands %s', async (yaml, value) => {
  expect(await expanded(yaml)).toMatchObject({ value, problems: [] })
})

test.each<[yaml: string, problem: string]>([
  [
    '${env:1X}',
    'environment variable "1X" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$'
  ],
  [
    '${env:}',
    'environment variable "" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$'
  ],
  ['${env:LOOP}', 'too many recursive expansions'],
  ['${env:DOUBLE}', 'too many recursive expansions'],
  [
    'a ${env:MAP}',
    'expanding ${env:MAP}: retrieved value does not have unambiguous string representation: it is a map'
  ],
  [
    '${S3_BUCKET:-x}',
    'unsupported scheme on URI "S3_BUCKET:-x" (did you mean ${env:S3_BUCKET:-x}?)'
  ],
  ['${FOO:-x}', 'scheme "FOO" is not supported for uri "FOO:-x" (did you mean ${env:FOO:-x}?)'],
  ['${vault:x}', 'scheme "vault" is not supported for uri "vault:x"'],
  [
    '${https://a/b}',
    'configuration is not fetched over https: store it in a file and name that instead of "https://a/b"'
  ],
  ['${env:A$B}', 'the uri "env:A$B" contains unsupported characters (\'$\')'],
  ['${file:/nowhere/at/all}', 'reading /nowhere/at/all: no such file or directory'],
  [`"${'${PORT}'.repeat(101)}"`, 'more than 100 expansions in one value'],
  [`"${'${'.repeat(200)}PORT${'}'.repeat(200)}"`, 'more than 100 expansions in one value']
])('refuses %s', async (yaml, problem) => {
  expect((await expanded(yaml)).problems).toEqual([problem])
})

test('warns once of a variable that is not set, and tells of an empty one', async () => {
  const { notes } = await expanded('a: ${env:NOPE}\nb: ${env:NOPE}\nc: ${env:EMPTY}')
  expect(notes).toEqual([
    {
      level: 'warn',
      place: 'p.yaml:1:4',
      text: 'Configuration references unset environment variable NOPE'
    },
    {
      level: 'info',
      place: 'p.yaml:3:4',
      text: 'Configuration references empty environment variable EMPTY'
    }
  ])
})

test('includes a file to the letter, and says so when that includes a line end', async () => {
  const directory = await written({ 'secret.txt': 's3cret\n', 'list.yaml': '- a\n- ${env:PORT}\n' })
  const { value, notes } = await expanded(
    `a: \${file:${directory}/secret.txt}\nb: \${file:${directory}/list.yaml}`
  )
  expect(value).toEqual({ a: 's3cret\n', b: ['a', 4317] })
  expect(notes.map(({ text }) => text)).toEqual([
    `${directory}/secret.txt ends with a line end, which becomes part of a text value`
  ])
})

test('a file that includes itself ends', async () => {
  const directory = await written({})
  await import('node:fs/promises').then(({ writeFile }) =>
    writeFile(`${directory}/self.yaml`, `a: \${file:${directory}/self.yaml}\n`)
  )
  const { problems } = await expanded(`\${file:${directory}/self.yaml}`)
  expect(problems).toEqual(['too many recursive expansions'])
})

test('a string field gets the letters of a variable, another its value', async () => {
  const { config } = await load(
    withExporter(
      'awss3',
      's3uploader:\n  s3_bucket: ${env:OCTAL}\n  s3_prefix: ${env:YES}\n  region: ${env:MAP}\n' +
        '  endpoint: ${env:NOPE}\n  s3_force_path_style: ${env:YES}\n  tags: { port: "${env:PORT}" }\n' +
        'timeout: ${env:PORT}\nmarshaler: ${env:NOPE:-body}'
    ),
    { env: { ...env, MAP: 'a: b' } }
  )
  expect(config.exporters.get('awss3')!.options).toMatchObject({
    s3uploader: {
      s3_bucket: '0123',
      s3_prefix: 'true',
      region: 'a: b',
      endpoint: '',
      s3_force_path_style: true,
      tags: { port: '4317' }
    },
    timeout: 4317 / 1e6,
    marshaler: 'body'
  })
})

test('an unset variable leaves a field that is no text to its default', async () => {
  const { config } = await load(
    withExporter(
      'awss3',
      's3uploader: { s3_bucket: b, s3_force_path_style: "${env:NOPE}" }\ntimeout: ${NOPE}'
    )
  )
  expect(config.exporters.get('awss3')!.options).toMatchObject({
    s3uploader: { s3_force_path_style: false },
    timeout: 5000
  })
})

test('an error in what a variable holds names the variable, and nothing follows from a failed expansion', async () => {
  const errors = await errorsOf(
    withExporter(
      'awss3',
      's3uploader: ${env:UPLOADER}\ntimeout: ${env:LOOP}\nmarshaler: ${vault:m}'
    ),
    { env: { ...env, UPLOADER: 's3_bucket: b\nregoin: x' } }
  )
  expect(errors).toEqual([
    'pipeline.yaml:5:14: too many recursive expansions',
    'pipeline.yaml:6:16: scheme "vault" is not supported for uri "vault:m"',
    "env:UPLOADER:2:1: exporters::awss3: 's3uploader' has invalid keys: regoin (did you mean region?)"
  ])
})
