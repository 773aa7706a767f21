import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { Subject } from 'rxjs'
import { expect, onTestFinished, test } from 'vitest'
import type { Batch, Processor } from '../../src/component.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load_config.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { laneContext, sent } from '../batches.ts'
import { newDir, until } from '../e2e/auditcol.ts'
import { listening } from '../exporters/otlp_backend.ts'
import { freePort } from '../free_port.ts'
import { runCollector } from './collector.ts'
import { type Case, cases, differences, input, odd, refusals } from './processor_cases.ts'

const collector = process.env.AUDITCOL_COLLECTOR
if (collector === undefined)
  console.log("skipped: processors beside the Collector's (AUDITCOL_COLLECTOR names none)")

const sender = { 'x-tenant': 'red' }

test.skipIf(collector === undefined)(
  'the same records come out of the same processors',
  { timeout: 120_000 },
  async () => {
    const ours = await throughOurs(cases, input)
    const theirs = await throughCollector(collector!, cases, input)
    for (const [index, { type, yaml }] of cases.entries())
      expect(ours[index], `${type}: ${yaml}`).toEqual(theirs[index])
  }
)

test.skipIf(collector === undefined)(
  'they differ where that is said',
  { timeout: 120_000 },
  async () => {
    const ours = await throughOurs(differences, odd)
    const theirs = await throughCollector(collector!, differences, odd)
    for (const [index, { why }] of differences.entries())
      expect(ours[index], why).not.toEqual(theirs[index])
  }
)

test.skipIf(collector === undefined).each(refusals)(
  'both refuse $yaml, and say why alike',
  { timeout: 30_000 },
  async (one) => {
    const theirs = await refusedByCollector(collector!, configFor([one]))
    const said = await loaded(configFor([one])).then(() => 'accepted', String)
    const why = (text: string) => text.replaceAll(/\s+/g, ' ')
    expect(why(theirs)).toContain(one.says)
    expect(why(said)).toContain(one.says)
  }
)

/** One pipeline for each case, all fed by one receiver; each sends to a path of its own. */
function configFor(all: readonly Case[], endpoint = '127.0.0.1:4318', sink = 'http://127.0.0.1:9') {
  const lines = (line: (one: Case, index: number) => string) => all.map(line).join('\n')
  const exporter =
    'compression: none, sending_queue: { enabled: false }, retry_on_failure: { enabled: false }'
  return `receivers:
  otlp: { protocols: { http: { endpoint: "${endpoint}", include_metadata: true } } }
processors:
${lines(({ type, yaml }, index) => `  ${type}/${index}: ${yaml}`)}
exporters:
${lines((_, index) => `  otlp_http/${index}: { logs_endpoint: "${sink}/${index}", ${exporter} }`)}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
${lines(({ type }, index) => `    logs/${index}: { receivers: [otlp], processors: [${type}/${index}], exporters: [otlp_http/${index}] }`)}
`
}

async function throughCollector(
  binary: string,
  all: readonly Case[],
  logs: object
): Promise<unknown[]> {
  const seen = new Map<number, unknown>()
  const sink = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    seen.set(Number(request.url!.slice(1)), decoded(Buffer.concat(parts)))
    response.setHeader('content-type', 'application/x-protobuf').end()
  })
  onTestFinished(() => void sink.close())
  const http = `127.0.0.1:${await freePort()}`
  const config = configFor(all, http, `http://${await listening(sink)}`)
  const { output } = await runCollector(binary, config)
  const answer = await fetch(`http://${http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...sender },
    body: JSON.stringify(logs)
  })
  expect(answer.status, await answer.text()).toBe(200)
  await until(() => seen.size === all.length, 'all pipelines to send', output)
  return all.map((_, index) => seen.get(index))
}

async function throughOurs(all: readonly Case[], logs: object): Promise<unknown[]> {
  const { processors } = await loaded(configFor(all))
  return all.map(({ type }, index) => {
    const { create, options } = processors.get(`${type}/${index}`)!
    return through(create(options, laneContext()) as Processor, logs)
  })
}

async function loaded(config: string): Promise<Config> {
  const { config: found } = await loadConfig({
    config: [`yaml:${config}`],
    set: [],
    logsOnly: false,
    env: {}
  })
  return found
}

function through(processor: Processor, logs: object): unknown {
  const batches = new Subject<Batch>()
  const out: Batch[] = []
  batches.pipe(processor).subscribe((batch) => out.push(batch))
  const client = { 'x-tenant': [sender['x-tenant']] }
  const bytes = Buffer.from(JSON.stringify(logs))
  batches.next(sent(logsFromJson(bytes), { client, address: '127.0.0.1' }))
  return decoded(Buffer.concat(out.flatMap(({ logs }) => logs.chunks)))
}

/** Attributes without regard to their order, which the Collector does not keep when it removes some. */
function decoded(bytes: Uint8Array): unknown {
  const text = Buffer.concat([...jsonFromLogs(checkLogs(bytes))]).toString()
  return JSON.parse(text, (key, value) =>
    key === 'attributes' ? value.toSorted((a: Key, b: Key) => (a.key < b.key ? -1 : 1)) : value
  )
}

interface Key {
  readonly key: string
}

async function refusedByCollector(binary: string, config: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      binary,
      ['validate', '--config', `yaml:${config}`],
      { cwd: newDir() },
      (error, _, said) => resolve(error === null ? 'accepted' : said)
    )
  })
}
