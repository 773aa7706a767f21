import { HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentials, startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { runToEnd, start, stop } from '../e2e/auditcol.ts'
import { pipelineOf } from '../e2e/pipeline.ts'

const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: require with a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

describe.skipIf(binary === undefined)('require with a real S3 server', () => {
  let s3: Versitygw
  beforeAll(async () => {
    s3 = await startVersitygw(binary!, { versions: true })
  })
  afterAll(() => s3.stop())

  const into = (bucket: string, require: string, lock = '') =>
    pipelineOf({
      awss3:
        `require: [${require}], s3uploader: { s3_bucket: ${bucket}, endpoint: "${s3.endpoint}", ` +
        `s3_force_path_style: true ${lock} }`
    })

  test.each([
    ['an unknown key', { ...credentials, AWS_ACCESS_KEY_ID: 'nobody' }, 'InvalidAccessKeyId'],
    ['a wrong secret', { ...credentials, AWS_SECRET_ACCESS_KEY: 'wrong' }, 'SignatureDoesNotMatch']
  ])('%s refuses start, with one line', async (_, env, code) => {
    const { code: exit, output } = await runToEnd({ config: into('logs', 'create_only'), env })
    expect(exit).toBe(1)
    expect(output).toMatch(
      new RegExp(
        `s3://logs cannot be asked for what require says: .*bucket "logs" refuses the .*\\(${code}\\)`
      )
    )
  })

  test('a locked bucket is used, and what the probe has left is locked for minutes', async () => {
    const lock = ', object_lock: { mode: compliance, retention: 2557d, legal_hold: true }'
    const config = into('locked', 'create_only, object_lock', lock)
    expect(await stop(await start({ config, env: credentials }))).toBe(0)
    const client = new S3Client({
      endpoint: s3.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'akey', secretAccessKey: 'skey12345' }
    })
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'locked' }))
    const keys = Contents.map(({ Key }) => Key!)
    expect(keys).toEqual([expect.stringContaining('/probe/')])
    const head = await client.send(new HeadObjectCommand({ Bucket: 'locked', Key: keys[0]! }))
    client.destroy()
    expect(head.ObjectLockMode).toBe('COMPLIANCE')
    expect(head.ObjectLockLegalHoldStatus).not.toBe('ON')
    expect(head.ObjectLockRetainUntilDate!.getTime() - Date.now()).toBeLessThan(600_000)
  })
})
