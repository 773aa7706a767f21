import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Observable, type Subscriber } from 'rxjs'
import { expect, test } from 'vitest'
import { type Batch, type Context, type LaneContext, PermanentError } from '../../src/component.ts'
import type { PipelineConfig } from '../../src/config/config.ts'
import { type LanePath, pathsOf } from '../../src/config/paths.ts'
import { listLetters, readLetter } from '../../src/journal/letter_file.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { startPipeline } from '../../src/pipeline/pipeline.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { bodiesOf, sent } from '../batches.ts'
import { configOf } from './graph.ts'

/*
 * Records go through random pipelines, processors, connectors and failures. What each exporter must get is
 * told by a few lines of arithmetic on letters, which know nothing of batches, lanes or journals.
 */

/** A record is a letter and a number; its tenant, the resource's, is x or y. */
interface Request {
  readonly receiver: string
  readonly records: readonly { readonly letter: string; readonly tenant: string }[]
}

interface Rules {
  /** Of each filter: the letters that it drops. */
  readonly drops: Readonly<Record<string, string>>
  /** Of each routing: what its first two routes take, in this order, and whether the first only copies. */
  readonly routes: Readonly<
    Record<string, { letters: string; tenant: string; copies: boolean; rest: boolean }>
  >
}

interface Case extends Rules {
  readonly pipelines: readonly PipelineConfig[]
  readonly requests: readonly Request[]
  /** Each nth attempt fails. Exporters refuse each record with the one letter for good, transform/json the other. */
  readonly fails: number
  readonly refused: string
  readonly unreadable: string
}

const letters = 'abcd'
const some = (max: number) =>
  fc.subarray([...letters], { maxLength: max }).map((all) => all.join(''))
const filters = ['filter/1', 'filter/2']
const routings = ['routing/1', 'routing/2']
const connectors = ['forward/1', 'forward/2', ...routings]
const processors = [
  ...filters,
  'batch/small',
  'batch/slow',
  'transform/mark',
  'transform/json',
  'attributes/mark',
  'resource/mark',
  'groupbyattrs/join',
  'groupbyattrs/mark',
  'redaction/mark'
]

/** Layers of pipelines: those of one layer are joined to the next by any connectors, so there is no cycle. */
const pipelines: fc.Arbitrary<PipelineConfig[]> = fc
  .record({
    front: fc.array(ends(['in/1', 'in/2']), { minLength: 1, maxLength: 2 }),
    middle: fc.array(ends(['in/2']), { minLength: 2, maxLength: 2 }),
    joints: fc.tuple(fc.subarray([...connectors]), fc.subarray([...connectors]))
  })
  .map(({ front, middle, joints: [first, last] }) => {
    const second = last.filter((id) => !first.includes(id))
    const named = (layer: string, all: Ends[], from: string[], to: string[]) =>
      all.map(({ processors, receivers, exporters }, index) => ({
        id: `logs/${layer}${index}`,
        receivers: [...(from.length === 0 || receivers.length > 1 ? receivers : []), ...from],
        processors,
        exporters: [...exporters, ...to]
      }))
    return [
      ...named('a', front, [], first),
      ...(first.length > 0 ? named('b', middle, first, second) : []),
      ...(first.length > 0 && second.length > 0 ? named('c', front.slice(0, 1), second, []) : [])
    ]
  })

interface Ends {
  readonly receivers: string[]
  readonly processors: string[]
  readonly exporters: string[]
}

function ends(receivers: string[]): fc.Arbitrary<Ends> {
  return fc.record({
    receivers: fc.subarray(receivers, { minLength: 1 }),
    processors: fc.shuffledSubarray(processors),
    exporters: fc.subarray(['out/1', 'out/2'], { minLength: 1 })
  })
}

const route = fc.record({
  letters: some(2),
  tenant: fc.constantFrom('x', 'y'),
  copies: fc.boolean(),
  rest: fc.boolean()
})

const cases: fc.Arbitrary<Case> = fc.record({
  pipelines,
  drops: fc.record({ 'filter/1': some(2), 'filter/2': some(1) }),
  routes: fc.record({ 'routing/1': route, 'routing/2': route }),
  requests: fc.array(
    fc.record({
      receiver: fc.constantFrom('in/1', 'in/2'),
      records: fc.array(
        fc.record({ letter: fc.constantFrom(...letters), tenant: fc.constantFrom('x', 'y') }),
        { minLength: 1, maxLength: 6 }
      )
    }),
    { minLength: 1, maxLength: 8 }
  ),
  fails: fc.integer({ min: 2, max: 5 }),
  refused: some(1),
  unreadable: some(1)
})

/** The pipelines that a routing sends such a record to, of those behind it; its routes share them out by their place. */
function destinations(
  { letters, tenant, copies, rest }: Rules['routes'][string],
  behind: string[]
) {
  const [first, last] = [behind[0]!, behind.at(-1)!]
  return (record: Request['records'][number]): Set<string> => {
    const found = new Set<string>()
    if (letters.includes(record.letter)) found.add(first)
    if (found.size > 0 && !copies) return found
    if (record.tenant === tenant) return found.add(last)
    return rest ? found.add(first) : found
  }
}

function optionsOf({ letters, tenant, copies, rest }: Rules['routes'][string], behind: string[]) {
  const [first, last] = [behind[0]!, behind.at(-1)!]
  return {
    table: [
      {
        context: 'log',
        condition: startsWith(letters),
        pipelines: [first],
        action: copies ? 'copy' : 'move'
      },
      { statement: `route() where attributes["tenant"] == "${tenant}"`, pipelines: [last] }
    ],
    default_pipelines: rest ? [first] : []
  }
}

function startsWith(letters: string): string {
  return letters === '' ? 'false' : `IsMatch(log.body, "^[${letters}]")`
}

const behindOf = (pipelines: readonly PipelineConfig[], connector: string) =>
  pipelines.filter(({ receivers }) => receivers.includes(connector)).map(({ id }) => id)

/** What becomes of a record on a path: it is dropped or routed elsewhere, a dead letter, or exported. */
function outcome(
  { legs }: LanePath,
  record: Request['records'][number],
  { drops, routes, pipelines, refused, unreadable }: Case
): 'gone' | 'dead' | 'exported' {
  for (const [index, { processors, connector }] of legs.entries()) {
    for (const id of processors) {
      if (drops[id]?.includes(record.letter)) return 'gone'
      if (id === 'transform/json' && unreadable.includes(record.letter)) return 'dead'
    }
    if (!connector?.startsWith('routing')) continue
    const to = destinations(routes[connector]!, behindOf(pipelines, connector))
    if (!to(record).has(legs[index + 1]!.pipeline)) return 'gone'
  }
  return refused.includes(record.letter) ? 'dead' : 'exported'
}

const log = createLog({ level: 'error', encoding: 'json', write: () => {} })

test('whatever lies between them, an exporter gets every record that no rule drops, once for each way', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const directory = await mkdtemp(join(tmpdir(), 'auditcol-lost-'))
      try {
        const { expected, found } = await run(one, directory)
        expect(found).toEqual(expected)
      } finally {
        await rm(directory, { recursive: true })
      }
    }),
    { numRuns: Number(process.env.AUDITCOL_RUNS ?? 60), endOnFailure: false }
  )
}, 600_000)

async function run(one: Case, directory: string) {
  const { pipelines, requests } = one
  const outs = new Map<string, Subscriber<Batch>>()
  const exported: string[] = []
  const receiver = (_: unknown, { id, ready, stopping }: Context) =>
    new Observable<Batch>((out) => {
      outs.set(id, out)
      ready('here')
      stopping.addEventListener('abort', () => out.complete())
    })
  const exporter = (_: unknown, { lane }: LaneContext) => {
    let attempts = 0
    return async ({ logs }: Batch) => {
      if (++attempts % one.fails === 0) throw new Error('away')
      const bodies = bodiesOf(logs)
      const records = bodies.flatMap((body, index) => (one.refused.includes(body[0]!) ? index : []))
      if (records.length > 0) throw new PermanentError('no', { records })
      for (const body of bodies) exported.push(`${lane.name} ${body}`)
    }
  }
  const used = (ids: readonly string[]) => ids.filter((id) => behindOf(pipelines, id).length > 0)
  const config = configOf({
    directory,
    pipelines,
    receivers: { 'in/1': receiver, 'in/2': receiver },
    exporters: { 'out/1': exporter as never, 'out/2': exporter as never },
    processors: {
      'batch/small': { send_batch_size: 3, send_batch_max_size: 4, timeout: '1h' },
      'batch/slow': { timeout: '1ms' },
      'attributes/mark': { actions: [{ key: 'mark', value: 1n, action: 'insert' }] },
      'resource/mark': { attributes: [{ key: 'mark', value: 'x', action: 'upsert' }] },
      'groupbyattrs/join': {},
      'groupbyattrs/mark': { keys: ['mark', 'seen'] },
      'redaction/mark': {
        allow_all_keys: true,
        blocked_key_patterns: ['^mark$'],
        summary: 'debug'
      },
      'transform/mark': { log_statements: ['set(log.attributes["seen"], true)'] },
      'transform/json': {
        error_mode: 'propagate',
        log_statements: [
          `set(log.cache["read"], ParseJSON(log.body)) where ${startsWith(one.unreadable)}`
        ]
      },
      ...Object.fromEntries(
        filters.map((id) => [id, { log_conditions: [startsWith(one.drops[id]!)] }])
      )
    },
    connectors: {
      ...Object.fromEntries(used(['forward/1', 'forward/2']).map((id) => [id, {}])),
      ...Object.fromEntries(
        used(routings).map((id) => [id, optionsOf(one.routes[id]!, behindOf(pipelines, id))])
      )
    }
  })
  const paths = [...pathsOf(config)]
  const pipeline = await startPipeline(config, log)
  const expected = { exported: [] as string[], dead: [] as string[] }
  let n = 0
  for (const { receiver: id, records } of requests) {
    const out = outs.get(id)
    if (out === undefined) continue
    const numbered = records.map((record) => ({ ...record, body: `${record.letter}${n++}` }))
    const batch = sent(logsOf(numbered), { receiver: id })
    out.next(batch)
    await expect.poll(() => batch.outcomes, { interval: 1 }).toEqual([undefined])
    for (const path of paths) {
      if (!path.receivers.includes(id)) continue
      for (const record of numbered) {
        const end = outcome(path, record, one)
        if (end !== 'gone') expected[end].push(`${path.name} ${record.body}`)
      }
    }
  }
  // A stop repeats nothing that fails: what waits is delivered before it.
  await expect
    .poll(() => waiting(pipeline.journal!.lanes.values(), pipeline.lanes), {
      timeout: 20_000,
      interval: 2
    })
    .toBe(0)
  await pipeline.stop(new AbortController().signal)
  const sorted = (all: { exported: string[]; dead: string[] }) => ({
    exported: all.exported.sort(),
    dead: all.dead.sort()
  })
  return {
    expected: sorted(expected),
    found: sorted({ exported, dead: await deadIn(directory) })
  }
}

/** Records that are not settled; holders send what they hold. */
function waiting(
  lanes: Iterable<{ behind: { records: number } }>,
  running: readonly { flush(): void }[]
): number {
  for (const lane of running) lane.flush()
  return Array.from(lanes).reduce((sum, { behind }) => sum + behind.records, 0)
}

async function deadIn(directory: string): Promise<string[]> {
  const { heads } = await listLetters(directory)
  const all = await Promise.all(heads.map(({ id }) => readLetter(directory, id)))
  return all.flatMap((letter) =>
    bodiesOf(letter!.logs).map((body) => `${letter!.head.laneName} ${body}`)
  )
}

function logsOf(records: readonly { readonly body: string; readonly tenant: string }[]): Logs {
  const resourceLogs = records.map(({ body, tenant }) => ({
    resource: { attributes: [{ key: 'tenant', value: { stringValue: tenant } }] },
    scopeLogs: [{ logRecords: [{ body: { stringValue: body } }] }]
  }))
  return logsFromJson(Buffer.from(JSON.stringify({ resourceLogs })))
}
