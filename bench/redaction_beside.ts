import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { auditRequests } from './audit_requests.ts'
import { send } from './load.ts'
import { usageOf } from './usage.ts'

/*
 * Records per CPU-second of a whole program, OTLP in and OTLP out, with and without redaction by the same
 * three expressions; auditcol with its journal, the Collector without a queue on disk.
 *   AUDITCOL_COLLECTOR=otelcol node bench/redaction_beside.ts
 */
const records = 200_000
const templates = auditRequests(64, 500)
const rules =
  "allow_all_keys: true, blocked_values: ['AKIA[A-Z0-9]{16}', 'gh[pousr]_[A-Za-z0-9]{36}', '4[0-9]{12}(?:[0-9]{3})?']"
const allPatterns = 'allow_all_keys: true, patterns: all'

const collector = process.env.AUDITCOL_COLLECTOR
const auditcol = [process.execPath, join(import.meta.dirname, '../src/cli.ts'), 'run']

const cases: [name: string, command: string[], keys: string | undefined][] = [
  ['auditcol', auditcol, undefined],
  ['auditcol, three blocked_values, deep: false', auditcol, `${rules}, deep: false`],
  ['auditcol, three blocked_values', auditcol, rules],
  ['auditcol, patterns: all', auditcol, allPatterns],
  ...(collector === undefined
    ? []
    : ([
        ['Collector', [collector], undefined],
        ['Collector, three blocked_values', [collector], rules]
      ] satisfies typeof cases))
]

const sink = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/x-protobuf').end()
  })
}).listen(0, '127.0.0.1')
await once(sink, 'listening')

for (const [name, command, keys] of cases) {
  const best = Math.max(await measure(command, keys), await measure(command, keys))
  console.log(`${name}: ${Math.round(best).toLocaleString('en')} records per CPU-second`)
}
sink.close()

async function measure([program, ...args]: string[], keys: string | undefined): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'auditcol-bench-'))
  const port = await freePort()
  writeFileSync(join(directory, 'pipeline.yaml'), pipeline(port, keys))
  const log = join(directory, 'log')
  const child = spawn(program!, [...args, '--config', 'pipeline.yaml'], {
    cwd: directory,
    stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')]
  })
  try {
    while (!readFileSync(log, 'utf8').includes('Everything is ready')) {
      if (child.exitCode !== null) throw new Error(`starting ${program}: ${readFileSync(log)}`)
      await sleep(50)
    }
    const before = usageOf(child.pid!).cpuSeconds
    const answered = await send({ port, connections: 8, limit: 60_000, templates, records })
    return answered.records / ((await settled(child)) - before)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The CPU seconds when it has nothing more to do. */
async function settled({ pid }: ChildProcess): Promise<number> {
  for (;;) {
    const before = usageOf(pid!).cpuSeconds
    await sleep(1_000)
    const after = usageOf(pid!).cpuSeconds
    if (after - before < 0.05) return after
  }
}

function pipeline(port: number, keys: string | undefined): string {
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
  return `
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${port}' } } } }
${keys === undefined ? '' : `processors: { redaction: { ${keys} } }`}
exporters: { otlp_http: { endpoint: '${url}', compression: none } }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], processors: [${keys ? 'redaction' : ''}], exporters: [otlp_http] } }
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
