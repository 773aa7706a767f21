import { Agent, request } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectRaw } from '../otlp/raw.ts'
import { litellmPut, send, signed, startS3Put } from '../s3_put/start.ts'

const open = { auth: 'none' }

describe('s3_put', () => {
  test('tells senders to come back while it holds as much as it may', async () => {
    const size = 30_000
    const limits = { max_request_body_size: size, max_in_flight_size: 2 * size + 8192 }
    const run = await startS3Put({ ...open, ...limits }, () => {})
    const body = (n: number) => litellmPut(`"${String(n).repeat(20_000)}"`, `/logs/${n}`)
    const first = send(run.address, body(1))
    await run.next()
    const second = send(run.address, body(2))
    await run.next()
    const refused = await send(run.address, body(3))
    expect(refused).toMatchObject({
      status: 503,
      code: 'SlowDown',
      headers: { 'retry-after': '1' }
    })
    for (const batch of run.batches) batch.settle()
    expect(await Promise.all([first, second])).toMatchObject([{ status: 200 }, { status: 200 }])
    const third = send(run.address, body(3))
    ;(await run.next()).settle()
    expect((await third).status).toBe(200)
  })

  test('counts what it has made of a body, not what was sent', async () => {
    const size = 30_000
    const limits = { max_request_body_size: size, max_in_flight_size: 2 * size + 8192 }
    const run = await startS3Put({ ...open, ...limits }, () => {})
    const lines = send(run.address, litellmPut('1\n'.repeat(20), '/logs/lines'))
    const made = (await run.next()).logs.bytes
    expect(made).toBeGreaterThan(4000)
    const large = send(run.address, litellmPut(`"${'x'.repeat(size - 2)}"`, '/logs/large'))
    const more = (await run.next()).logs.bytes
    const free = 2 * size + 8192 - 3 * 8192 - made - more
    const last = litellmPut(`"${'x'.repeat(free)}"`, '/logs/last')
    expect((await send(run.address, last)).status).toBe(503)
    for (const batch of run.batches) batch.settle()
    expect(await Promise.all([lines, large])).toMatchObject([{ status: 200 }, { status: 200 }])
  })

  test('holds nothing for a repetition that waits', async () => {
    const size = 30_000
    const limits = { max_request_body_size: size, max_in_flight_size: 2 * size + 8192 }
    const run = await startS3Put({ ...open, ...limits }, () => {})
    const body = litellmPut(`"${'x'.repeat(15_000)}"`)
    const first = send(run.address, body)
    await run.next()
    const again = [send(run.address, body)]
    // Its turn is over when one behind it on the same listener is answered.
    await send(run.address, { ...body, method: 'DELETE' })
    again.push(send(run.address, body))
    await send(run.address, { ...body, method: 'DELETE' })
    run.batches[0]!.settle()
    expect(await Promise.all([first, ...again])).toMatchObject(Array(3).fill({ status: 200 }))
  })

  test('serves many requests on one connection, also after refusals', async () => {
    const run = await startS3Put({ max_request_body_size: 1000 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const ports = new Set<number | undefined>()
    agent.on('free', (socket) => ports.add(socket.localPort))
    const good = await signed(litellmPut('{}'), run.address)
    const large = await signed(litellmPut(`"${'x'.repeat(5000)}"`), run.address)
    const statuses = []
    for (const sent of [good, large, good, { ...good, path: '/logs/other' }, good]) {
      statuses.push(await statusOn(agent, run.address, sent))
    }
    expect(statuses).toEqual([200, 413, 200, 403, 200])
    expect(ports.size).toBe(1)
  })

  test('asks for a body only when it wants one', async () => {
    const run = await startS3Put(open)
    const raw = await connectRaw(run.address)
    const head = (method: string) =>
      `${method} /logs/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`
    raw.write(head('PUT'))
    await raw.until(/HTTP\/1\.1 100 Continue\r\n\r\n/)
    raw.write('{}')
    await raw.until(/HTTP\/1\.1 200 [\s\S]*?\r\n\r\n/)
    raw.write(head('POST'))
    expect(await raw.until(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/)).toMatch(/^HTTP\/1\.1 501 /)
    await raw.closed
    const large = await connectRaw(run.address)
    large.write(head('PUT').replace('Length: 2', 'Length: 999999999'))
    expect(await large.until(/HTTP\/1\.1 \d+ [\s\S]*?\r\n\r\n/)).toMatch(/^HTTP\/1\.1 413 /)
    await large.closed
  })

  test('closes connections past its limit', async () => {
    const run = await startS3Put({ ...open, max_connections: 1 })
    const first = await connectRaw(run.address)
    const second = await connectRaw(run.address)
    await second.closed
    first.write('PUT /logs/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    await first.until(/^HTTP\/1\.1 200 /)
  })

  test('takes a body whose length is not announced', async () => {
    const run = await startS3Put(open)
    const raw = await connectRaw(run.address)
    raw.write(
      'PUT /logs/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'
    )
    await raw.until(/^HTTP\/1\.1 200 /)
  })

  test.each([
    ['POST', '/logs/a', {}],
    ['PUT', '/logs/a?acl', {}],
    ['PUT', '/logs/a?partNumber=1&uploadId=x', {}],
    ['PUT', '/logs/a', { 'x-amz-copy-source': '/logs/b' }],
    ['PUT', '/logs/a', { 'if-match': '"e"' }],
    ['PUT', '/logs/a', { 'if-none-match': '"e"' }],
    ['PUT', '/logs/a', { 'x-amz-content-sha256': 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }],
    ['PUT', '/logs?lifecycle', {}],
    ['DELETE', '/logs', {}],
    ['GET', '/logs?policy', {}],
    ['OPTIONS', '/', {}]
  ])('says what it does not do: %s %s %o', async (method, path, headers) => {
    const run = await startS3Put(open)
    const answer = await send(run.address, { method, path, headers, body: '{}' })
    expect(answer).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(run.batches).toHaveLength(0)
  })

  test('refuses a query that cannot be read, without a word of what stands in it', async () => {
    const run = await startS3Put(open)
    const answer = await send(run.address, {
      method: 'GET',
      path: '/logs?prefix=%ff<&',
      headers: {},
      body: ''
    })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidURI' })
    expect(answer.body).toContain('&lt;&amp;')
  })
})

function statusOn(
  agent: Agent,
  address: string,
  { method, path, headers, body }: Parameters<typeof send>[1]
) {
  const [host, port] = address.split(':')
  return new Promise<number>((resolve, reject) => {
    const outgoing = request({ host, port, method, path, headers, agent })
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode!))
    })
    outgoing.end(body)
  })
}
