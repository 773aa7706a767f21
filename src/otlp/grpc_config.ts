import { z } from 'zod'
import { refused } from '../config/refused.ts'
import { checkEndpoint, listenerKeys, orEmpty, timeout } from './server_keys.ts'

const never = Number.POSITIVE_INFINITY
const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** As in gRPC, 0 stands for the default. */
function orDefault(ms: number) {
  return timeout()
    .transform((value) => value || ms)
    .default(ms)
}

const serverParameters = z.strictObject({
  max_connection_idle: orDefault(never).describe(
    'A connection without calls for so long is closed; unset: never.'
  ),
  max_connection_age: orDefault(never).describe(
    'A connection this old (give or take a tenth) takes no new calls; unset: never.'
  ),
  max_connection_age_grace: orDefault(never).describe(
    'Time its open calls then have; unset: as long as they need.'
  ),
  time: orDefault(2 * hour).describe('A connection silent for so long is pinged; unset: 2h.'),
  timeout: orDefault(20 * second).describe(
    'A connection that does not answer a ping for so long is closed; unset: 20s.'
  )
})

const enforcementPolicy = z.strictObject({
  min_time: orDefault(5 * minute).describe(
    'A client that pings more often is disconnected (too_many_pings); unset: 5m.'
  ),
  permit_without_stream: z
    .boolean()
    .default(false)
    .describe('Whether a client may ping while it has no call open.')
})

const keepalive = z.strictObject({
  server_parameters: orEmpty(serverParameters).describe('How this server looks after connections.'),
  enforcement_policy: orEmpty(enforcementPolicy).describe('What pings it puts up with.')
})

/** Receives OTLP over gRPC. */
export const grpcConfig = z
  .strictObject({
    ...listenerKeys('localhost:4317'),
    max_recv_msg_size_mib: z
      .number()
      .int()
      .nonnegative()
      .max(2047)
      .transform((mib) => mib || 4)
      .default(4)
      .describe('Largest request in MiB, as sent and after decompression.'),
    max_concurrent_streams: z
      .number()
      .int()
      .nonnegative()
      .max(2 ** 32 - 1)
      .transform((streams) => streams || 1000)
      .default(1000)
      .describe('Calls open at once on one connection; further ones wait at their sender.'),
    keepalive: orEmpty(keepalive).describe('Pings, and the life of connections.'),
    read_buffer_size: refused(
      'read_buffer_size is not supported: Node sizes its socket buffers itself'
    ),
    write_buffer_size: refused(
      'write_buffer_size is not supported: Node sizes its socket buffers itself'
    )
  })
  .check(checkEndpoint)

export type GrpcOptions = z.infer<typeof grpcConfig>
export type KeepaliveOptions = GrpcOptions['keepalive']
