import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { S3Limits, S3Options } from '../../src/archive/s3_options.ts'
import { s3Stores } from '../../src/archive/s3_store.ts'
import { NoReadRight, NotStored } from '../../src/archive/store.ts'
import { PermanentError } from '../../src/component.ts'
import { objectOf, testStore } from '../contract/store.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { s3Limits, s3Options } from './open_s3.ts'
import { startVersitygw } from './versitygw.ts'

const limits = s3Limits
const options: S3Options = { ...s3Options, retry_max_attempts: 3 }

testStore('S3, against a small server in this process', async () => {
  const s3 = await startFakeS3()
  const store = s3Stores({ ...options, endpoint: s3.endpoint }, limits)('logs')
  return { store, checks: true, stop: s3.stop }
})

const versitygw = process.env.AUDITCOL_VERSITYGW
if (versitygw === undefined) {
  console.log('skipped: the store against a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
} else {
  testStore('S3, against versitygw', async () => {
    const real = await startVersitygw(versitygw)
    const store = s3Stores({ ...options, endpoint: real.endpoint }, limits)('logs')
    return { store, checks: true, stop: real.stop }
  })
}

let s3: FakeS3
beforeEach(async () => {
  s3 = await startFakeS3()
})
afterEach(() => s3.stop())

const object = objectOf(Buffer.from('{"resourceLogs":[]}'))
const open = (more: Partial<S3Options> = {}, bucket = 'logs', less: Partial<S3Limits> = {}) =>
  s3Stores({ ...options, endpoint: s3.endpoint, ...more }, { ...limits, ...less })(bucket)

/** The error of a create that rejects. */
async function rejection(more: Partial<S3Options> = {}, less: Partial<S3Limits> = {}) {
  return await open(more, 'logs', less)
    .create('a.json', object)
    .then(
      () => expect.unreachable('it resolved'),
      (error: Error) => error
    )
}

test('a PUT is create-only, carries SHA-256 for the store and for Object Lock, and its type', async () => {
  const zstd = { ...object, contentEncoding: 'zstd' as const }
  expect(await open().create('a b/ü.json.zst', zstd)).toBe('created')
  const { headers, key } = s3.requests[0]!
  expect(key).toBe('a b/ü.json.zst')
  expect(headers).toMatchObject({
    'if-none-match': '*',
    'x-amz-checksum-sha256': object.sha256.toString('base64'),
    'x-amz-sdk-checksum-algorithm': 'SHA256',
    'x-amz-content-sha256': object.sha256.toString('hex'),
    'x-amz-storage-class': 'STANDARD',
    'content-type': 'application/json',
    'content-encoding': 'zstd',
    'content-length': String(object.body.length)
  })
  expect(headers.expect).toBeUndefined()
})

test('ACL, encryption, tags, metadata and owner go with every object', async () => {
  const store = open({
    acl: 'bucket-owner-full-control',
    storage_class: 'GLACIER_IR',
    sse: { type: 'kms', kms_key_id: 'key-1', bucket_key: true },
    tags: { team: 'a b', kind: 'audit&log' },
    metadata: { origin: 'lane one' },
    expected_bucket_owner: '123456789012'
  })
  await store.create('a.json', object)
  expect(s3.requests[0]!.headers).toMatchObject({
    'x-amz-acl': 'bucket-owner-full-control',
    'x-amz-storage-class': 'GLACIER_IR',
    'x-amz-server-side-encryption': 'aws:kms',
    'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    'x-amz-server-side-encryption-bucket-key-enabled': 'true',
    'x-amz-tagging': 'team=a+b&kind=audit%26log',
    'x-amz-meta-origin': 'lane one',
    'x-amz-expected-bucket-owner': '123456789012'
  })
})

test('checksum: when_required sends none; the signature still covers the bytes', async () => {
  await open({ checksum: 'when_required' }).create('a.json', object)
  const { headers } = s3.requests[0]!
  expect(Object.keys(headers).filter((name) => name.includes('checksum'))).toEqual([])
  expect(headers['x-amz-content-sha256']).toBe(object.sha256.toString('hex'))
})

test('AWS_REQUEST_CHECKSUM_CALCULATION=when_required is heard when the key is unset', async () => {
  process.env.AWS_REQUEST_CHECKSUM_CALCULATION = 'when_required'
  try {
    await open().create('a.json', object)
  } finally {
    delete process.env.AWS_REQUEST_CHECKSUM_CALCULATION
  }
  expect(s3.requests[0]!.headers['x-amz-checksum-sha256']).toBeUndefined()
})

test('a connection is kept for the next object, large ones too', async () => {
  const store = open({}, 'logs', { maxSockets: 1 })
  const large = objectOf(Buffer.alloc(3 * 2 ** 20, 'x'))
  for (const key of ['1', '2', '3']) await store.create(key, large)
  expect(new Set(s3.requests.map(({ port }) => port)).size).toBe(1)
})

test.for([
  ['slow down', /storing s3:\/\/logs\/a\.json: SlowDown 503/, false],
  ['error stored', /InternalError 500/, false],
  ['reset', /ECONNRESET/, false],
  ['reset stored', /ECONNRESET/, false],
  ['no etag', /200 without an ETag/, false],
  ['conflict', /another request for this key was under way \(409\)/, true],
  ['denied', /access denied: allow s3:PutObject on arn:aws:s3:::logs/, true],
  ['no bucket', /bucket "logs" does not exist: create it in us-east-1 or correct/, true],
  ['bad digest', /the store received other bytes than were sent \(BadDigest\)/, true],
  ['signature', /refuses the signature: .*checksum: when_required/, true]
] as const)('%s rejects, to be tried again', async ([fault, text, known]) => {
  s3.fail(fault)
  const error = await rejection()
  expect(error.message).toMatch(text)
  expect(error).not.toBeInstanceOf(PermanentError)
  expect(error instanceof NotStored).toBe(known)
})

test('a hang ends with the timeout, which grows with the object', async () => {
  s3.fail('hang')
  const error = await rejection({}, { timeout: 30 })
  expect(error.message).toBe('storing s3://logs/a.json: no answer in time')
})

test('a hang ends with the signal of the caller, and its reason', async () => {
  s3.fail('hang')
  const stop = new AbortController()
  const creating = open().create('a.json', object, stop.signal)
  const seen = expect(creating).rejects.toThrow('stopping')
  stop.abort(new Error('stopping'))
  await seen
})

test.for([0.4, 2 ** 40])('a timeout of %s ms is one', async (timeout) => {
  const store = open({}, 'logs', { timeout })
  if (timeout > 1) expect(await store.create('a.json', object)).toBe('created')
  else await expect(store.create('a.json', object)).rejects.toThrow('no answer in time')
})

test('what the store refuses for good is a PermanentError', async () => {
  s3.fail('too large')
  expect(await rejection()).toBeInstanceOf(PermanentError)
})

test('a 412 after a repeat inside the call is unsure: the first request may have arrived', async () => {
  const store = open({ retry_mode: 'standard' })
  s3.fail('error stored')
  expect(await store.create('a.json', object)).toBe('unsure')
  expect(await store.create('a.json', object)).toBe('exists')
})

test('retry_max_attempts counts requests, nop sends one', async () => {
  const faults = () => s3.fail('error', 'error', 'error')
  faults()
  await rejection({ retry_mode: 'standard', retry_max_attempts: 2 })
  expect(s3.requests).toHaveLength(2)
  await rejection({ retry_mode: 'nop' })
  expect(s3.requests).toHaveLength(3)
  faults()
  await open({ retry_mode: 'adaptive', retry_max_attempts: 0 }).create('b.json', object)
  expect(s3.requests).toHaveLength(7)
})

test('HEAD of a store that tells no SHA-256 gives the size alone', async () => {
  await open().create('a.json', object)
  s3.hideChecksums()
  expect(await open().head('a.json')).toEqual({ size: object.body.length })
})

test('a denied look is NoReadRight', async () => {
  await open().create('a.json', object)
  s3.denyReads()
  await expect(open().head('a.json')).rejects.toThrow(NoReadRight)
  await expect(open().read('a.json')).rejects.toThrow(NoReadRight)
})

test('the probe names the missing bucket and needs no right to read', async () => {
  s3.denyReads()
  await open().reach()
  await expect(open({}, 'gone').reach()).rejects.toThrow(
    'reaching s3://gone: bucket "gone" does not exist'
  )
})

test('the probe of a bucket elsewhere says so: a HEAD is answered with 400 and no body', async () => {
  const elsewhere: Record<string, string> = {}
  const server = createServer((_, response) => void response.writeHead(400, elsewhere).end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(open({ endpoint }).reach()).rejects.toThrow(
    'reaching s3://logs: bucket "logs" answers 400 and no reason: check s3uploader::region (us-east-1)'
  )
  elsewhere['x-amz-bucket-region'] = 'eu-north-1'
  await expect(open({ endpoint }).reach()).rejects.toThrow(
    'bucket "logs" is in eu-north-1, not in us-east-1: set s3uploader::region'
  )
  server.close()
})

test('a store that nobody listens at is named with its cause', async () => {
  const error = await rejection({ endpoint: 'http://127.0.0.1:1' })
  expect(error.message).toBe(
    'storing s3://logs/a.json: connect ECONNREFUSED 127.0.0.1:1: check s3uploader::endpoint, AWS_ENDPOINT_URL and the network'
  )
})

test('an endpoint without a scheme is http with disable_ssl', async () => {
  const endpoint = s3.endpoint.replace('http://', '')
  expect(await open({ endpoint, disable_ssl: true }).create('a', object)).toBe('created')
})

test('no error holds a token or what was signed', async () => {
  process.env.AWS_SESSION_TOKEN = 'secret-session-token'
  try {
    s3.fail('signature')
    const error = await rejection()
    const shown = `${JSON.stringify(error)}${error.stack}${String(error.cause)}`
    expect(shown).not.toMatch(/secret-session-token|skey12345|Authorization/)
  } finally {
    delete process.env.AWS_SESSION_TOKEN
  }
})

/** Runs with these variables of the environment, undefined for absent ones. */
async function withEnv(variables: Record<string, string | undefined>, run: () => Promise<void>) {
  const before = { ...process.env }
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  try {
    await run()
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

test('without credentials the error says which ways there are', async () => {
  const none = {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null'
  }
  await withEnv(none, async () => {
    const error = await rejection()
    expect(error).toBeInstanceOf(NotStored)
    expect(error.message).toMatch(/no usable AWS credentials: set AWS_ACCESS_KEY_ID and/)
    await expect(open().reach()).rejects.toThrow('reaching s3://logs: no usable AWS credentials')
  })
  expect(s3.requests).toEqual([])
})

/** Answers with credentials of the role, or never; `asked` has each request. */
async function startSts({ answers }: { answers: boolean }) {
  const sts = { answers, asked: [] as string[] }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    sts.asked.push(`${request.headers.authorization?.match(/Credential=(\w+)/)?.[1]} ${body}`)
    if (!sts.answers) return
    response.setHeader('content-type', 'text/xml')
    response.end(
      `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>rolekey</AccessKeyId>
      <SecretAccessKey>s</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { sts, env: { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` }, stop }
}

const role_arn = 'arn:aws:iam::123456789012:role/archive'

test('role_arn and external_id: the base credentials assume the role, which signs the PUT', async () => {
  const { sts, env, stop } = await startSts({ answers: true })
  await withEnv(env, async () => {
    await open({ role_arn, external_id: 'ours' }).create('a.json', object)
  })
  stop()
  expect(sts.asked).toHaveLength(1)
  const [key, body] = sts.asked[0]!.split(' ')
  expect(key).toBe('akey')
  expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
    Action: 'AssumeRole',
    RoleArn: role_arn,
    ExternalId: 'ours',
    RoleSessionName: 'auditcol-test'
  })
  expect(s3.requests[0]!.headers.authorization).toContain('Credential=rolekey/')
  expect(s3.requests[0]!.headers['x-amz-security-token']).toBe('token')
})

test('a hung STS ends with the timeout, and its next answer is heard', async () => {
  const { sts, env, stop } = await startSts({ answers: false })
  await withEnv(env, async () => {
    const store = open({ role_arn }, 'logs', { timeout: 100 })
    await expect(store.create('a.json', object)).rejects.toThrow('no answer in time')
    sts.answers = true
    await vi.waitFor(async () => expect(await store.create('a.json', object)).toBe('created'), 5000)
  })
  stop()
})
