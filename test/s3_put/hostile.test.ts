import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { recordsOf } from '../../src/s3_put/records.ts'
import { exchange } from './raw_exchange.ts'
import { litellmPut, type Started, send, signed, startS3Put } from './start.ts'

/* Whatever comes is answered or cut off, stops nobody else, and leaves nothing held. */

const runs = { numRuns: 150 }

const token = fc.constantFrom(
  ...['AWS4-HMAC-SHA256', 'Credential=', 'SignedHeaders=', 'Signature=', 'UNSIGNED-PAYLOAD'],
  ...['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'aws-chunked'],
  ...['a/20261123/us-east-1/s3/aws4_request', '20261123T081500Z', 'host;x-amz-date', 'host', ','],
  ...['-1', '0', '18446744073709551616', '%', '%00', '*', '"', ' ', ';', '/', '\t', 'f'.repeat(64)]
)
const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code))
})
const value = fc.array(fc.oneof(token, printable), { maxLength: 6 }).map((parts) => parts.join(''))
const common = fc.constantFrom(
  ...['authorization', 'x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'content-md5'],
  ...[
    'x-amz-trailer',
    'x-amz-decoded-content-length',
    'x-amz-checksum-crc32',
    'x-amz-checksum-xxh'
  ],
  ...['if-none-match', 'content-encoding', 'content-type', 'x-amz-meta-__proto__', 'x-amz-tagging']
)
/** With these most requests get no further than Node. */
const rare = fc.constantFrom(
  ...[
    'expect',
    'connection',
    'upgrade',
    'transfer-encoding',
    'range',
    'if-match',
    'x-amz-copy-source'
  ]
)
const name = fc.oneof({ weight: 20, arbitrary: common }, { weight: 1, arbitrary: rare })
const segment = fc.oneof(
  fc.constantFrom(
    '.',
    '..',
    '',
    '%2e%2e',
    '%',
    '%ff',
    '%00',
    'a'.repeat(3000),
    '__proto__',
    '\u00e9'
  ),
  fc.webPath(),
  fc.webQueryParameters()
)
const query = fc.array(
  fc.oneof(
    fc.constantFrom('X-Amz-Signature=f', 'X-Amz-Algorithm=AWS4-HMAC-SHA256', 'X-Amz-Expires=-1'),
    fc.constantFrom(
      'uploads',
      'uploadId=1',
      '%',
      '%zz=1',
      '__proto__=1',
      '=',
      'a=1&a=2',
      'list-type=2'
    ),
    fc.webQueryParameters()
  )
)
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .array(
      fc.constantFrom(
        '5\r\nabcde\r\n',
        '0\r\n',
        '\r\n',
        'ffffffff\r\n',
        '5;chunk-signature=',
        'a:b\r\n'
      )
    )
    .map((parts) => Buffer.from(parts.join('')))
)
const hostile = fc.record({
  method: fc.constantFrom('PUT', 'PUT', 'PUT', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'),
  path: fc.array(segment, { maxLength: 4 }),
  query,
  headers: fc.array(fc.tuple(name, value), { maxLength: 8 }),
  body
})

type Hostile = typeof hostile extends fc.Arbitrary<infer T> ? T : never

function bytesOf({ method, path, query, headers, body }: Hostile, host: string): Buffer {
  const target = `/${path.join('/')}${query.length > 0 ? `?${query.join('&')}` : ''}`
  const lines = [
    `${method} ${target.replaceAll(/[\s#]/g, '')} HTTP/1.1`,
    `host: ${host}`,
    `content-length: ${body.length}`,
    ...headers.map(([name, value]) => `${name}: ${value}`)
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

describe.each([
  ['that asks for a signature', {}],
  ['that asks for none', { auth: 'none' }]
])('a receiver %s', (_, keys) => {
  let run: Started
  beforeAll(async () => {
    run = await startS3Put(
      { ...keys, max_request_body_size: 100_000, max_in_flight_size: 300_000 },
      (batch) => {
        checkLogs(Buffer.concat(batch.logs.chunks))
        batch.settle()
      },
      afterAll
    )
  })

  test('answers whatever comes, or cuts it off, and never with a fault of its own', async () => {
    const property = fc.asyncProperty(hostile, async (request) => {
      for (const status of await exchange(run.address, bytesOf(request, run.address))) {
        expect([200, 400, 403, 404, 405, 412, 413, 417, 431, 501, 503]).toContain(status)
      }
    })
    await fc.assert(property, runs)
  })

  test('goes on serving, with all of its room', async () => {
    const put = litellmPut(`"${'x'.repeat(99_000)}"`)
    const answer = await send(run.address, await signed(put, run.address))
    expect(answer, answer.body).toMatchObject({ status: 200 })
  })
})

describe('whatever a body holds', () => {
  const fields = [
    ...[
      'id',
      'updated_at',
      'changed_by',
      'changed_by_api_key',
      'action',
      'table_name',
      'object_id'
    ],
    ...[
      'before_value',
      'updated_values',
      'call_type',
      'startTime',
      'model',
      'metadata',
      '__proto__'
    ]
  ]
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\ud800',
      'LiteLLM_TeamTable',
      'created',
      1e308,
      -0,
      '2026-11-23T08:15:00+00:00'
    ),
    fc.jsonValue().map((value) => JSON.stringify(JSON.stringify(value)))
  )
  const document = fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string()), anything, {
    maxKeys: 14
  })
  const put = {
    ...{ bucket: 'logs', key: 'audit_logs/2026-11-23/08-15-00_x.json', sha256: '0', arrived: 1 },
    ...{ headers: {}, accessKeyId: 'a', remoteAddress: '::1', overwrites: false }
  }
  const options = { open_values: true, linesCost: 1_000_000 }

  test('it is a record that reads, with its text as it came', () => {
    const property = fc.property(document, (value) => {
      const text = JSON.stringify(value)
      const logs = recordsOf({ ...put, bytes: Buffer.from(text) }, options)
      expect(checkLogs(Buffer.concat(logs.chunks)).records).toBe(1)
      expect(decodeLogs(logs)[0]!.body).toBe(text)
    })
    fc.assert(property, { numRuns: 500 })
  })

  test.each([
    ['deep', '['.repeat(500_000) + ']'.repeat(500_000)],
    [
      'deep in a value',
      JSON.stringify({ ...audit(), before_value: `${'['.repeat(100_000)}${']'.repeat(100_000)}` })
    ],
    [
      'wide',
      `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join()}, "table_name":"t","action":"a","object_id":"o"}`
    ],
    ['one long number', '9'.repeat(1_000_000)]
  ])('%s JSON is one record, with no more attributes than there is room for', (_, text) => {
    const logs = recordsOf({ ...put, bytes: Buffer.from(text) }, options)
    expect(logs.records).toBe(1)
    expect(logs.bytes).toBeLessThan(2 * text.length + 10_000)
    expect(decodeLogs(logs)[0]!.body).toBe(text)
  })

  function audit() {
    return { table_name: 'LiteLLM_TeamTable', action: 'created', object_id: 't' }
  }
})
