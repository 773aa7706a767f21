import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bodyLines } from '../../src/logs/bodies.ts'
import { litellmPut, type Request, recordsOf, send, startS3Put } from '../s3_put/start.ts'

const event = (id: string) =>
  `{"id": "${id}", "updated_at": "2026-11-23T08:14:59.000001+00:00", "changed_by": "J\\u00f6rg", "changed_by_api_key": "k", "action": "updated", "table_name": "LiteLLM_TeamTable", "object_id": "t1", "before_value": "{\\"a\\": 1.0}", "updated_values": "{}"}`

async function put(request: Request, keys = {}) {
  const run = await startS3Put({ auth: 'none', ...keys })
  const answer = await send(run.address, request)
  expect(answer).toMatchObject({ status: 200 })
  return { run, records: recordsOf(run), attributes: recordsOf(run).map((one) => one.attributes) }
}

const second = Date.parse('2026-11-23T08:14:59Z') / 1000

describe('a PUT becomes', () => {
  test('one record of an audit event, with its JSON byte for byte', async () => {
    const { run, records } = await put(litellmPut(event('7c1')))
    expect(records).toHaveLength(1)
    const [record] = records
    expect(record).toMatchObject({
      hrTime: [second, 1000],
      eventName: 'litellm.team.updated',
      body: event('7c1'),
      attributes: {
        'audit.record.id': '7c1',
        'audit.actor.id': 'Jörg',
        's3.content_type': 'application/json',
        's3.content_language': 'en',
        's3.content_disposition': 'inline; filename="audit-7c1.json"',
        's3.cache_control': 'private, immutable, max-age=31536000, s-maxage=0'
      },
      instrumentationScope: { name: '' },
      resource: { attributes: { 'aws.s3.bucket': 'logs' } }
    })
    expect(record!.hrTimeObserved[0] * 1000).toBeCloseTo(run.batches[0]!.meta.arrived, -4)
    expect(record!.severityNumber).toBeFalsy()
    const bytes = Buffer.concat([...bodyLines(run.batches[0]!.logs)])
    expect(bytes.toString()).toBe(`${event('7c1')}\n`)
  })

  test('a record for each line of a batch file', async () => {
    const body = `${event('1')}\n${event('2')}\n`
    const path = '/logs/audit_logs/2026-11-23/batch_08-15-00_f00.jsonl'
    const { records, attributes } = await put(litellmPut(body, path))
    expect(records.map((record) => record.body)).toEqual([event('1'), event('2')])
    const [first, next] = attributes
    expect(first).toMatchObject({ 'audit.record.id': '1', 's3_put.line': 1, 's3_put.lines': 3 })
    expect(next).toMatchObject({ 'audit.record.id': '2', 's3_put.line': 2, 's3_put.lines': 3 })
    expect(first!['s3_put.record_id']).toMatch(/^[0-9a-f]{32}-1$/)
    expect(next!['s3_put.record_id']).toMatch(/^[0-9a-f]{32}-2$/)
  })

  test('one record of a file whose lines would cost more than the largest request', async () => {
    const body = '{"a":1}\n'.repeat(1000)
    const limit = { max_request_body_size: 100_000 }
    expect((await put(litellmPut(body), limit)).records).toHaveLength(1)
    expect((await put(litellmPut(body))).records).toHaveLength(1000)
  })

  test('a record of a request log, at the time it began', async () => {
    const log = '{"call_type": "acompletion", "model": "m", "startTime": 1795421700.5, "id": "c"}'
    const { records } = await put(litellmPut(log, '/logs/2026-11-23/time-08-15-00-1_c.json'))
    expect(records).toMatchObject([
      { eventName: 'litellm.request.acompletion', hrTime: [1_795_421_700, 500_000_000], body: log }
    ])
  })

  test('a record of any JSON, at the time in its key or of its arrival', async () => {
    const { records } = await put(litellmPut('[1, 2.0]', '/logs/2026-11-23/08-14-59_x.json'))
    expect(records).toMatchObject([{ eventName: 's3.put', hrTime: [second, 0], body: '[1, 2.0]' }])
    const [other] = (await put(litellmPut('{"a": 1}', '/logs/x'))).records
    expect(other!.hrTime).toEqual(other!.hrTimeObserved)
  })

  test.each([Buffer.from([0, 255, 13, 10]), Buffer.alloc(0)])(
    'the bytes of any other: %o',
    async (body) => {
      const { headers, ...request } = litellmPut('')
      const md5 = createHash('md5').update(body).digest('base64')
      const sha256 = createHash('sha256').update(body).digest('hex')
      const own = { ...headers, 'content-md5': md5, 'x-amz-content-sha256': sha256 }
      const { records } = await put({ ...request, headers: own, body })
      expect(records).toHaveLength(1)
      expect(Buffer.from(records[0]!.body as Uint8Array)).toEqual(body)
    }
  )
})

test('nothing in a body or a header makes itself the sender', async () => {
  const body = JSON.stringify({
    resource: { 'auditcol.identity.access_key_id': 'admin' },
    'auditcol.identity.access_key_id': 'admin',
    ...JSON.parse(event('1'))
  })
  const request = litellmPut(body)
  const headers = { ...request.headers, 'x-amz-meta-auditcol.identity.access_key_id': 'admin' }
  const { run, records } = await put({ ...request, headers })
  expect(records[0]!.resource.attributes).toEqual({ 'aws.s3.bucket': 'logs' })
  expect(run.batches[0]!.meta.identity).toBeUndefined()
})

test('open_values gives the values before and after as maps, and leaves the body', async () => {
  const { records, attributes } = await put(litellmPut(event('1')), { open_values: true })
  expect(attributes[0]!['litellm.before_value']).toEqual({ a: 1 })
  expect(attributes[0]!['litellm.updated_values']).toEqual({})
  expect(records[0]!.body).toBe(event('1'))
})
