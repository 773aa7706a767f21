import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { ConfigErrors } from '../../src/config/errors.ts'
import { loadConfig } from '../../src/config/load_config.ts'
import { pathsOf } from '../../src/config/paths.ts'
import { componentRoot } from '../../src/load.ts'

/** Configurations that use every component; each input is one of them, changed. */
const seeds = [
  readFileSync(join(componentRoot, 'pipeline.yaml'), 'utf8'),
  `
receivers:
  otlp: &otlp
    protocols:
      grpc: { endpoint: localhost:4317, keepalive: { server_parameters: { time: 1m } } }
      http: { cors: { allowed_origins: ['*'], max_age: 5 }, tls: { min_version: "1.3" } }
    dedup: { id: 'attributes["id"]', window: 1h }
  otlp/two: { <<: *otlp, max_in_flight_size: 64MiB }
  s3_put: { open_values: true, access_keys: [{ access_key_id: a, secret_access_key: "\${env:SECRET:-b}" }] }
processors:
  batch: { send_batch_size: 10, metadata_keys: [x, y] }
  filter: { log_conditions: ['log.body == "a"', { context: resource, conditions: ['attributes["a"] == 1'] }] }
  transform: { log_statements: ['set(log.attributes["a"], 1)'] }
connectors:
  forward:
  routing:
    table:
      - { context: log, condition: 'IsMatch(body, "a")', pipelines: [logs/a] }
      - { context: request, condition: 'request["a"] == "b"', pipelines: [logs/b], action: copy }
    default_pipelines: [logs/a]
exporters:
  awss3: { s3uploader: { s3_bucket: b, sse: { type: kms }, tags: { a: b } }, sending_queue: { storage: file_storage } }
  debug: { verbosity: detailed }
  otlp_http: { endpoint: http://localhost:1, headers: { a: b }, retry_on_failure: { max_elapsed_time: 1m } }
  otlp_grpc: { endpoint: localhost:2, tls: { insecure: true } }
extensions: { file_storage: { directory: /tmp } }
service:
  extensions: [file_storage]
  telemetry: { logs: { level: info, initial_fields: { a: 1 } }, metrics: { level: none } }
  pipelines:
    logs/in: { receivers: [otlp, otlp/two], processors: [filter, batch], exporters: [routing, forward] }
    logs/a: { receivers: [routing, forward, s3_put], processors: [transform], exporters: [awss3, debug] }
    logs/b: { receivers: [routing], exporters: [otlp_http, otlp_grpc] }
    traces: { receivers: [otlp], exporters: [debug] }
`
]

const scrap = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\n',
      '  ',
      ':',
      ': ',
      '-',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '#',
      '|',
      '>'
    ],
    ...[
      '&a',
      '*a',
      '<<',
      '!!str ',
      '!',
      '%',
      '@',
      '`',
      '\t',
      '\u0000',
      '\ufeff',
      '$',
      '$$',
      `\${`,
      '}'
    ],
    ...[
      `\${env:X}`,
      `\${A:-b}`,
      `\${file:none}`,
      `\${yaml:[1]}`,
      `\${env:\${X}}`,
      '---',
      '...',
      '~',
      'null'
    ],
    ...[
      'true',
      '0',
      '-1',
      '1e999',
      '0x1f',
      '1h',
      '5MiB',
      '.nan',
      '__proto__',
      'constructor',
      'toString'
    ],
    ...['otlp', 'batch', 'routing', 'logs/a', 'traces', 'service', 'pipelines', 'type', 'logs', '+']
  ),
  fc.string({ unit: 'binary', maxLength: 5 })
)

/** A few places of the text are cut out and something else put there. */
const changedText = fc
  .record({
    seed: fc.constantFrom(...seeds),
    cuts: fc.array(fc.tuple(fc.nat(5_000), fc.nat(40), scrap), { minLength: 1, maxLength: 6 })
  })
  .map(({ seed, cuts }) =>
    cuts.reduce((text, [at, length, by]) => {
      const from = at % text.length
      return text.slice(0, from) + by + text.slice(from + length)
    }, seed)
  )

/** Values in the configuration's tree are exchanged, for each other or for anything. */
const changedTree = fc
  .record({
    seed: fc.constantFrom(...seeds),
    changes: fc.array(
      fc.record({
        at: fc.nat(),
        how: fc.constantFrom('replace', 'remove', 'rename', 'exchange'),
        by: fc.oneof(fc.jsonValue({ maxDepth: 3 }), scrap),
        other: fc.nat()
      }),
      { minLength: 1, maxLength: 5 }
    )
  })
  .map(({ seed, changes }) => {
    const tree = parse(seed, { merge: true })
    for (const { at, how, by, other } of changes) {
      const places = placesIn(tree)
      const one = places[at % places.length]
      const two = places[other % places.length]
      if (one === undefined || two === undefined) continue
      if (how === 'remove') delete one.of[one.key]
      else if (how === 'replace') one.of[one.key] = by
      else if (how === 'rename') one.of[typeof by === 'string' ? by : 'x'] = one.of[one.key]
      else one.of[one.key] = JSON.parse(JSON.stringify(two.of[two.key] ?? null))
    }
    // JSON is YAML.
    return JSON.stringify(tree)
  })

type Holder = Record<string, unknown>

function placesIn(value: unknown): { of: Holder; key: string }[] {
  if (typeof value !== 'object' || value === null) return []
  const of = value as Holder
  return Object.keys(of).flatMap((key) => [{ of, key }, ...placesIn(of[key])])
}

test('whatever a file says, it is a configuration or a list of what is wrong with it', async () => {
  const outcomes = { loaded: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(fc.oneof(changedText, changedTree), fc.boolean(), async (text, logsOnly) => {
      try {
        const options = { config: [`yaml:${text}`], set: [], logsOnly, env: { X: 'y' } }
        const { config } = await loadConfig(options)
        // What is left to find out at start, and so must not fail there.
        for (const { exporter } of pathsOf(config))
          expect(config.exporters.has(exporter)).toBe(true)
        outcomes.loaded++
      } catch (error) {
        if (!(error instanceof ConfigErrors)) throw error
        expect(error.problems.length).toBeGreaterThan(0)
        for (const { message, place } of error.problems) {
          expect(message).toMatch(/\S/)
          expect(place.source).toMatch(/\S/)
        }
        expect(error.message).not.toMatch(/\[object |undefined/)
        outcomes.refused++
      }
    }),
    { numRuns: Number(process.env.AUDITCOL_RUNS ?? 300) }
  )
  if (process.env.AUDITCOL_RUNS) console.log(outcomes)
  expect(outcomes.loaded).toBeGreaterThan(0)
}, 900_000)
