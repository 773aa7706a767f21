import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { start, stop } from './auditcol.ts'
import { createBackend } from './backend.ts'
import { pipelineOf } from './pipeline.ts'

const timeout = 60_000

/** A record whose id and text differ. */
function post(http: string, id: string, event = id): Promise<number> {
  const attributes = [{ key: 'audit.record.id', value: { stringValue: id } }]
  const logRecords = [{ body: { stringValue: `event(${event})` }, attributes }]
  const [host, port] = http.split(':')
  const headers = { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host,
      port,
      method: 'POST',
      path: '/v1/logs',
      headers,
      agent: false
    })
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      text(response).then(() => resolve(response.statusCode!), reject)
    })
    outgoing.end(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
  })
}

test('a repeat is a 200 without a second copy, also after kill -9, and the stop counts it', {
  timeout
}, async () => {
  const backend = createBackend('take')
  const config = pipelineOf({ backend: backend.keys }).replace(
    'otlp: { ',
    'otlp: { dedup: { id: audit.record.id }, '
  )
  const first = await start({ config })
  for (const id of ['a', 'b', 'a']) expect(await post(first.http, id)).toBe(200)
  first.signal('SIGKILL')
  expect(await first.exit).toBe(-1)
  const again = await start({ dir: first.dir })
  for (const id of ['a', 'b', 'c']) expect(await post(again.http, id)).toBe(200)
  expect(await post(again.http, 'c', 'other')).toBe(200)
  expect(await stop(again)).toBe(0)
  expect([...new Set(backend.taken())].sort()).toEqual(['a', 'b', 'c', 'other'])
  expect(again.output()).toContain(
    'receiver otlp: 4 records accepted, 2 of them stored before, 1 with a known id and other content, 0 without an id'
  )
})
