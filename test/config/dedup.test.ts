import { expect, test } from 'vitest'
import { errorsOf, load } from './load.ts'

/** Receivers with these keys, `a` on line 2 and `b` on line 3. */
const withReceivers = (a: string, b = '', service = '') => `receivers:
  otlp/a: { protocols: { http: }, ${a} }
  otlp/b: { protocols: { http: }, ${b} }
exporters: { debug: }
service:
  pipelines: { logs: { receivers: [otlp/a, otlp/b], exporters: [debug] } }
  ${service}
`

test('every receiver takes it, and its component does not see it', async () => {
  const { config } = await load(withReceivers('dedup: { id: audit.record.id }'))
  const [a, b] = [...config.receivers.values()]
  expect(a!.dedup).toEqual({
    id: { root: 'attributes', keys: ['audit.record.id'] },
    window: 24 * 3_600_000,
    compare: 'content',
    max_entries: 1_000_000,
    scope: 'otlp/a'
  })
  expect(a!.options).not.toHaveProperty('dedup')
  expect(b).not.toHaveProperty('dedup')
})

test('receivers of one scope may find their ids in different places', async () => {
  const { config } = await load(
    withReceivers(
      'dedup: { id: x, scope: s, window: 1h }',
      'dedup: { id: body.x, scope: s, window: 60m }'
    )
  )
  expect([...config.receivers.values()].map(({ dedup }) => dedup!.scope)).toEqual(['s', 's'])
})

test.each<[a: string, b: string, errors: string[]]>([
  ['dedup: {}', '', ["pipeline.yaml:2:35: receivers::otlp/a: 'dedup.id' is required"]],
  [
    'dedup: { id: "body[0]" }',
    '',
    [
      `pipeline.yaml:2:48: receivers::otlp/a::dedup: 'id' must be the name of an attribute, attributes["name"], body.name or body["name"].name, got "body[0]"`
    ]
  ],
  [
    'dedup: { id: x, window: 0s }',
    '',
    ["pipeline.yaml:2:59: receivers::otlp/a::dedup: 'window' must be positive"]
  ],
  [
    'dedup: { id: x, windw: 1s }',
    '',
    [
      "pipeline.yaml:2:51: receivers::otlp/a: 'dedup' has invalid keys: windw (did you mean window?)"
    ]
  ],
  [
    'dedup: { id: x, scope: s, window: 1h }',
    'dedup: { id: x, scope: s, max_entries: 5 }',
    [
      `pipeline.yaml:3:35: receivers::otlp/b::dedup: 'window' differs from that of receivers::otlp/a (pipeline.yaml:2:69), which shares the scope "s"`,
      `pipeline.yaml:3:74: receivers::otlp/b::dedup: 'max_entries' differs from that of receivers::otlp/a (pipeline.yaml:2:35), which shares the scope "s"`
    ]
  ]
])('%s, %s is refused', async (a, b, errors) => {
  expect(await errorsOf(withReceivers(a, b))).toEqual(errors)
})

test('without a journal it is refused: nothing would be known after a crash', async () => {
  expect(await errorsOf(withReceivers('dedup: { id: x }', '', 'journal: false'))).toEqual([
    'pipeline.yaml:2:35: receivers::otlp/a::dedup: needs the journal, and `service.journal: false` takes it away: ' +
      'after a crash nothing would be known of what is stored'
  ])
})
