import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { Subject } from 'rxjs'
import { expect, onTestFinished } from 'vitest'
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

/** A processor with its configuration, in YAML's flow style. */
export interface Case {
  readonly type: string
  readonly yaml: string
  /** Keys that the Collector has not, for ours alone. */
  readonly ours?: string
}

const sender = { 'x-tenant': 'red' }

/** One pipeline for each case, all fed by one receiver; each sends to a path of its own. */
export function configFor(
  all: readonly Case[],
  endpoint = '127.0.0.1:4318',
  sink = 'http://127.0.0.1:9'
) {
  const lines = (line: (one: Case, index: number) => string) => all.map(line).join('\n')
  const exporter =
    'compression: none, sending_queue: { enabled: false }, retry_on_failure: { enabled: false }'
  return `receivers:
  otlp: { protocols: { http: { endpoint: "${endpoint}", include_metadata: true } } }
processors:
${lines(({ type, yaml, ours = '' }, index) => `  ${type}/${index}: ${yaml.replace('{', `{ ${ours && `${ours}, `}`)}`)}
exporters:
${lines((_, index) => `  otlp_http/${index}: { logs_endpoint: "${sink}/${index}", ${exporter} }`)}
service:
  telemetry: { metrics: { level: none } }
  pipelines:
${lines(({ type }, index) => `    logs/${index}: { receivers: [otlp], processors: [${type}/${index}], exporters: [otlp_http/${index}] }`)}
`
}

export async function throughCollector(
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
  const theirs = all.map(({ type, yaml }) => ({ type, yaml }))
  const config = configFor(theirs, http, `http://${await listening(sink)}`)
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

export async function throughOurs(all: readonly Case[], logs: object): Promise<unknown[]> {
  const { processors } = await loaded(configFor(all))
  return all.map(({ type }, index) => {
    const { create, options } = processors.get(`${type}/${index}`)!
    return through(create(options, laneContext()) as Processor, logs)
  })
}

export async function loaded(config: string): Promise<Config> {
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

/** Attributes and maps without regard to their order, which the Collector does not keep when it removes some. */
function decoded(bytes: Uint8Array): unknown {
  const text = Buffer.concat([...jsonFromLogs(checkLogs(bytes))]).toString()
  return JSON.parse(text, (key, value) =>
    key === 'attributes' || (key === 'values' && value[0]?.key !== undefined)
      ? value.toSorted((a: Key, b: Key) => (a.key < b.key ? -1 : 1))
      : value
  )
}

interface Key {
  readonly key: string
}

export async function refusedByCollector(binary: string, config: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      binary,
      ['validate', '--config', `yaml:${config}`],
      { cwd: newDir() },
      (error, _, said) => resolve(error === null ? 'accepted' : said)
    )
  })
}
