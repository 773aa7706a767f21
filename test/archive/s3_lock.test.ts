import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { put } from '../../src/archive/put.ts'
import type { ObjectLock } from '../../src/archive/s3_options.ts'
import { PermanentError } from '../../src/component.ts'
import { objectOf } from '../contract/store.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { openS3 } from './open_s3.ts'

let s3: FakeS3
beforeEach(async () => {
  s3 = await startFakeS3()
})
afterEach(() => s3.stop())

const day = 86_400_000
const lock: ObjectLock = { mode: 'compliance', retention: 7 * day, legal_hold: true }
const signal = new AbortController().signal
const upload = (key = 'a.json') => {
  return { key, object: objectOf(Buffer.from('ours')), attempted: false }
}
const open = (object_lock: ObjectLock, checksum?: 'when_required') =>
  openS3(s3.endpoint, { object_lock, checksum })
const date = 'x-amz-object-lock-retain-until-date'
const retain = (key: string, until: number) => {
  s3.lock(key)![date] = new Date(until).toISOString()
}
const heads = () => s3.requests.filter(({ method }) => method === 'HEAD').length

test('a PUT carries mode, date and hold, and the checksum that S3 asks for with them', async () => {
  const before = Date.now()
  await put(open(lock).store, upload(), signal)
  const { headers } = s3.requests[0]!
  expect(headers).toMatchObject({
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-legal-hold': 'ON',
    'x-amz-sdk-checksum-algorithm': 'SHA256'
  })
  const until = Date.parse(String(headers['x-amz-object-lock-retain-until-date']))
  expect(until).toBeGreaterThan(before + 7 * day - 1001)
  expect(until).toBeLessThan(Date.now() + 7 * day + 1)
})

test('a hold alone sends no mode', async () => {
  await put(open({ legal_hold: true }).store, upload(), signal)
  expect(s3.lock('a.json')).toEqual({ 'x-amz-object-lock-legal-hold': 'ON' })
})

test('checksum: when_required sends Content-MD5, which Object Lock takes too', async () => {
  await put(open(lock, 'when_required').store, upload(), signal)
  const { headers } = s3.requests[0]!
  const md5 = createHash('md5').update('ours').digest('base64')
  expect(headers['content-md5']).toBe(md5)
  expect(Object.keys(headers).filter((name) => name.includes('checksum'))).toEqual([])
})

test('A3: a repeat asks for a later date, by the clock of the store', async () => {
  s3.setClock(3 * 3_600_000)
  const { store } = open(lock)
  await put(store, upload(), signal).catch(() => {})
  await put(store, upload(), signal)
  const dates = s3.requests
    .filter(({ method }) => method === 'PUT')
    .map(({ headers }) => Date.parse(String(headers['x-amz-object-lock-retain-until-date'])))
  expect(dates[1]! - dates[0]!).toBeGreaterThan(2.9 * 3_600_000)
})

describe('after the first write of a run', () => {
  test('HEAD is asked once whether the lock is there', async () => {
    const { store, notices } = open(lock)
    for (const key of ['1', '2', '3']) await put(store, upload(key), signal)
    expect([heads(), notices]).toEqual([1, []])
  })

  test('an object without the lock stops the archive, and every further one too', async () => {
    s3.forgetLocks()
    const { store } = open(lock)
    for (const key of ['1', '2']) {
      const error = await put(store, upload(key), signal).catch((error: Error) => error)
      expect(error).toBeInstanceOf(PermanentError)
      expect((error as Error).message).toContain(
        `storing s3://logs/${key}: the store has taken it and it has no compliance retention and no legal hold`
      )
    }
  })

  test('a date that is too early stops it too', async () => {
    const { store } = open(lock)
    await store.create('a.json', upload().object)
    retain('a.json', Date.now() + 6 * day)
    await expect(store.confirm('a.json')).rejects.toThrow(/has retention until .* only/)
  })

  test('an object of an earlier attempt has an earlier date, and is right', async () => {
    onTestFinished(() => void vi.useRealTimers())
    s3.fail('reset stored')
    const { store } = open(lock)
    const sending = upload()
    await put(store, sending, signal).catch(() => {})
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
    expect(await put(store, sending, signal)).toBe('stored')
    expect(await put(open(lock).store, upload(), signal)).toBe('stored')
  })

  test('where HEAD is silent the lock is asked for by name', async () => {
    s3.hideLocks()
    await put(open(lock).store, upload(), signal)
    s3.forgetLocks()
    await expect(put(open(lock).store, upload('b'), signal)).rejects.toThrow(PermanentError)
  })

  test('without the right to look there is one notice, and the archive goes on', async () => {
    s3.denyReads()
    const { store, notices } = open(lock)
    for (const key of ['1', '2']) expect(await put(store, upload(key), signal)).toBe('stored')
    expect(notices).toEqual([expect.stringContaining('whether objects are locked is not known')])
  })
})
