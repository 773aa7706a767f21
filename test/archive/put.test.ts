import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FencedError } from '../../src/archive/fenced.ts'
import { put } from '../../src/archive/put.ts'
import type { S3Options } from '../../src/archive/s3_options.ts'
import { objectOf } from '../contract/store.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { openS3 } from './open_s3.ts'

let s3: FakeS3
beforeEach(async () => {
  s3 = await startFakeS3()
})
afterEach(() => s3.stop())

const signal = new AbortController().signal
const upload = () => ({ key: 'a.json', object: objectOf(Buffer.from('ours')), attempted: false })
const open = (more: Partial<S3Options> = {}) => openS3(s3.endpoint, more)
const looks = () => s3.requests.filter(({ method }) => method === 'HEAD' || method === 'GET').length

describe('A5: a 200 that names other bytes', () => {
  test.for(['wrong etag', 'wrong checksum'] as const)(
    '%s, and they are ours after all: stored, once it was looked at',
    async (fault) => {
      s3.fail(fault)
      expect(await put(open().store, upload(), signal)).toBe('stored')
      expect(looks()).toBe(1)
    }
  )

  test('and they are ours, which only reading them tells: stored', async () => {
    s3.hideChecksums()
    s3.fail('wrong etag')
    expect(await put(open().store, upload(), signal)).toBe('stored')
    expect(looks()).toBe(2)
  })

  test('and they are others: the archive is fenced', async () => {
    s3.fail('other bytes')
    const error = await put(open().store, upload(), signal).catch((error: Error) => error)
    expect(error).toBeInstanceOf(FencedError)
    expect((error as Error).message).toContain('another object of 5 bytes is there')
  })

  test('and reading is denied: stored, unverified', async () => {
    s3.denyReads()
    s3.fail('wrong etag')
    expect(await put(open().store, upload(), signal)).toBe('unverified')
  })

  test('and it is gone: it goes again', async () => {
    s3.fail('wrong etag')
    const { store } = open()
    const forgetful = { ...store, head: async () => undefined }
    const sending = upload()
    await expect(put(forgetful, sending, signal)).rejects.toThrow('free again')
    expect(sending.attempted).toBe(true)
  })
})

test('a store whose ETags are never the MD5 says so once, and is not asked about each object', async () => {
  const { store, notices } = open()
  s3.fail('wrong etag', 'wrong etag', 'wrong etag')
  for (const key of ['1', '2', '3']) await put(store, { ...upload(), key }, signal)
  expect(looks()).toBe(1)
  expect(notices).toEqual([expect.stringMatching(/^s3:\/\/logs: its ETags are not the MD5/)])
})

test('the ETag of what KMS encrypts says nothing', async () => {
  s3.encrypt('aws:kms')
  s3.fail('wrong etag')
  await put(open().store, upload(), signal)
  expect(looks()).toBe(0)
})

test('a right ETag is no reason to look', async () => {
  await put(open().store, upload(), signal)
  expect(looks()).toBe(0)
})

describe('a clock that differs by two hours', () => {
  test.for([
    [2, 'behind'],
    [-2, 'ahead of']
  ] as const)(
    'by %s: the error names the difference, and the repeat is signed with the right time',
    async ([hours, how]) => {
      s3.setClock(hours * 3_600_000)
      const { store } = open()
      const error = await put(store, upload(), signal).catch((error: Error) => error)
      expect((error as Error).message).toMatch(
        new RegExp(
          `^storing s3://logs/a.json: the clock of this machine is (7199|7200|7201) s ${how} that of the store: set it$`
        )
      )
      expect(await put(store, upload(), signal)).toBe('stored')
    }
  )

  test('and the SDK repeats by itself: stored in one attempt', async () => {
    s3.setClock(7_200_000)
    const { store } = open({ retry_mode: 'standard', retry_max_attempts: 3 })
    expect(await put(store, upload(), signal)).toBe('stored')
  })
})
