import { z } from 'zod'
import type { Exporter, LaneContext } from '../src/component.ts'
import { duration } from '../src/config/fields.ts'
import { refused } from '../src/config/refused.ts'
import { notYet, sentHeaders } from '../src/otlp_client/client_keys.ts'
import { createConnection } from '../src/otlp_client/grpc_connection.ts'
import { checkGrpcReply } from '../src/otlp_client/grpc_reply.ts'
import { authorityOf, parseTarget } from '../src/otlp_client/grpc_target.ts'
import { callUnary } from '../src/otlp_client/grpc_unary.ts'
import { requestBody } from '../src/otlp_client/request_body.ts'
import { clientTls, openClientTls } from '../src/tls/client.ts'
import { version } from '../src/version.ts'

const compressions = ['none', '', 'gzip', 'zstd'] as const

/** What gRPC puts there itself. */
const reserved = new Set(['content-type', 'te', 'user-agent', 'connection', 'host'])

const time = (shortest: number) =>
  duration().refine((ms) => ms === 0 || ms >= shortest, `must be at least ${shortest / 1000}s`)

/** Sends each batch as one OTLP call over gRPC; without a processor in between the bytes pass as they came. */
export const config = z
  .strictObject({
    endpoint: z
      .string()
      .min(1, 'requires a non-empty "endpoint"')
      .describe(
        '`host:port`, `http://` or `https://` before it decide over TLS; `dns:///host:port`; `unix:///path`.'
      ),
    compression: z
      .enum(compressions, {
        error: ({ input }) =>
          `unsupported compression type "${input}" (valid values: [gzip zstd none])`
      })
      .default('gzip')
      .transform((name) => name || ('none' as const))
      .describe('gzip, zstd or none.'),
    headers: sentHeaders(reserved)
      .refine((headers) => !Object.keys(headers).some((name) => name.startsWith('grpc-')), {
        error: 'names that begin with grpc- are set by the exporter itself'
      })
      .default({})
      .describe('Metadata sent with every call.'),
    authority: z.string().default('').describe('`:authority` of the calls; unset: the endpoint.'),
    tls: clientTls.prefault({}).describe('TLS is used unless `insecure` is true.'),
    keepalive: z
      .strictObject({
        time: time(10_000).prefault('0').describe('Pings a connection so often; 0: never.'),
        timeout: time(0)
          .prefault('20s')
          .describe('A connection that does not answer a ping for so long is closed.'),
        permit_without_stream: z
          .boolean()
          .default(false)
          .describe('Whether to ping while no call is open.')
      })
      .prefault({})
      .describe('Finds connections that have died without a word.'),
    wait_for_ready: z
      .boolean()
      .default(false)
      .describe('No difference: a call waits for its connection, and the lane repeats it.'),
    balancer_name: z
      .enum(['', 'pick_first'], {
        error: ({ input }) =>
          `balancer_name "${input}" is not supported: one connection to one address of the endpoint is used`
      })
      .default('')
      .describe('pick_first: one connection, to one address of the endpoint.'),
    ...notYet,
    read_buffer_size: refused('Node sizes its socket buffers itself'),
    write_buffer_size: refused('Node sizes its socket buffers itself')
  })
  .superRefine(({ endpoint, tls }, context) => {
    if (endpoint === '' || parseTarget(endpoint, tls.insecure)) return
    context.addIssue({
      code: 'custom',
      path: ['endpoint'],
      message: `invalid endpoint "${endpoint}": use host:port, http://host:port, https://host:port, dns:///host:port or unix:///path`
    })
  })

export default function otlpGrpc(
  options: z.infer<typeof config>,
  { log, ready, stopping }: LaneContext
): Exporter {
  const target = parseTarget(options.endpoint, options.tls.insecure)!
  const { compression, keepalive } = options
  const connection = createConnection({ target, keepalive, tls: openClientTls(options.tls, log) })
  stopping.addEventListener('abort', connection.close)
  const headers = {
    ...lowerCase(options.headers),
    ':method': 'POST',
    ':path': '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    ':authority': options.authority || authorityOf(target),
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': `auditcol/${version}`,
    'grpc-accept-encoding': 'identity',
    ...(compression !== 'none' && { 'grpc-encoding': compression })
  }
  ready(`${target.secure ? 'gRPC with TLS' : 'gRPC'} ${options.endpoint}`)
  return async ({ logs }, signal) => {
    signal.throwIfAborted()
    const message = await requestBody(logs.chunks, compression, undefined)
    signal.throwIfAborted()
    const call = { headers, message, compressed: compression !== 'none' }
    checkGrpcReply(await callUnary(connection, call, signal), logs.records, log)
  }
}

/** HTTP/2 has no other. */
function lowerCase(headers: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  )
}
