import { z } from 'zod'
import type { Exporter, LaneContext } from '../src/component.ts'
import { duration } from '../src/config/fields.ts'
import { refused } from '../src/config/refused.ts'
import { withDeadline } from '../src/deadline.ts'
import type { Logs } from '../src/logs/logs.ts'
import { jsonFromLogs } from '../src/logs/to_json.ts'
import { notYet, sentHeaders } from '../src/otlp_client/client_keys.ts'
import { createAgents } from '../src/otlp_client/http_agents.ts'
import { checkReply } from '../src/otlp_client/http_reply.ts'
import { post } from '../src/otlp_client/post.ts'
import { compression, requestBody } from '../src/otlp_client/request_body.ts'
import { clientTls, openClientTls } from '../src/tls/client.ts'
import { version } from '../src/version.ts'

const url = () =>
  z.string().refine((text) => text === '' || (URL.canParse(text) && /^https?:/.test(text)), {
    error: ({ input }) => `invalid URL "${input}": use http://host:port or https://host:port`
  })

const framing = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'host'
])

const count = () => z.number().int().nonnegative()

/** Sends each batch as one OTLP request over HTTP; without a processor in between the bytes pass as they came. */
export const config = z
  .strictObject({
    endpoint: url().default('').describe('Base URL; `/v1/logs` is added.'),
    logs_endpoint: url().default('').describe('The whole URL for logs, in place of `endpoint`.'),
    traces_endpoint: url().optional().describe('No difference: there are only logs.'),
    metrics_endpoint: url().optional().describe('No difference: there are only logs.'),
    profiles_endpoint: url().optional().describe('No difference: there are only logs.'),
    encoding: z
      .enum(['proto', 'json'], {
        error: ({ input }) => `invalid encoding type "${input}" (valid values: [proto json])`
      })
      .default('proto')
      .describe('Protobuf or OTLP/JSON.'),
    compression: compression.describe('gzip, zstd, zlib, deflate or none.'),
    compression_params: z
      .strictObject({ level: z.number().int().min(1).max(19).optional().describe('Unset: 1.') })
      .prefault({})
      .describe('How hard to compress: gzip, zlib and deflate 1 to 9, zstd 1 to 19.'),
    headers: sentHeaders(framing).default({}).describe('Sent with every request.'),
    tls: clientTls.prefault({}).describe('For https endpoints.'),
    proxy_url: url()
      .default('')
      .describe('Unset: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment.'),
    max_idle_conns: count().default(100).describe('Connections kept for the next request.'),
    max_idle_conns_per_host: count()
      .default(0)
      .describe('The same for one host, and there is one; 0: as max_idle_conns.'),
    max_conns_per_host: count().default(0).describe('Connections at once; 0: no limit.'),
    idle_conn_timeout: duration()
      .refine((ms) => ms >= 0, 'must not be negative')
      .prefault('90s')
      .describe('A connection that waits for a request so long is closed; 0: never.'),
    disable_keep_alives: z.boolean().default(false).describe('A new connection for each request.'),
    timeout: duration()
      .refine((ms) => ms >= 0, "'timeout' must be non-negative")
      .prefault('30s')
      .describe('Of one attempt; 0: no limit.'),
    ...notYet,
    cookies: refused('cookies are not supported'),
    force_attempt_http2: refused('force_attempt_http2 is not supported: HTTP/1.1 is used'),
    http2_read_idle_timeout: refused('HTTP/1.1 is used'),
    http2_ping_timeout: refused('HTTP/1.1 is used'),
    read_buffer_size: refused('Node sizes its socket buffers itself'),
    write_buffer_size: refused('Node sizes its socket buffers itself')
  })
  .superRefine(({ endpoint, logs_endpoint, compression, compression_params }, context) => {
    if (endpoint === '' && logs_endpoint === '')
      context.addIssue({ code: 'custom', message: 'at least one endpoint must be specified' })
    const { level } = compression_params
    if (level !== undefined && level > 9 && compression !== 'zstd')
      context.addIssue({
        code: 'custom',
        path: ['compression_params', 'level'],
        message: `${compression} has levels 1 to 9`
      })
  })

export default function otlpHttp(
  options: z.infer<typeof config>,
  { log, ready, stopping }: LaneContext
): Exporter {
  const url = new URL(options.logs_endpoint || withPath(options.endpoint))
  const tls = openClientTls(options.tls, log)
  const agents = createAgents({
    secure: url.protocol === 'https:',
    tls,
    proxyUrl: options.proxy_url,
    host: url.hostname,
    keepAlive: !options.disable_keep_alives,
    maxConnections: options.max_conns_per_host,
    maxIdle: options.max_idle_conns_per_host || options.max_idle_conns,
    idleTimeout: options.idle_conn_timeout
  })
  stopping.addEventListener('abort', agents.close)
  const { compression: how, compression_params } = options
  const headers = {
    'user-agent': `auditcol/${version}`,
    ...options.headers,
    'content-type': options.encoding === 'json' ? 'application/json' : 'application/x-protobuf',
    ...(how !== 'none' && { 'content-encoding': how })
  }
  ready(`${url.origin}${url.pathname}`)

  const send = async (logs: Logs, signal: AbortSignal) => {
    const body = await requestBody(encoded(logs, options.encoding), how, compression_params.level)
    signal.throwIfAborted()
    const reply = await post({ url, agent: agents.current(), headers, body, signal })
    checkReply(reply, logs.records, log)
  }
  return ({ logs }, signal) =>
    withDeadline(options.timeout, signal, async (ended) => send(logs, ended))
}

function withPath(endpoint: string): string {
  return `${endpoint.replace(/\/$/, '')}/v1/logs`
}

function encoded(logs: Logs, encoding: 'proto' | 'json'): readonly Uint8Array[] {
  return encoding === 'proto' ? logs.chunks : [...jsonFromLogs(logs)]
}
