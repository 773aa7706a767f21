import { describe, expect, test } from 'vitest'
import otlp, { config, memory } from '../../receivers/otlp.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { runReceiver } from '../contract/run_receiver.ts'

const mib = 1024 * 1024

describe('protocols', () => {
  test('are on by being there, even empty, with the defaults of the Collector', () => {
    const { grpc, http } = config.parse({ protocols: { grpc: null, http: {} } }).protocols
    expect(grpc).toMatchObject({
      endpoint: 'localhost:4317',
      transport: 'tcp',
      max_recv_msg_size_mib: 4,
      include_metadata: false
    })
    expect(grpc!.keepalive.server_parameters).toEqual({
      max_connection_idle: Number.POSITIVE_INFINITY,
      max_connection_age: Number.POSITIVE_INFINITY,
      max_connection_age_grace: Number.POSITIVE_INFINITY,
      time: 7_200_000,
      timeout: 20_000
    })
    expect(grpc!.keepalive.enforcement_policy).toEqual({
      min_time: 300_000,
      permit_without_stream: false
    })
    expect(http).toMatchObject({
      endpoint: 'localhost:4318',
      logs_url_path: '/v1/logs',
      max_request_body_size: 20 * mib,
      compression_algorithms: ['', 'gzip', 'zstd', 'zlib', 'deflate'],
      keep_alives_enabled: true
    })
    expect(config.parse({ protocols: { http: null } }).protocols.grpc).toBeUndefined()
  })

  test.each([{}, { protocols: null }, { protocols: {} }])('%o names none', (value) => {
    expect(problems(value)).toEqual([
      ': must specify at least one protocol when using the OTLP receiver'
    ])
  })
})

describe('a key that does nothing here is refused with the reason', () => {
  test.each([
    [{ auth: { authenticator: 'basicauth' } }, 'auth', /^auth is not supported yet/],
    [{ middlewares: [] }, 'middlewares', /^middlewares are not supported/]
  ])('%o in both protocols', (keys, key, message) => {
    for (const protocol of ['grpc', 'http']) {
      const [problem, ...more] = problems({ protocols: { [protocol]: keys } })
      expect(more).toEqual([])
      expect(problem!.split(': ', 1)[0]).toBe(`protocols.${protocol}.${key}`)
      expect(problem!.slice(problem!.indexOf(': ') + 2)).toMatch(message)
    }
  })

  test.each([
    [{ http: { compression_algorithms: ['gzip', 'lz4'] } }, /lz4 is not supported/],
    [{ http: { compression_algorithms: ['gzp'] } }, /unknown compression "gzp" \(valid values: /],
    [{ http: { cors: { max_age: 5 } } }, /cors\.allowed_origins: /],
    [{ http: { cors: { allowed_origins: [] } } }, /without one, cors does nothing/],
    [{ grpc: { read_buffer_size: 524288 } }, /read_buffer_size is not supported/],
    [{ grpc: { write_buffer_size: 1 } }, /write_buffer_size is not supported/],
    [{ http: { endpoint: '4318' } }, /http\.endpoint: invalid endpoint "4318"/],
    [{ grpc: { endpoint: 'x:70000' } }, /grpc\.endpoint: invalid endpoint/],
    [{ http: { endpoint: '', transport: 'unix' } }, /the path of the socket/],
    [{ http: { transport: 'udp' } }, /http\.transport: /],
    [{ http: { read_timeout: '-1s' } }, /must not be negative/],
    [{ http: { max_request_body_size: 0 } }, /must be positive/],
    [{ http: { response_headers: { 'X Team': 'a' } } }, /response_headers\.X Team: .*valid HTTP/],
    [{ http: { response_headers: { 'X-Team': '€' } } }, /response_headers\.X-Team: Invalid char/],
    [{ http: { response_headers: { 'content-length': '5' } } }, /is set by the server itself/],
    [
      { http: { cors: { allowed_origins: ['*'], exposed_headers: ['a\nb'] } } },
      /exposed_headers\.0: not the name of a header/
    ],
    [{ http: { logs_url_path: '' } }, /must not be empty/],
    [{ htttp: null }, /htttp/]
  ])('%o', (protocols, message) => {
    expect(problems({ protocols }).join('\n')).toMatch(message)
  })
})

test.each(['localhost:4318', '0.0.0.0:0', ':4318', '[::1]:4318', '[::]:1', 'a-b.c:1'])(
  'endpoint %s is one',
  (endpoint) => {
    expect(problems({ protocols: { http: { endpoint } } })).toEqual([])
  }
)

test('headers of the answer may be a list, as newer Collectors write them', () => {
  const list = [{ name: 'X-Team', value: 'audit' }]
  const { http } = config.parse({ protocols: { http: { response_headers: list } } }).protocols
  expect(http!.response_headers).toEqual({ 'X-Team': 'audit' })
})

describe('memory', () => {
  test('is the limit of requests in flight, one body more, and two being decompressed', () => {
    const options = config.parse({ protocols: { http: null }, max_in_flight_size: '100MiB' })
    expect(memory(options)).toBe(160 * mib)
    expect(memory(config.parse({ protocols: { grpc: null } }))).toBe(76 * mib)
  })

  test('grows with the largest request allowed, unless limited', () => {
    const http = { max_request_body_size: '100MiB' }
    expect(memory(config.parse({ protocols: { http } }))).toBe(500 * mib + 8192)
    expect(problems({ protocols: { http }, max_in_flight_size: '150MiB' })).toEqual([
      'max_in_flight_size: must be at least 209723392: twice the largest request, which counts compressed and not, and 8192 for the request itself'
    ])
  })
})

test('an address on all interfaces is announced with one warning', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', encoding: 'json', write: (line) => void lines.push(line) })
  const options = config.parse({
    protocols: { http: { endpoint: '0.0.0.0:0' }, grpc: { endpoint: 'localhost:0' } }
  })
  const run = runReceiver((context) => otlp(options, { ...context, log }))
  await run.endpoint
  run.stop()
  await run.ended
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/listening on all interfaces: .*"endpoint":"0\.0\.0\.0:\d+"/)
})

test('when one protocol cannot listen, the other lets go of its port', async () => {
  const only = runReceiver((context) =>
    otlp(config.parse({ protocols: { grpc: { endpoint: 'localhost:0' } } }), context)
  )
  const endpoint = await only.endpoint
  only.stop()
  await only.ended
  const both = { grpc: { endpoint }, http: { endpoint } }
  const run = runReceiver((context) => otlp(config.parse({ protocols: both }), context))
  await expect(run.ended).rejects.toThrow(/^listening on .*: address already in use/)
  const again = runReceiver((context) =>
    otlp(config.parse({ protocols: { http: { endpoint } } }), context)
  )
  expect(await again.endpoint).toBe(endpoint)
  again.subscription.unsubscribe()
})

function problems(value: unknown): string[] {
  const { error } = config.safeParse(value)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}
