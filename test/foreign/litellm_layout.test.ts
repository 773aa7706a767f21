import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentials, startVersitygw } from '../archive/versitygw.ts'
import { root, start, stop, until } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'

const timeout = 180_000
const { AUDITCOL_PYTHON: python, AUDITCOL_VERSITYGW: versitygw } = process.env
/** Larger by hand: LITELLM_EVENTS=3000 S3_OUTAGE_SECONDS=60. */
const { LITELLM_EVENTS = '300', S3_OUTAGE_SECONDS = '1' } = process.env
const events = Number(LITELLM_EVENTS)
const outageMs = Number(S3_OUTAGE_SECONDS) * 1000
const burst = Math.max(1100, events)
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
    retry_on_failure: { initial_interval: 100ms, max_interval: 1s }
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

function clientOf(endpoint: string): S3Client {
  return new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: {
      accessKeyId: credentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY
    }
  })
}

async function keysOf(endpoint: string): Promise<string[]> {
  const client = clientOf(endpoint)
  const found: string[] = []
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: 'logs' })) {
    found.push(...Contents.map(({ Key = '' }) => Key))
  }
  client.destroy()
  return found.filter((key) => !key.includes('/.auditcol/'))
}

/** What a bucket answers whoever asks for each of its objects. */
async function bucketOf(endpoint: string) {
  const client = clientOf(endpoint)
  const found: Record<string, unknown> = {}
  for (const Key of await keysOf(endpoint)) {
    const answer = await client.send(new GetObjectCommand({ Bucket: 'logs', Key }))
    const { ContentType, ContentLanguage, ContentDisposition, CacheControl, ContentEncoding } =
      answer
    const headers = {
      ContentType,
      ContentLanguage,
      ContentDisposition,
      CacheControl,
      ContentEncoding
    }
    found[Key] = { ...headers, body: await answer.Body?.transformToString() }
  }
  client.destroy()
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

  test('the same when auditcol was killed twice and the bucket was away for a while', {
    timeout: timeout + events * 100 + outageMs
  }, async () => {
    const ours = await startVersitygw(versitygw!)
    onTestFinished(() => ours.stop())
    const theirs = await startVersitygw(versitygw!)
    onTestFinished(() => theirs.stop())
    const port = await freePort()
    let auditcol = await start({ config: config(port, ours.endpoint), env: credentials })
    const { dir } = auditcol
    const script = join(import.meta.dirname, 'litellm_puts.py')
    const args = [script, `http://127.0.0.1:${port}`, `${events}`, '0', 'one', theirs.endpoint]
    const litellm = promisify(execFile)(python!, args, { env, maxBuffer: 2 ** 30 })
    const stored = async (share: number) => {
      const some = async () => (await keysOf(ours.endpoint)).length > events * share
      await until(some, 'some objects', auditcol.output)
    }
    const killed = async () => {
      auditcol.signal('SIGKILL')
      await auditcol.exit
      auditcol = await start({ dir, env: credentials })
    }
    await stored(0.1)
    await killed()
    await stored(0.3)
    await ours.down()
    await wait(outageMs)
    await killed()
    await ours.up()
    await litellm
    await until(
      async () => (await keysOf(ours.endpoint)).length >= events,
      'all objects',
      auditcol.output
    )
    expect(await stop(auditcol)).toBe(0)
    const direct = await bucketOf(theirs.endpoint)
    expect(Object.keys(direct)).toHaveLength(events)
    expect(await bucketOf(ours.endpoint)).toEqual(direct)
  })

  test('as it is shipped the example makes each event of a burst an object, past the keys of one batch too', {
    timeout
  }, async () => {
    const port = await freePort()
    const set = ['--set', `receivers::s3_put::endpoint=127.0.0.1:${port}`]
    const auditcol = await start({
      args: ['--config', join(root, 'examples/litellm.yaml'), ...set],
      env: {
        AUDITCOL_KEY_ID: credentials.AWS_ACCESS_KEY_ID,
        AUDITCOL_KEY: credentials.AWS_SECRET_ACCESS_KEY,
        LITELLM_S3_PATH: 'proxy'
      }
    })
    const script = join(import.meta.dirname, 'litellm_puts.py')
    const args = [script, `http://127.0.0.1:${port}`, `${burst}`, '0', 'one']
    const { stdout } = await promisify(execFile)(python!, args, { env, maxBuffer: 2 ** 30 })
    expect(await stop(auditcol)).toBe(0)
    const told = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(told).toHaveLength(burst)
    for (const { key, body } of told)
      expect(readFileSync(join(auditcol.dir, 'archive', key), 'utf8')).toBe(body)
    const folder = join(auditcol.dir, 'archive/proxy/audit_logs')
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    expect(files.filter((file) => file.isFile())).toHaveLength(burst)
    expect(auditcol.output()).not.toContain('past_max_keys')
  })
})
