import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { crcOf } from './chunk_signer.ts'
import {
  accessKey,
  credentials,
  litellmPut,
  presigned,
  recordsOf,
  send,
  signed,
  startS3Put
} from './start.ts'
import {
  aSecondLater,
  change,
  later,
  omit,
  otherDigit,
  path,
  query,
  type Row,
  refused,
  rewrite,
  second,
  terminal,
  without
} from './tamper.ts'

const event =
  '{"id": "7c1", "table_name": "LiteLLM_TeamTable", "action": "created", "object_id": "t"}'
const forged = event.replace('created', 'deleted')
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const litellm: readonly Row[] = [
  ['another method', (r) => ({ ...r, method: 'POST' }), 403, 'SignatureDoesNotMatch'],
  ['another bucket', path('/logs/', '/logz/'), 403, 'SignatureDoesNotMatch'],
  ['another key', path('08-15-00', '08-15-01'), 403, 'SignatureDoesNotMatch'],
  ['a key longer by a slash', path(/$/, '/'), 403, 'SignatureDoesNotMatch'],
  ['a slash doubled', path('/proxy/', '//proxy/'), 403, 'SignatureDoesNotMatch'],
  ['a key encoded otherwise', path('audit', '%61udit'), 403, 'SignatureDoesNotMatch'],
  ['a slash encoded', path('/proxy/', '%2Fproxy/'), 403, 'SignatureDoesNotMatch'],
  ['a key through a dot segment', path('/proxy/', '/proxy/./'), 403, 'SignatureDoesNotMatch'],
  ['a query', query({ 'x-id': 'PutObject' }), 403, 'SignatureDoesNotMatch'],
  ['a signature in the query', query({ 'X-Amz-Signature': 'f' }), 403, 'SignatureDoesNotMatch'],
  ['another body', (r) => ({ ...r, body: forged }), 400, 'XAmzContentSHA256Mismatch'],
  [
    'a body cut short',
    (r) => ({ ...r, body: event.slice(0, -1) }),
    400,
    'XAmzContentSHA256Mismatch'
  ],
  ['no body', (r) => ({ ...r, body: '' }), 400, 'XAmzContentSHA256Mismatch'],
  [
    'another body with its MD5',
    (r) => change(r, { 'content-md5': litellmPut(forged).headers['content-md5']! }, forged),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'another body with its hash',
    (r) => change(r, { 'x-amz-content-sha256': sha256(forged) }, forged),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'a body that need not be signed',
    (r) => change(r, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, forged),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'chunks that need not be signed',
    (r) => change(r, { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'another type',
    (r) => change(r, { 'content-type': 'text/plain' }),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'another file name',
    (r) => change(r, { 'content-disposition': 'inline; filename="x"' }),
    403,
    'SignatureDoesNotMatch'
  ],
  ['a signed header less', without('content-language'), 403, 'SignatureDoesNotMatch'],
  ['another host', (r) => change(r, { host: 'logs.example.com' }), 403, 'SignatureDoesNotMatch'],
  [
    'a date a second later',
    (r) => change(r, { 'x-amz-date': aSecondLater(r.headers['x-amz-date']!) }),
    403,
    'SignatureDoesNotMatch'
  ],
  ['a header for S3 more', (r) => change(r, { 'x-amz-tagging': 'retain=no' }), 403, 'AccessDenied'],
  ['metadata more', (r) => change(r, { 'x-amz-meta-team': 'core' }), 403, 'AccessDenied'],
  ['a covered header less', rewrite('content-disposition;', ''), 403, 'SignatureDoesNotMatch'],
  ['the host not covered', rewrite(';host', ''), 403, 'AccessDenied'],
  ['the hash not covered', rewrite(';x-amz-content-sha256', ''), 403, 'AccessDenied'],
  ['another region', rewrite('us-east-1', 'us-east-2'), 403, 'SignatureDoesNotMatch'],
  ['another day', rewrite(/\/\d{8}\//, '/20200101/'), 400, 'AuthorizationHeaderMalformed'],
  ['another service', rewrite('/s3/', '/sts/'), 400, 'AuthorizationHeaderMalformed'],
  ['no region', rewrite('us-east-1/', ''), 400, 'AuthorizationHeaderMalformed'],
  ['another access key', rewrite('AKIDLITELLM', 'AKIDOTHER'), 403, 'InvalidAccessKeyId'],
  [
    "another sender's access key",
    rewrite('AKIDLITELLM', 'AKIDSECOND'),
    403,
    'SignatureDoesNotMatch'
  ],
  ['another signature', (r) => rewrite(/.$/, otherDigit)(r), 403, 'SignatureDoesNotMatch'],
  ['a signature cut short', rewrite(/..$/, ''), 400, 'AuthorizationHeaderMalformed'],
  ['an older algorithm', rewrite(/.*/, 'AWS AKIDLITELLM:c2lnbmF0dXJl'), 403, 'AccessDenied'],
  ['a session token', (r) => change(r, { 'x-amz-security-token': 'token' }), 400, 'InvalidToken'],
  ['no date', without('x-amz-date'), 400, 'AuthorizationHeaderMalformed'],
  ['no hash', without('x-amz-content-sha256'), 403, 'SignatureDoesNotMatch'],
  ['no signature', without('authorization'), 403, 'AccessDenied']
]

const ofQuery: readonly Row[] = [
  ['a longer life', query({ 'X-Amz-Expires': '3600' }), 403, 'SignatureDoesNotMatch'],
  [
    'a life longer than a week',
    query({ 'X-Amz-Expires': '604801' }),
    400,
    'AuthorizationQueryParametersError'
  ],
  ['a later date', (r) => query({ 'X-Amz-Date': later(r) })(r), 403, 'SignatureDoesNotMatch'],
  ['another key', path('08-15-00', '08-15-01'), 403, 'SignatureDoesNotMatch'],
  ['another method', (r) => ({ ...r, method: 'DELETE' }), 403, 'SignatureDoesNotMatch'],
  ['another host', (r) => change(r, { host: 'logs.example.com' }), 403, 'SignatureDoesNotMatch'],
  [
    'another team in its metadata',
    query({ 'x-amz-meta-team': 'other' }),
    403,
    'SignatureDoesNotMatch'
  ],
  ['a header for S3 more', (r) => change(r, { 'x-amz-acl': 'public-read' }), 403, 'AccessDenied'],
  ['a query more', query({ tagging: '' }), 403, 'SignatureDoesNotMatch'],
  ['a token', query({ 'X-Amz-Security-Token': 'token' }), 400, 'InvalidToken'],
  [
    'a signature of nothing',
    query({ 'X-Amz-Signature': '0'.repeat(64) }),
    403,
    'SignatureDoesNotMatch'
  ],
  [
    'no signature',
    (r) => ({ ...r, query: omit(r.query!, 'X-Amz-Signature') }),
    403,
    'AccessDenied'
  ],
  ['another body than its checksum allows', (r) => ({ ...r, body: forged }), 400, 'BadDigest']
]

describe('a PUT as LiteLLM signs it', () => {
  test.each(litellm)(
    'with %s is refused, and LiteLLM keeps it',
    async (_, tamper, status, code) => {
      const answer = await refused((address) => signed(litellmPut(event), address), tamper)
      expect(answer).toMatchObject({ status, code })
      expect(code).not.toMatch(terminal)
    }
  )
})

describe('a presigned PUT', () => {
  const make = (address: string) => {
    const headers = { 'x-amz-checksum-crc32': crcOf(event), 'x-amz-meta-team': 'core' }
    return presigned({ ...litellmPut(event), headers }, address)
  }

  test.each(ofQuery)('with %s is refused', async (_, tamper, status, code) => {
    expect(await refused(make, tamper)).toMatchObject({ status, code })
  })

  test('is refused when its time is over', async () => {
    const run = await startS3Put()
    const date = new Date(Date.now() - 61_000)
    const request = await presigned(litellmPut(event), run.address, { date })
    expect(await send(run.address, request)).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(run.batches).toHaveLength(0)
  })

  test('has its metadata in the query, and may not copy', async () => {
    const run = await startS3Put()
    await send(run.address, await make(run.address))
    expect(recordsOf(run)[0]!.attributes).toMatchObject({ 's3.metadata.team': 'core' })
    const headers = { 'x-amz-copy-source': '/logs/other' }
    const copy = await presigned({ ...litellmPut(event), headers }, run.address)
    expect(await send(run.address, copy)).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(run.batches).toHaveLength(1)
  })
})

describe('a sender', () => {
  const old = (minutes: number) => new Date(Date.now() - minutes * 60_000)
  const withToken = [{ ...accessKey, session_token: 'token' }]

  test.each([
    [
      'with the secret of another',
      { key: { ...credentials, secretAccessKey: 'another' } },
      {},
      403,
      'SignatureDoesNotMatch'
    ],
    ['whose clock is behind', { date: old(16) }, {}, 403, 'RequestTimeTooSkewed'],
    ['whose clock is ahead', { date: old(-16) }, {}, 403, 'RequestTimeTooSkewed'],
    [
      'with a token where none is',
      { key: { ...credentials, sessionToken: 'token' } },
      {},
      400,
      'InvalidToken'
    ],
    ['without its token', {}, { access_keys: withToken }, 400, 'InvalidToken'],
    [
      'with another token',
      { key: { ...credentials, sessionToken: 'tokem' } },
      { access_keys: withToken },
      400,
      'InvalidToken'
    ]
  ])('%s is refused', async (_, by, keys, status, code) => {
    const run = await startS3Put({ access_keys: [accessKey, second], ...keys })
    const answer = await send(run.address, await signed(litellmPut(event), run.address, by))
    expect(answer).toMatchObject({ status, code })
    expect(code).not.toMatch(terminal)
    expect(run.batches).toHaveLength(0)
  })
})
