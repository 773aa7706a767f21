import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { start, stop, until } from './auditcol.ts'
import { pipelineOf } from './pipeline.ts'

const timeout = 60_000

/** Nothing listens on port 1: what is sealed waits in memory for a store that never answers. */
const unreachable = 'region: x, s3_bucket: b, endpoint: "http://127.0.0.1:1", compression: none'

/** 4 MB of protobuf that are 18 MB of JSON: no records grow more than those of many small numbers. */
function smallNumbers(): Buffer<ArrayBuffer> {
  const attributes = Array.from({ length: 20 }, (_, n) => ({
    key: 'n',
    value: { intValue: `${n}` }
  }))
  const logRecords = new Array(20_000).fill({ attributes })
  return gzipSync(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
}

test('memory stays in its bound with an unreachable store, where the objects are far larger than their records', {
  timeout
}, async () => {
  const retry = 'retry_on_failure: { initial_interval: 50ms, max_interval: 50ms }'
  const config = pipelineOf(
    { awss3: `${retry}, s3uploader: { ${unreachable}, retry_mode: nop }` },
    { processors: 'batch: { timeout: 1h, send_batch_size: 0, send_batch_size_bytes: 15MiB }' }
  )
  const auditcol = await start({ config })
  const bound = Number(/memory: at most (\d+) MiB/.exec(auditcol.output())?.[1])
  const body = smallNumbers()
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  // More than a lane's window of 64 MiB.
  for (let n = 0; n < 18; n++) {
    const answer = await fetch(`http://${auditcol.http}/v1/logs`, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
  }
  await until(() => auditcol.output().includes('storing in s3://'))
  expect(auditcol.memoryPeak()).toBeLessThan(bound * 2 ** 20)
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).toContain('360000 wait in the journal')
})
