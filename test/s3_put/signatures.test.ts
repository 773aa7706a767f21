import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeLogs } from '../../src/logs/decode.ts'
import { accessKey, credentials, eventPath, litellmPut, send, signed, startS3Put } from './start.ts'

const event =
  '{"id": "7c1", "table_name": "LiteLLM_TeamTable", "action": "created", "object_id": "t"}'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('a signed PUT', () => {
  test('as LiteLLM sends it is taken', async () => {
    const run = await startS3Put()
    const answer = await send(run.address, await signed(litellmPut(event), run.address))
    expect(answer.status).toBe(200)
    expect(answer.headers.etag).toBe(`"${createHash('md5').update(event).digest('hex')}"`)
    expect(run.batches).toHaveLength(1)
  })

  test('of a clock that is more than 15 minutes off is refused', async () => {
    const run = await startS3Put()
    for (const [minutes, code] of [
      [-16, 'RequestTimeTooSkewed'],
      [-14, undefined],
      [14, undefined],
      [16, 'RequestTimeTooSkewed']
    ] as const) {
      const date = new Date(Date.now() + minutes * 60_000)
      const request = await signed(litellmPut(event, `/logs/${minutes}`), run.address, { date })
      expect((await send(run.address, request)).code).toBe(code)
    }
  })

  test.each([
    [
      'a space and the signs',
      '/logs/a%20b%25c%2Bd%26e%3Df%23g%3Fh%27i~j.json',
      "a b%c+d&e=f#g?h'i~j.json"
    ],
    ['a slash at the end', '/logs/folder/', 'folder/'],
    ['an empty segment', '/logs//a', '/a'],
    ['a dot segment', '/logs/a/../b', 'a/../b'],
    ['a stray percent sign', '/logs/100%', '100%'],
    ['more characters than S3 allows', `/logs/${'k'.repeat(2000)}`, 'k'.repeat(2000)]
  ])('keeps a key with %s as it is', async (_, path, key) => {
    const run = await startS3Put()
    const answer = await send(run.address, await signed(litellmPut('{}', path), run.address))
    expect(answer.status).toBe(200)
    const [record] = decodeLogs(run.batches[0]!.logs)
    expect(record!.attributes['aws.s3.key']).toBe(key)
  })

  test('finds the bucket when the endpoint was configured with a slash at its end', async () => {
    const run = await startS3Put()
    const request = await signed(litellmPut('{}', `/${eventPath}`), run.address)
    expect((await send(run.address, request)).status).toBe(200)
    const [record] = decodeLogs(run.batches[0]!.logs)
    expect(record!.attributes['aws.s3.key']).toBe(eventPath.slice('/logs/'.length))
    expect(record!.resource.attributes['aws.s3.bucket']).toBe('logs')
  })

  test('finds the bucket in the host below `domain`', async () => {
    const run = await startS3Put({ domain: 's3.internal' })
    for (const [host, path] of [
      ['trail.s3.internal:9000', '/a/b'],
      ['Trail.S3.Internal', '/c'],
      ['s3.internal', '/trail/d'],
      ['other.example', '/trail/e']
    ] as const) {
      const request = litellmPut('{}', path)
      const answer = await send(run.address, await signed(request, host))
      expect(answer.status, answer.body).toBe(200)
    }
    const records = run.batches.flatMap(({ logs }) => decodeLogs(logs))
    expect(records.map(({ attributes }) => attributes['aws.s3.key'])).toEqual([
      'a/b',
      'c',
      'd',
      'e'
    ])
    expect(new Set(records.map(({ resource }) => resource.attributes['aws.s3.bucket']))).toEqual(
      new Set(['trail'])
    )
  })

  test('is told apart by the pair that signed it', async () => {
    const second = { accessKeyId: 'AKID/SECOND', secretAccessKey: 'another' }
    const access_keys = [
      accessKey,
      { access_key_id: second.accessKeyId, secret_access_key: second.secretAccessKey }
    ]
    const run = await startS3Put({ access_keys })
    for (const key of [credentials, second]) {
      const path = `/logs/${key.secretAccessKey}`
      await send(run.address, await signed(litellmPut('{}', path), run.address, { key }))
    }
    expect(run.batches.map(({ meta }) => meta.identity)).toEqual([
      { access_key_id: 'AKIDLITELLM' },
      { access_key_id: 'AKID/SECOND' }
    ])
  })
})

describe('without signatures', () => {
  test('everybody on this machine may send, and nobody is named', async () => {
    const run = await startS3Put({ auth: 'none' })
    expect((await send(run.address, litellmPut('{}'))).status).toBe(200)
    const withOne = await signed(litellmPut('[]'), run.address)
    expect((await send(run.address, withOne)).status).toBe(200)
    expect(run.batches.map(({ meta }) => meta.identity)).toEqual([undefined, undefined])
  })

  test('a body is checked all the same', async () => {
    const run = await startS3Put({ auth: 'none' })
    const { headers, ...request } = litellmPut('{}')
    const sendWith = (name: string, value: string) =>
      send(run.address, { ...request, headers: { ...headers, [name]: value } })
    const none = '1B2M2Y8AsgTpgAmY7PhCfg=='
    expect(await sendWith('content-md5', none)).toMatchObject({ status: 400, code: 'BadDigest' })
    expect(await sendWith('content-md5', 'x')).toMatchObject({ status: 400, code: 'InvalidDigest' })
    expect(await sendWith('x-amz-content-sha256', sha256(''))).toMatchObject({
      status: 400,
      code: 'XAmzContentSHA256Mismatch'
    })
    for (const name of ['crc32', 'crc32c', 'crc64nvme', 'md5', 'sha1', 'sha256', 'sha512']) {
      const answer = await sendWith(`x-amz-checksum-${name}`, 'AAAAAA==')
      expect(answer).toMatchObject({ status: 400, code: 'BadDigest' })
    }
    expect(await sendWith('x-amz-checksum-xxhash3', 'AAAAAA==')).toMatchObject({ status: 501 })
    expect(run.batches).toHaveLength(0)
    const right = createHash('sha512').update('{}').digest('base64')
    expect(await sendWith('x-amz-checksum-sha512', right)).toMatchObject({ status: 200 })
  })
})
