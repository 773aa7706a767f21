import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openDirectoryProbe } from '../../src/archive/directory_probe.ts'
import type { CheckName } from '../../src/archive/findings.ts'
import type { ProbedStore } from '../../src/archive/look.ts'
import { probe } from '../../src/archive/probe.ts'
import type { ObjectLock, S3Options } from '../../src/archive/s3_options.ts'
import { s3Probe } from '../../src/archive/s3_probe.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { s3Limits, s3Options } from './open_s3.ts'

let s3: FakeS3
beforeEach(async () => {
  s3 = await startFakeS3()
})
afterEach(() => s3.stop())

const folder = 'audit/.auditcol/fedcba9876543210/probe/'

/** What a probe of the server finds. */
async function findings(more: Partial<S3Options> = {}) {
  const options = { ...s3Options, endpoint: s3.endpoint, ...more }
  const store = s3Probe(options, s3Limits, 'logs')
  onTestFinished(() => store.close())
  await store.reach()
  return await probe(store, folder, () =>
    s3Probe({ ...options, checksum: 'when_required' }, s3Limits, 'logs')
  )
}

async function results(more: Partial<S3Options> = {}) {
  const found = Object.entries(await findings(more))
  return Object.fromEntries(found.map(([name, { result }]) => [name, result]))
}

const good: Record<CheckName, string> = {
  create_only: 'ok',
  checksums: 'ok',
  read: 'ok',
  list: 'ok',
  versioning: 'no',
  object_lock: 'no',
  clock: 'ok'
}

test('A12: a good store without versions, and nothing of the probe stays', async () => {
  expect(await results()).toEqual(good)
  expect(s3.keys()).toEqual([])
})

test('A12: with versions and Object Lock one tiny object stays, under the folder of the writer', async () => {
  Object.assign(s3.ways, { versioning: true, objectLock: true })
  expect(await results()).toEqual({ ...good, versioning: 'ok', object_lock: 'ok' })
  expect(s3.keys()).toEqual([
    expect.stringMatching(/^audit\/\.auditcol\/[0-9a-f]{16}\/probe\/[\w-]+$/)
  ])
  expect(s3.object(s3.keys()[0]!)!.length).toBeLessThan(10)
})

const day = 86_400_000
const years: ObjectLock = { mode: 'compliance', retention: 2557 * day, legal_hold: true }
const lockedUntil = () =>
  Date.parse(s3.lock(s3.keys()[0]!)!['x-amz-object-lock-retain-until-date']!) - Date.now()

test('what a probe leaves in a locked bucket is locked for minutes and held by nobody', async () => {
  Object.assign(s3.ways, { versioning: true, objectLock: true })
  expect(await results({ object_lock: years })).toMatchObject({ object_lock: 'ok' })
  expect(s3.lock(s3.keys()[0]!)).toMatchObject({ 'x-amz-object-lock-mode': 'COMPLIANCE' })
  expect(s3.lock(s3.keys()[0]!)).not.toHaveProperty('x-amz-object-lock-legal-hold')
  expect(lockedUntil()).toBeLessThanOrEqual(600_000)
  expect(lockedUntil()).toBeGreaterThan(500_000)
})

test('a policy that asks for more than minutes gets what the exporter is configured with', async () => {
  Object.assign(s3.ways, { versioning: true, objectLock: true, leastRetention: 30 * day })
  expect(await results({ object_lock: years })).toMatchObject({
    create_only: 'ok',
    object_lock: 'ok'
  })
  expect(lockedUntil()).toBeGreaterThan(2556 * day)
})

test('a store that says it has Object Lock and forgets the lock of an object is found out', async () => {
  Object.assign(s3.ways, { versioning: true, objectLock: true })
  const object_lock = { mode: 'governance', retention: 60_000, legal_hold: false } as const
  expect(await results({ object_lock })).toMatchObject({ object_lock: 'ok' })
  s3.forgetLocks()
  const found = await findings({ object_lock })
  expect(found.object_lock).toMatchObject({ result: 'no' })
  expect(found.object_lock.answer).toContain('it has no governance retention')
})

test('a store that does not heed If-None-Match is found out', async () => {
  s3.ways.overwrites = true
  expect((await findings()).create_only).toEqual({
    result: 'no',
    answer: '8 of 8 creations of one key at once were answered with success'
  })
})

test('a store that tells one creator that it has won and keeps the bytes of another is found out', async () => {
  const store = s3Probe({ ...s3Options, endpoint: s3.endpoint }, s3Limits, 'logs')
  onTestFinished(() => store.close())
  const liar = { ...store, read: async () => Buffer.from('probe 9') }
  expect((await probe(liar, folder)).create_only).toEqual({
    result: 'no',
    answer: 'the object is not that of the one creator that was told it had won'
  })
})

test('a store that takes bytes with the SHA-256 of others is found out', async () => {
  s3.ways.takesWrongChecksums = true
  expect(await results()).toEqual({ ...good, checksums: 'no' })
  expect(s3.keys()).toEqual([])
})

describe('what is denied is unknown, names the right, and halts nothing', () => {
  test.for<['put' | 'read' | 'list' | 'bucket', CheckName, string]>([
    ['put', 'create_only', 's3:PutObject'],
    ['read', 'read', 's3:GetObject'],
    ['list', 'list', 's3:ListBucket'],
    ['bucket', 'versioning', 's3:GetBucketVersioning'],
    ['bucket', 'object_lock', 's3:GetBucketObjectLockConfiguration']
  ])('%s: %s needs %s', async ([right, name, needs]) => {
    s3.ways.denied.add(right)
    const found = await findings()
    expect(found[name]).toEqual({ result: 'unknown', answer: `denied: needs ${needs}`, needs })
  })

  test('the removal, and then it stays', async () => {
    s3.ways.denied.add('delete')
    expect(await results()).toEqual(good)
    expect(s3.keys()).toHaveLength(1)
  })
})

test('a store that chokes on checksum headers is told from one that refuses the credentials', async () => {
  s3.ways.chokesOnChecksums = true
  const { create_only } = await findings()
  expect(create_only.answer).toBe(
    's3://logs refuses x-amz-checksum headers (SignatureDoesNotMatch) and takes the object without them: set s3uploader::checksum: when_required'
  )
  expect(s3.keys()).toEqual([])
  expect(await results({ checksum: 'when_required' })).toEqual(good)
})

test('refused credentials are no finding: nothing is known of the store', async () => {
  s3.ways.knowsNobody = true
  await expect(findings()).rejects.toThrow('bucket "logs" refuses the signature')
})

test.for([
  [90_000, /^ours is (89|90|91) s behind the store's$/],
  [-90_000, /^ours is (89|90|91) s ahead of the store's$/]
] as const)('a clock that is %i ms off is told', async ([milliseconds, answer]) => {
  s3.setClock(milliseconds)
  const { clock } = await findings()
  expect(clock).toEqual({ result: 'no', answer: expect.stringMatching(answer) })
})

test('a store that does not answer is not known at all', async () => {
  await expect(findings({ endpoint: 'http://127.0.0.1:1' })).rejects.toThrow(
    'reaching s3://logs: connect ECONNREFUSED 127.0.0.1:1'
  )
  s3.buckets.delete('logs')
  await expect(findings()).rejects.toThrow('bucket "logs" does not exist')
})

test('once it has written, what gets no answer is unknown, and nothing is written again for it', async () => {
  const store = s3Probe({ ...s3Options, endpoint: s3.endpoint }, s3Limits, 'logs')
  onTestFinished(() => store.close())
  let creations = 0
  const fail = async () => {
    throw new Error('no answer in time')
  }
  const busy: ProbedStore = {
    ...store,
    ...{ head: fail, versioning: fail, objectLock: fail, ahead: fail },
    list: async function* () {
      yield await fail()
    },
    create: async (key, object) => (++creations > 6 ? fail() : store.create(key, object))
  }
  const found = await probe(busy, folder)
  expect(Object.values(found).map(({ result }) => result)).toEqual(Array(7).fill('unknown'))
  expect(found.create_only.answer).toBe(
    '2 of 8 creations of one key at once failed: no answer in time'
  )
})

test('a directory creates once, reads and lists; nothing there checks bytes or keeps versions', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'probe-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const store = await openDirectoryProbe({ directory, writer: 'probe' })
  const found = await probe(store, folder)
  expect(
    Object.fromEntries(Object.entries(found).map(([name, { result }]) => [name, result]))
  ).toEqual({
    ...good,
    checksums: 'no'
  })
  expect(await readdir(join(directory, folder))).toEqual([])
})
