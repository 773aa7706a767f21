import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentials, startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { pipelineOf, sendEach } from '../e2e/pipeline.ts'

const timeout = 60_000
const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: doctor and a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

describe.skipIf(binary === undefined)('doctor and a real S3 server', () => {
  let s3: Versitygw
  beforeAll(async () => {
    s3 = await startVersitygw(binary!, { versions: true })
  })
  afterAll(() => s3.stop())

  const into = (bucket: string, more = '') =>
    `s3uploader: { s3_bucket: ${bucket}, endpoint: "${s3.endpoint}", s3_force_path_style: true ${more} }`
  const all = 'require: [create_only, checksums, read, list, versioning, object_lock, clock]'
  const lock = ', object_lock: { mode: governance, retention: 168h }'

  test('beside a running collector: a bucket without and one with Object Lock, and a directory', {
    timeout
  }, async () => {
    const config = pipelineOf({
      'awss3/plain': into('logs'),
      'awss3/locked': `${all}, ${into('locked', lock)}`,
      'awss3/files': 's3uploader: { s3_bucket: "file:./archive" }'
    })
    const auditcol = await start({ config, env: credentials })
    const { dir } = auditcol
    await sendEach(auditcol, ['a'])
    const { code, output } = await runToEnd({ dir, args: ['doctor'], env: credentials })
    expect(code, output).toBe(0)
    const [journal, plain, locked, files] = output.split('\n\n')
    expect(journal).toContain('a process has it: a collector is running')
    const results = (text = '') =>
      [...text.matchAll(/^ {2}(\w+) +(ok|no|unknown)\b/gm)].map(([, , result]) => result)
    expect(results(plain)).toEqual(['ok', 'ok', 'ok', 'ok', 'no', 'no', 'ok'])
    expect(results(locked)).toEqual(Array(7).fill('ok'))
    expect(results(files)).toEqual(['ok', 'no', 'ok', 'ok', 'no', 'no', 'ok'])
    await until(() => auditcol.output().includes('Everything is ready'))
    expect(await stop(auditcol)).toBe(0)
    expect(auditcol.output()).toContain('lane logs/awss3/locked: 1 record delivered')
  })

  test('a user who may only write: the rights that are missing, and the exporter goes on', {
    timeout
  }, async () => {
    const env = await addWriter(s3.endpoint)
    const config = pipelineOf({ awss3: into('logs', ', s3_prefix: audit') })
    const auditcol = await start({ config, env })
    const { dir } = auditcol
    await sendEach(auditcol, ['a'])
    const { code, output } = await runToEnd({ dir, args: ['doctor'], env })
    expect(code, output).toBe(0)
    const missing = output.slice(output.indexOf('{'), output.indexOf('the least that it needs'))
    expect(JSON.parse(missing).Statement).toMatchObject([
      { Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::logs/audit/*' },
      { Action: ['s3:ListBucket', 's3:GetBucketVersioning', 's3:GetBucketObjectLockConfiguration'] }
    ])
    expect(await stop(auditcol)).toBe(0)
    expect(auditcol.output()).toMatch(/warn .*s3:\/\/logs: read: denied: needs s3:GetObject: a key/)
    expect(auditcol.output()).toContain('lane logs/awss3: 1 record delivered')
  })

  test('a bucket without what is required refuses start', { timeout }, async () => {
    const config = pipelineOf({ awss3: `${all}, ${into('logs')}` })
    const { code, output } = await runToEnd({ config, env: credentials })
    expect(code).toBe(1)
    expect(output).toMatch(
      /auditcol: pipeline\.yaml:\d+:\d+: starting the exporter awss3: s3:\/\/logs is not what require asks for: versioning is no .*; object_lock is no/
    )
  })
})

/** A user of the server who may put objects below `audit/` of the bucket `logs`, and nothing else. */
async function addWriter(endpoint: string) {
  const keys = { AWS_ACCESS_KEY_ID: 'writer', AWS_SECRET_ACCESS_KEY: 'writer12345' }
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = credentials
  await promisify(execFile)(binary!, [
    ...['admin', '--access', accessKeyId, '--secret', secretAccessKey, '--endpoint-url', endpoint],
    ...['create-user', '--role', 'user', '--access', keys.AWS_ACCESS_KEY_ID],
    ...['--secret', keys.AWS_SECRET_ACCESS_KEY]
  ])
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey }
  })
  const allowed = { Effect: 'Allow', Principal: 'writer', Action: ['s3:PutObject'] }
  const statement = { ...allowed, Resource: 'arn:aws:s3:::logs/audit/*' }
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  await client.send(new PutBucketPolicyCommand({ Bucket: 'logs', Policy }))
  client.destroy()
  return keys
}
