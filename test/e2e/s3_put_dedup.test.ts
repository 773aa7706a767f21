import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../free_port.ts'
import { start, stop } from './auditcol.ts'
import { objectsOf } from './records.ts'

test('with dedup a PUT that comes again after a kill is one record', async () => {
  const port = await freePort()
  const config = `
receivers:
  s3_put: { endpoint: 127.0.0.1:${port}, auth: none, dedup: { id: s3_put.record_id } }
exporters:
  awss3: { s3uploader: { region: us-east-1, s3_bucket: 'file:./archive' } }
service:
  pipelines: { logs: { receivers: [s3_put], exporters: [awss3] } }
`
  const put = (id: string) => {
    const url = `http://127.0.0.1:${port}/logs/audit_logs/2026-11-23/08-15-00_${id}.json`
    return fetch(url, { method: 'PUT', body: `{"id": "${id}"}` }).then(({ status }) => status)
  }
  const first = await start({ config })
  expect(await put('1')).toBe(200)
  first.signal('SIGKILL')
  await first.exit
  const second = await start({ dir: first.dir })
  expect([await put('1'), await put('2')]).toEqual([200, 200])
  expect(await stop(second)).toBe(0)
  const objects = objectsOf(join(first.dir, 'archive')).map(({ content }) => `${content}`)
  const ids = objects
    .join('')
    .match(/"stringValue":"\{\\"id\\": \\"\d/g)!
    .map((text) => text.at(-1))
  expect(ids.sort()).toEqual(['1', '2'])
})
