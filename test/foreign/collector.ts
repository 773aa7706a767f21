import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { newDir, until } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'

/** Starts the OpenTelemetry Collector (builder.yaml beside this): OTLP in, over HTTP unless it is told else, this one exporter out. */
export async function startCollector(
  binary: string,
  exporter: string,
  keys: object,
  { protocol = 'http', port }: { protocol?: 'http' | 'grpc'; port?: number } = {}
) {
  const endpoint = `127.0.0.1:${port ?? (await freePort())}`
  const config = {
    receivers: { otlp: { protocols: { [protocol]: { endpoint } } } },
    processors: { batch: { timeout: '50ms', send_batch_size: 50, send_batch_max_size: 100 } },
    exporters: { [exporter]: keys },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { logs: { receivers: ['otlp'], processors: ['batch'], exporters: [exporter] } }
    }
  }
  // JSON is YAML.
  return { http: endpoint, ...(await runCollector(binary, JSON.stringify(config))) }
}

/** Starts the Collector with this file, and waits until it is ready. */
export async function runCollector(binary: string, config: string) {
  const dir = newDir()
  writeFileSync(join(dir, 'collector.yaml'), config)
  const child = spawn(binary, ['--config', 'collector.yaml'], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    output += part
  })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const ready = () => output.includes('Everything is ready')
  await until(
    () => ready() || child.exitCode !== null,
    'the Collector to be ready',
    () => output
  )
  if (!ready()) throw new Error(`starting the Collector: ${output}`)
  return {
    output: () => output,
    /** Lets it send what it holds; resolves with its exit code. */
    async stop(): Promise<number | null> {
      child.kill('SIGTERM')
      await closed
      return child.exitCode
    }
  }
}
