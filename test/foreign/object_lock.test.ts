import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { put } from '../../src/archive/put.ts'
import type { ObjectLock } from '../../src/archive/s3_options.ts'
import { openS3 } from '../archive/open_s3.ts'
import { startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { objectOf } from '../contract/store.ts'

const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: Object Lock of a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

const signal = new AbortController().signal
const week = 7 * 86_400_000
const upload = (key: string) => {
  return { key, object: objectOf(Buffer.from('ours')), attempted: false }
}

describe.skipIf(binary === undefined)('Object Lock of a real S3 server', () => {
  let s3: Versitygw
  beforeAll(async () => {
    s3 = await startVersitygw(binary!, { versions: true })
  })
  afterAll(() => s3.stop())

  test.for<[string, ObjectLock, 'when_required' | undefined]>([
    ['governance', { mode: 'governance', retention: week, legal_hold: false }, undefined],
    ['compliance', { mode: 'compliance', retention: week, legal_hold: true }, undefined],
    ['required', { mode: 'governance', retention: week, legal_hold: true }, 'when_required'],
    ['hold', { legal_hold: true }, undefined]
  ])('%s: what was put is locked as it was asked for', async ([key, object_lock, checksum]) => {
    const { store, notices } = openS3(s3.endpoint, { object_lock, checksum }, 'locked')
    expect(await put(store, upload(key), signal)).toBe('stored')
    expect(await put(store, upload(key), signal)).toBe('stored')
    const client = new S3Client({
      endpoint: s3.endpoint,
      region: 'us-east-1',
      forcePathStyle: true
    })
    const head = await client.send(new HeadObjectCommand({ Bucket: 'locked', Key: key }))
    client.destroy()
    expect(head.ObjectLockMode?.toLowerCase()).toBe(object_lock.mode)
    expect(head.ObjectLockLegalHoldStatus).toBe(object_lock.legal_hold ? 'ON' : undefined)
    if (object_lock.mode) {
      const until = head.ObjectLockRetainUntilDate!.getTime()
      expect(Math.abs(until - Date.now() - week)).toBeLessThan(60_000)
    }
    expect(notices).toEqual([])
  })

  test('a bucket without it refuses, and the error says what to do', async () => {
    const { store } = openS3(s3.endpoint, { object_lock: { legal_hold: true } })
    await expect(put(store, upload('a'), signal)).rejects.toThrow(
      'storing s3://logs/a: bucket "logs" has no Object Lock: enable it, or take s3uploader::object_lock away'
    )
  })
})
