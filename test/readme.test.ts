import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Exporter } from '../src/component.ts'
import { loadModule } from '../src/load.ts'
import { encodeLogs } from '../src/logs/encode.ts'
import { laneContext, sent } from './batches.ts'

const root = resolve(import.meta.dirname, '..')
const block = /```ts\n(\/\/ my_exporter\.ts\n.*?)```/s.exec(
  readFileSync(join(root, 'README.md'), 'utf8')
)?.[1]

const keyCreated = {
  resource: { attributes: {} },
  instrumentationScope: { name: 'audit' },
  hrTime: [1_700_000_000, 0],
  hrTimeObserved: [1_700_000_000, 0],
  body: 'key created',
  attributes: {}
} as unknown as ReadableLogRecord

let directory = ''
const requests: { body: string }[] = []
let status = 200
const server = createServer(async (request, response) => {
  requests.push({ body: Buffer.concat(await request.toArray()).toString() })
  response.writeHead(status).end()
})

beforeEach(async () => {
  // As the README says, the file lies in the checkout; here in a folder that looks like it.
  directory = mkdtempSync(join(tmpdir(), 'readme-'))
  for (const name of ['src', 'node_modules']) symlinkSync(join(root, name), join(directory, name))
  writeFileSync(join(directory, 'my_exporter.ts'), block ?? '')
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(directory, { recursive: true, force: true })
})

test("the README's own exporter runs as it stands there", async () => {
  const exporter = await load({ url: urlOfServer() })
  const logs = encodeLogs([keyCreated])
  const never = new AbortController().signal
  await exporter(sent(logs), never)
  expect(requests.map(({ body }) => JSON.parse(body))).toMatchObject([
    { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'key created' } }] }] }] }
  ])
  status = 500
  await expect(exporter(sent(logs), never)).rejects.toThrow(/^posting to .*: status 500$/)
})

test('its schema refuses keys that it does not have', async () => {
  await expect(load({ url: urlOfServer(), retries: 3 })).rejects.toThrow('retries')
})

async function load(options: object): Promise<Exporter> {
  const loaded = await loadModule(join(directory, 'my_exporter.ts'))
  if (!('component' in loaded)) return expect.unreachable('not a component')
  const { config, default: create } = loaded.component
  return create(config.parse(options), laneContext()) as Exporter
}

function urlOfServer(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/audit`
}
