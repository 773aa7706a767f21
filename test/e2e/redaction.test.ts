import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requestWith, seen } from '../redaction/places.ts'
import { secretsOf } from '../redaction/secrets.ts'
import { newDir, start, stop } from './auditcol.ts'
import { objectsOf } from './records.ts'

const config = `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
processors:
  redaction:
    allow_all_keys: true
    patterns: all
    hash_function: hmac-sha256
    hmac_key: \${env:REDACTION_KEY}
    summary: debug
  batch: { timeout: 50ms }
exporters:
  awss3: { marshaler: json_lines, s3uploader: { s3_bucket: 'file:./archive', compression: zstd } }
  debug: { verbosity: detailed }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [redaction, batch], exporters: [awss3, debug] }
`

test('no secret is in the archive, in what an exporter prints, or in messages; the counts say how many', {
  timeout: 60_000
}, async () => {
  const secrets = secretsOf(11)
  const request = requestWith(secrets)
  const key = 'a key of at least 32 bytes in all'
  const auditcol = await start({ dir: newDir(), config, env: { REDACTION_KEY: key } })
  const answer = await fetch(`http://${auditcol.http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request)
  })
  expect(answer.status, await answer.text()).toBe(200)
  expect(await stop(auditcol)).toBe(0)

  const archived = objectsOf(join(auditcol.dir, 'archive')).map(({ content }) => `${content}`)
  const lines = archived.join('').trimEnd().split('\n')
  expect(lines).toHaveLength(request.resourceLogs.length)
  expect(seen(secrets, lines.join('\n'))).toEqual([])
  expect(seen(secrets, auditcol.output())).toEqual([])
  expect(lines.join('\n')).toMatch(/<hmac:aws_access_key#[0-9a-f]{16}>/)
  expect(auditcol.output()).toMatch(/masked by redaction patterns\.aws_access_key \d+/)
  expect(auditcol.output()).not.toContain(key)
  expect(readFileSync(join(auditcol.dir, 'pipeline.yaml'), 'utf8')).not.toContain(key)
})
