import { expect, test } from 'vitest'
import { type Answered, json, post } from '../otlp/post.ts'
import { otlpJson } from '../otlp/request.ts'
import { startHttp, takeAll } from '../otlp/start.ts'

const cors = {
  allowed_origins: ['https://app.example.com', 'https://*.example.org'],
  allowed_headers: ['X-Token', 'Content-Type'],
  exposed_headers: ['X-Team'],
  max_age: 600
}

test.each([
  ['https://app.example.com', true],
  ['https://APP.example.com', true],
  ['https://a.b.example.org', true],
  ['https://example.org', false],
  ['https://evil.com', false],
  ['https://app.example.com.evil.com', false]
])('a script of %s may send: %s', async (origin, allowed) => {
  const { address } = await startHttp({ cors }, takeAll)
  const answer = await post(address, { headers: { ...json, origin }, body: otlpJson(1) })
  expect(answer.status).toBe(200)
  expect(answer.headers.vary).toBe('Origin')
  expect(corsHeaders(answer)).toEqual(
    allowed
      ? {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': 'X-Team'
        }
      : {}
  )
})

test('a preflight is answered with what is allowed', async () => {
  const { address } = await startHttp({ cors }, takeAll)
  const answer = await preflight(address, 'https://app.example.com', 'content-type,x-token')
  expect(answer.status).toBe(204)
  expect(corsHeaders(answer)).toEqual({
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type,x-token',
    'access-control-max-age': '600'
  })
})

test.each([
  ['a header that is not allowed', 'https://app.example.com', 'x-other'],
  ['an origin that is not allowed', 'https://evil.com', 'content-type']
])('a preflight with %s is answered without allowing anything', async (_, origin, headers) => {
  const { address } = await startHttp({ cors }, takeAll)
  const answer = await preflight(address, origin, headers)
  expect(answer.status).toBe(204)
  expect(corsHeaders(answer)).toEqual({})
})

test('errors carry the headers too, so that a script can read them', async () => {
  const { address } = await startHttp({ cors }, takeAll)
  const headers = { ...json, origin: 'https://app.example.com' }
  const answer = await post(address, { headers, body: 'junk' })
  expect(answer.status).toBe(400)
  expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com')
})

test('any origin and any header with *', async () => {
  const any = { allowed_origins: ['*'], allowed_headers: ['*'] }
  const { address } = await startHttp({ cors: any }, takeAll)
  const answer = await preflight(address, 'https://anybody.net', 'x-any')
  expect(answer.headers['access-control-allow-origin']).toBe('*')
  expect(answer.headers['access-control-allow-headers']).toBe('x-any')
})

test('without cors, no header and no preflight', async () => {
  const { address } = await startHttp({}, takeAll)
  const answer = await preflight(address, 'https://app.example.com', 'content-type')
  expect(answer.status).toBe(405)
  expect(corsHeaders(answer)).toEqual({})
})

function preflight(address: string, origin: string, headers: string) {
  return post(address, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': headers
    }
  })
}

function corsHeaders({ headers }: Answered) {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('access-control-'))
  )
}
