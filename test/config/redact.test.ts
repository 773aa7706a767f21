// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import { expect, test } from 'vitest'
import { errorsOf, withExporter, written } from './load.ts'

const env = { TOKEN: 'Tr0ub4dor&3', DOLLARS: 'pa$$word', SHORT: 'x', MAP: '{ a: [inner-secret] }' }
const set = ['service.telemetry.logs.encoding=json']
const encoding = (value: string) =>
  errorsOf(withExporter('debug', ''), {
    env,
    set: [...set, `service.telemetry.logs.encoding=${value}`]
  })

test.for<[value: string, shown: string]>([
  ['${env:TOKEN}', '${env:TOKEN}'],
  ['${TOKEN}', '${TOKEN}'],
  ['a-${env:TOKEN}-b', 'a-${env:TOKEN}-b'],
  ['${env:NOT_SET:-${env:TOKEN}}', '${env:TOKEN}'],
  ['${env:DOLLARS}', '${env:DOLLARS}'],
  ['${env:SHORT}', '${env:SHORT}'],
  ['${env:NOT_SET:-typo}', 'typo']
])('a value that is not taken is shown as it is written: %s', async ([value, shown]) => {
  expect(await encoding(value)).toEqual([
    `--set service.telemetry.logs.encoding: 'service.telemetry.logs.encoding' must be one of console, json, got "${shown}"`
  ])
})

test('also where a message is about something else, and in other letters', async () => {
  const text = withExporter('debug', 'verbosity: "${env:TOKEN}"').replace(
    'exporters: [debug]',
    'exporters: ["${env:TOKEN}"]'
  )
  const errors = (await errorsOf(text, { env })).join('\n')
  expect(errors).toContain('must be one of basic, normal, detailed, got "${env:TOKEN}"')
  expect(errors).toContain('invalid character(s) in type "${env:TOKEN}"')
  expect(errors).not.toMatch(/tr0ub/i)
})

test('as the name of something to expand, in a file and within a map', async () => {
  const directory = await written({ secret: 'from-a-file\n' })
  const errors = await errorsOf(
    withExporter(
      'debug',
      `verbosity: "\${env:\${env:TOKEN}}"\nuse_internal_logger: "\${file:${directory}/secret}"`
    ),
    {
      env,
      set: [
        'processors.${env:MAP}=1',
        'service.telemetry.logs.level=${env:MAP}',
        'service.telemetry.logs.encoding=inner-secret'
      ]
    }
  )
  const all = errors.join('\n')
  expect(all).toContain('environment variable "${env:TOKEN}" has invalid name')
  expect(all).toContain('got "${env:MAP}"')
  expect(all).not.toMatch(/tr0ub|inner-secret|from-a-file/i)
})

test('a variable that is not set is named beside what is missing for it', async () => {
  const text = withExporter('debug', 'verbosity: "${env:VERBOSITTY}x"')
  expect(await errorsOf(text)).toEqual([
    expect.stringContaining('got "x"'),
    'pipeline.yaml:4:16: Configuration references unset environment variable VERBOSITTY'
  ])
})
