// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the configuration's own syntax
import { expect, test } from 'vitest'
import { plain } from '../../src/config/node.ts'
import { readSources } from '../../src/config/sources.ts'
import { errorsOf, load, written } from './load.ts'

const read = async (config: string[], set: string[] = [], env: NodeJS.ProcessEnv = {}) =>
  plain(await readSources(config, set, env))

test('maps of several sources are joined to any depth, lists and everything else replaced', async () => {
  const directory = await written({
    'a.yaml': 'a: { b: { c: 1, d: [1, 2] }, e: x, n: { o: 1 } }\nf: { g: 1 }',
    'b.yaml': 'a: { b: { c: 2, d: [3] }, e: { y: 1 }, n: }\nf:',
    'c.yaml': 'f: { h: 2 }'
  })
  expect(await read(['a.yaml', 'b.yaml', 'c.yaml'].map((name) => `${directory}/${name}`))).toEqual({
    a: { b: { c: 2, d: [3] }, e: { y: 1 }, n: null },
    f: { h: 2 }
  })
})

test('a source is a path, file:, env: or yaml:', async () => {
  const directory = await written({ 'a.yaml': 'a: 1', 'bom.yaml': '\uFEFFd: 4' })
  const config = [
    `${directory}/a.yaml`,
    `file:${directory}/bom.yaml`,
    'env:B',
    'yaml:c::e: 3',
    'yaml:{ c: { f: 1 } }'
  ]
  expect(await read(config, [], { B: 'b: 2' })).toEqual({ a: 1, d: 4, b: 2, c: { e: 3, f: 1 } })
})

test.each<[set: string, value: unknown]>([
  ['a::b=c', { a: { b: 'c' } }],
  ['a.b=5', { a: { b: 5 } }],
  ['a::b.c=true', { a: { 'b.c': true } }],
  ['a.b=[x, y]', { a: { b: ['x', 'y'] } }],
  ['a.b={c: 1}', { a: { b: { c: 1 } } }],
  ['a.b=c=d', { a: { b: 'c=d' } }],
  ['a.b=', { a: { b: null } }],
  [
    'exporters::otlp_http/eu.west::endpoint=http://x',
    { exporters: { 'otlp_http/eu.west': { endpoint: 'http://x' } } }
  ]
])('--set %s', async (set, value) => {
  expect(await read(['yaml:{}'], [set])).toEqual(value)
})

test('--set stands above every file, the last above the first', async () => {
  expect(await read(['yaml:a: { b: 1, c: 2 }'], ['a.b=3', 'a.b=4'])).toEqual({ a: { b: 4, c: 2 } })
})

test.each<[config: string[], set: string[], error: string]>([
  [[], [], '--config: at least one config flag must be provided'],
  [
    ['https://example.org/a.yaml'],
    [],
    '--config: configuration is not fetched over https: store it in a file and name that instead of "https://example.org/a.yaml"'
  ],
  [
    ['s3://bucket/a.yaml'],
    [],
    '--config: scheme "s3" is not supported for uri "s3://bucket/a.yaml"'
  ],
  [['/nowhere/a.yaml'], [], '--config: reading /nowhere/a.yaml: no such file or directory'],
  [['/'], [], '--config: reading /: is a directory, not a file'],
  [['env:NOT_THERE'], [], '--config: environment variable NOT_THERE is not set or empty'],
  [
    ['yaml:[a]'],
    [],
    "--config yaml:1:1: expected type 'map[string]interface {}', got unconvertible type '[]interface {}'"
  ],
  [['yaml:{}'], ['a:b'], '--set: invalid value "a:b" for flag -set: missing equal sign'],
  [['yaml:{}'], ['=b'], '--set : a key is missing before the equal sign'],
  [['yaml:{}'], ['a.b=[secret'], '--set a.b:1:8: yaml: flow sequence must end with a ]'],
  [
    ['/dev/zero'],
    [],
    '--config: reading /dev/zero: larger than 4 MiB, the limit of a configuration'
  ],
  [Array(101).fill('yaml:{}'), [], '--config: more than 100 --config and --set values']
])('refuses %j %j', async (config, set, error) => {
  await expect(read(config, set)).rejects.toThrow(error)
})

test('refuses what is not UTF-8', async () => {
  const directory = await written({})
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${directory}/latin1.yaml`, Buffer.from('a: \xe4', 'latin1'))
  await expect(read([`${directory}/latin1.yaml`])).rejects.toThrow('latin1.yaml: not UTF-8 text')
})

test('tells of every source that cannot be read', async () => {
  const directory = await written({ 'a.yaml': 'a: *x' })
  await expect(read([`${directory}/a.yaml`, '/nowhere', 'yaml:"'], ['x'])).rejects.toMatchObject({
    problems: { length: 4 }
  })
})

const base = `receivers: { otlp: { protocols: { http: } } }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
`

test('an error names the source it stands in', async () => {
  const errors = await errorsOf(base, {
    files: { 'more.yaml': 'exporters:\n  debug: { x: 1 }\n' },
    config: ['pipeline.yaml', 'more.yaml', 'env:MORE'],
    set: ['receivers::otlp::protocols::http::endpoint=[hush]', 'exporters.debug.verbosity=hush'],
    env: { MORE: 'service:\n  pipelines: { logs: { exporters: [nop] } }' }
  })
  expect(errors).toEqual(
    [
      "--set receivers::otlp::protocols::http::endpoint: receivers::otlp: 'protocols.http.endpoint' expected type 'string', got unconvertible type '[]interface {}'",
      "more.yaml:2:12: exporters::debug: '' has invalid keys: x",
      `--set exporters.debug.verbosity: exporters::debug: 'verbosity' must be one of basic, normal, detailed, got "hush"`,
      'env:MORE:2:36: service::pipelines::logs: references exporter "nop" which is not configured'
    ].toSorted((a, b) => errors.indexOf(a) - errors.indexOf(b))
  )
  expect(errors).toHaveLength(4)
})

test('a later file completes an earlier one, expansions are made after merging', async () => {
  const { config } = await load(`${base}exporters: {}`.replace('exporters: {}', ''), {
    files: { 'more.yaml': 'exporters: { debug: { verbosity: "${env:V}" } }' },
    config: ['pipeline.yaml', 'more.yaml'],
    env: { V: 'detailed' }
  })
  expect(config.exporters.get('debug')!.options).toEqual({ verbosity: 'detailed' })
})
