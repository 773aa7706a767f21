import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { usageOf } from './usage.ts'

/*
 * Signed PUTs of LiteLLM's audit events, one event each, on 16 connections, as LiteLLM has them: how
 * many does the receiver s3_put take per CPU-second, synced, and delivered into a directory?
 *   node bench/s3_put.ts [PUTs]
 */
const puts = Number(process.argv[2] ?? 20_000)
const connections = 16
const pair = { accessKeyId: 'AKIDBENCH', secretAccessKey: 'not-a-real-secret' }

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'auditcol-bench-'))
  const port = await freePort()
  writeFileSync(join(directory, 'pipeline.yaml'), pipeline(port))
  const script = join(import.meta.dirname, '../src/cli.ts')
  const child = spawn(process.execPath, [script, 'run'], { cwd: directory, stdio: 'ignore' })
  try {
    const requests = await signedRequests(port)
    while (!(await accepts(port))) await sleep(100)
    const before = usageOf(child.pid!)
    const started = performance.now()
    let next = 0
    const sender = () => sendAll(port, () => requests[next++])
    await Promise.all(Array.from({ length: connections }, sender))
    const seconds = (performance.now() - started) / 1000
    const after = usageOf(child.pid!)
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds
    const rate = Math.round(puts / cpuSeconds)
    console.log(
      `${puts} PUTs: ${rate} per CPU-second, ${Math.round(puts / seconds)} per second, peak ${Math.round(after.megabytes)} MB`
    )
  } finally {
    child.kill('SIGINT')
    await once(child, 'exit')
    rmSync(directory, { recursive: true, force: true })
  }
}

function pipeline(port: number): string {
  return `
receivers:
  s3_put:
    endpoint: 127.0.0.1:${port}
    access_keys: [{ access_key_id: ${pair.accessKeyId}, secret_access_key: ${pair.secretAccessKey} }]
processors:
  batch: { timeout: 200ms }
exporters:
  awss3: { s3uploader: { region: us-east-1, s3_bucket: 'file:./archive', compression: zstd } }
service:
  telemetry: { metrics: { level: none }, logs: { level: warn } }
  pipelines:
    logs: { receivers: [s3_put], processors: [batch], exporters: [awss3] }
`
}

/** Signed before the clock runs: the sender's cost is not what is measured. */
async function signedRequests(port: number): Promise<Buffer[]> {
  const sha256 = Hash.bind(null, 'sha256')
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: pair,
    sha256,
    uriEscapePath: false
  })
  const requests: Buffer[] = []
  for (let number = 0; number < puts; number++) {
    const id = `0a8ef3ad-6b4e-4a2f-bb0b-${String(number).padStart(12, '0')}`
    const body = event(id)
    const path = `/logs/audit_logs/2026-11-23/08-15-00_${id}.json`
    const headers = {
      host: `127.0.0.1:${port}`,
      'content-type': 'application/json',
      'content-md5': createHash('md5').update(body).digest('base64'),
      'content-language': 'en',
      'content-disposition': `inline; filename="audit-${id}.json"`,
      'cache-control': 'private, immutable, max-age=31536000, s-maxage=0',
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex')
    }
    const request = { method: 'PUT', protocol: 'http:', hostname: '', path, headers }
    const signed = await signer.sign(request, { signableHeaders: new Set(Object.keys(headers)) })
    const lines = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = `PUT ${path} HTTP/1.1\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n`
    requests.push(Buffer.from(head + body))
  }
  return requests
}

/** 700 bytes, as a real proxy's smaller ones. */
function event(id: string): string {
  const values = JSON.stringify({ team_alias: 'core', max_budget: 10.0, models: ['x'.repeat(200)] })
  return JSON.stringify({
    id,
    updated_at: '2026-11-23T08:15:00.123456+00:00',
    changed_by: 'default_user_id',
    changed_by_api_key: 'litellm_proxy_master_key',
    action: 'updated',
    table_name: 'LiteLLM_TeamTable',
    object_id: id,
    before_value: values,
    updated_values: '{}'
  })
}

async function sendAll(port: number, next: () => Buffer | undefined): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  for (let request = next(); request; request = next()) {
    socket.write(request)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    if (!answer.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(String(answer))
  }
  socket.destroy()
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

await main()
