import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { startFakeS3 } from '../fake_s3.ts'
import { runToEnd, start, stop, until } from './auditcol.ts'
import { pipelineOf } from './pipeline.ts'

const env = {
  AWS_ACCESS_KEY_ID: 'akey',
  AWS_SECRET_ACCESS_KEY: 'skey12345',
  AWS_REGION: 'us-east-1'
}

test('L6: an intent names its dead letters, and the archive counts their records', {
  timeout: 60_000
}, async () => {
  const s3 = await startFakeS3()
  const s3uploader =
    `s3uploader: { s3_bucket: logs, endpoint: "${s3.endpoint}", s3_force_path_style: true, ` +
    's3_partition_format: "" }, resource_attrs_to_s3: { s3_bucket: bucket, allowed_buckets: [logs] }'
  const auditcol = await start({ config: pipelineOf({ awss3: s3uploader }), env })
  const { dir } = auditcol
  const body = JSON.stringify({
    resourceLogs: ['stolen', 'logs', 'stolen'].map((bucket, index) => ({
      resource: { attributes: [{ key: 'bucket', value: { stringValue: bucket } }] },
      scopeLogs: [{ logRecords: [{ body: { stringValue: `event(${index})` } }] }]
    }))
  })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://${auditcol.http}/v1/logs`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
  await until(() => s3.keys().some((key) => key.includes('/commits/')))
  expect(await stop(auditcol)).toBe(0)

  const objects = new Map(s3.keys().map((key) => [key, s3.object(key)!]))
  expect(problemsOf(objects)).toEqual([])
  const commits = s3.keys().filter((key) => key.includes('/commits/'))
  const leaves = commits.map((key) => objects.get(key)!.toString()).join('')
  expect(leaves).toContain('"counts":{"dead":2,"dropped":0,"elsewhere":0,"in":3,"out":1}')
  const { output } = await runToEnd({ dir, args: ['dead-letters', 'list', '--lane', 'logs/awss3'] })
  expect(output).toMatch(/2 records {2}choosing the bucket: resource attribute bucket = "stolen"/)
  await s3.stop()
})
