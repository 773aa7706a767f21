import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { auditRequests } from './audit_requests.ts'
import { type Answered, send } from './load.ts'
import { type Sink, startSink } from './sink.ts'
import { type Usage, usageOf } from './usage.ts'

/*
 * How near auditcol is to the floor (floor_program.ts): the same load against both, one after the
 * other, each with a sink of its own in this process. What counts is records per CPU-second, which
 * a busy neighbour disturbs less than records per second, and the ratio.
 *   node bench/floor.ts [--only floor|auditcol] [--connections 8]
 */
const { values } = parseArgs({
  options: { only: { type: 'string' }, connections: { type: 'string', default: '8' } }
})

const loads = [
  { perRequest: 500, records: 250_000 },
  { perRequest: 1, records: 25_000 }
]
const connections = Number(values.connections)
const loadLimit = 9_000

const watchdog = setTimeout(() => stop('the measurement took more than a minute'), 60_000)
const children = new Set<ChildProcess>()

async function main(): Promise<void> {
  for (const load of loads) {
    const templates = auditRequests(load.perRequest === 1 ? 512 : 64, load.perRequest)
    const size = Math.round(templates[0]!.bytes.length / load.perRequest)
    console.log(`${load.perRequest} a request, ${size} bytes a record, ${connections} in flight`)
    const results: Result[] = []
    for (const program of ['floor', 'auditcol'] as const) {
      if (values.only !== undefined && values.only !== program) continue
      const result = await measure(program, { ...load, templates })
      results.push(result)
      print(program, result)
    }
    const [floor, auditcol] = results
    if (floor === undefined || auditcol === undefined) continue
    console.log(`  auditcol / floor: ${(auditcol.perCpuSecond / floor.perCpuSecond).toFixed(2)}\n`)
  }
}

interface Result extends Answered, Usage {
  readonly perCpuSecond: number
  readonly objects: number
  /** Bytes in the sink ÷ bytes answered with 200. */
  readonly stored: number
}

async function measure(
  program: 'floor' | 'auditcol',
  load: { templates: ReturnType<typeof auditRequests>; records: number }
): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'auditcol-bench-'))
  const sink = await startSink()
  try {
    const { child, port } = await start[program](directory, sink)
    const before = usageOf(child.pid!)
    const answered = await send({ port, connections, limit: loadLimit, ...load })
    await quiet(sink)
    const after = usageOf(child.pid!)
    await terminate(child)
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds
    return {
      ...answered,
      cpuSeconds,
      megabytes: after.megabytes,
      perCpuSecond: answered.records / cpuSeconds,
      objects: sink.objects(),
      stored: sink.contentBytes() / answered.bytes
    }
  } finally {
    sink.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

const start = { floor: startFloor, auditcol: startAuditcol }

async function startFloor(directory: string, sink: Sink) {
  const script = join(import.meta.dirname, 'floor_program.ts')
  const child = run([script, directory, String(sink.port)], directory)
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout!.on('data', (line) => resolve(Number(String(line).split(' ')[1])))
    child.once('exit', () => reject(new Error('starting the floor program')))
  })
  return { child, port }
}

async function startAuditcol(directory: string, sink: Sink) {
  const port = await freePort()
  const config = join(directory, 'pipeline.yaml')
  writeFileSync(config, pipeline(port, sink.port, join(directory, 'journal')))
  const script = join(import.meta.dirname, '../src/cli.ts')
  const child = run([script, 'run', '--config', config], directory)
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (child.exitCode !== null || tries > 100) {
      throw new Error(`starting auditcol:\n${readFileSync(join(directory, 'log'), 'utf8')}`)
    }
    await sleep(100)
  }
  return { child, port }
}

function pipeline(port: number, sinkPort: number, journal: string): string {
  return `
receivers:
  otlp: { protocols: { http: { endpoint: '127.0.0.1:${port}' } } }
processors:
  batch: { send_batch_size: 8192, timeout: 200ms }
exporters:
  awss3:
    marshaler: otlp_proto
    s3uploader:
      region: us-east-1
      endpoint: http://127.0.0.1:${sinkPort}
      s3_force_path_style: true
      s3_bucket: audit
      s3_prefix: bench
      compression: zstd
service:
  journal: { directory: ${JSON.stringify(journal)} }
  telemetry: { metrics: { level: none }, logs: { level: warn } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [awss3] }
`
}

/** Starts a program with its messages in a file, so that reading them costs nobody CPU time. */
function run(args: string[], directory: string): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a')
  const stdout = args[0]!.endsWith('floor_program.ts') ? 'pipe' : log
  const child = spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
    stdio: ['ignore', stdout, log]
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Waits until nothing has reached the sink for a second. */
async function quiet(sink: Sink): Promise<void> {
  let seen = -1
  while (seen !== sink.objects()) {
    seen = sink.objects()
    await sleep(1000)
  }
}

async function terminate(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  clearTimeout(force)
}

function print(program: string, result: Result): void {
  const { perCpuSecond, records, seconds, megabytes, objects, stored } = result
  const round = (value: number) => Math.round(value).toLocaleString('en')
  console.log(
    `  ${program.padEnd(8)} ${round(perCpuSecond)} records/CPU-s, ${round(records / seconds)} records/s, ` +
      `peak ${round(megabytes)} MB, ${objects} objects with ${(stored * 100).toFixed(1)} % of the bytes answered 200`
  )
}

function stop(reason: string): void {
  for (const child of children) child.kill('SIGKILL')
  console.error(reason)
  process.exit(1)
}

await main().catch((error: Error) => stop(error.message))
clearTimeout(watchdog)
