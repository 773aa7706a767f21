import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentials, startVersitygw } from '../archive/versitygw.ts'
import { start, stop } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'

const timeout = 180_000
const { AUDITCOL_PYTHON: python, AUDITCOL_VERSITYGW: versitygw } = process.env
const isHere = python !== undefined && versitygw !== undefined
if (!isHere) {
  console.log(
    "skipped: LiteLLM's bucket beside ours (AUDITCOL_PYTHON and AUDITCOL_VERSITYGW name no programs)"
  )
}

const env = { ...process.env, ...credentials, AWS_EC2_METADATA_DISABLED: 'true' }

const config = (port: number, endpoint: string) => `
receivers:
  s3_put:
    endpoint: 127.0.0.1:${port}
    access_keys:
      - access_key_id: ${credentials.AWS_ACCESS_KEY_ID}
        secret_access_key: ${credentials.AWS_SECRET_ACCESS_KEY}
processors:
  batch: { timeout: 100ms }
exporters:
  awss3:
    s3uploader:
      region: us-east-1
      s3_bucket: logs
      endpoint: ${endpoint}
      s3_force_path_style: true
      s3_prefix: proxy
      layout: litellm
service:
  pipelines:
    logs: { receivers: [s3_put], processors: [batch], exporters: [awss3] }
`

/** What a bucket answers whoever asks for each of its objects. */
async function bucketOf(endpoint: string) {
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: {
      accessKeyId: credentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY
    }
  })
  onTestFinished(() => client.destroy())
  const found: Record<string, unknown> = {}
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: 'logs' })) {
    for (const { Key = '' } of Contents) {
      if (Key.includes('/.auditcol/')) continue
      const answer = await client.send(new GetObjectCommand({ Bucket: 'logs', Key }))
      const { ContentType, ContentLanguage, ContentDisposition, CacheControl, ContentEncoding } =
        answer
      const body = await answer.Body?.transformToString()
      const headers = {
        ContentType,
        ContentLanguage,
        ContentDisposition,
        CacheControl,
        ContentEncoding
      }
      found[Key] = { ...headers, body }
    }
  }
  return found
}

describe.skipIf(!isHere)("layout: litellm beside LiteLLM's own bucket", () => {
  test('the same keys, bytes and headers, of audit events and request logs', {
    timeout
  }, async () => {
    const ours = await startVersitygw(versitygw!)
    onTestFinished(() => ours.stop())
    const theirs = await startVersitygw(versitygw!)
    onTestFinished(() => theirs.stop())
    const port = await freePort()
    const auditcol = await start({ config: config(port, ours.endpoint), env: credentials })
    const script = join(import.meta.dirname, 'litellm_puts.py')
    const args = [script, `http://127.0.0.1:${port}`, '60', '3', 'one', theirs.endpoint]
    await promisify(execFile)(python!, args, { env, maxBuffer: 2 ** 28 })
    expect(await stop(auditcol)).toBe(0)
    const direct = await bucketOf(theirs.endpoint)
    expect(Object.keys(direct)).toHaveLength(63)
    expect(Object.keys(direct).join()).toContain("a_b_c d%25+&=#?'~ 0.json")
    expect(Object.values(direct)[0]).toMatchObject({
      ContentLanguage: 'en',
      ContentDisposition: expect.stringContaining('inline; filename="'),
      CacheControl: expect.stringContaining('immutable')
    })
    expect(await bucketOf(ours.endpoint)).toEqual(direct)
  })
})
