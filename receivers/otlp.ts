import { Observable } from 'rxjs'
import { z } from 'zod'
import { aborted } from '../src/aborted.ts'
import type { Receiver, ReceiverContext } from '../src/component.ts'
import { byteSize } from '../src/config/fields.ts'
import { asideMax } from '../src/otlp/decompress.ts'
import { grpcConfig } from '../src/otlp/grpc_config.ts'
import { startGrpcServer } from '../src/otlp/grpc_server.ts'
import { createHeldBytes, requestCost } from '../src/otlp/held_bytes.ts'
import { httpConfig } from '../src/otlp/http_config.ts'
import { type Listener, startHttpServer } from '../src/otlp/http_server.ts'
import { createIntake } from '../src/otlp/intake.ts'
import { orEmpty } from '../src/otlp/server_keys.ts'
import type { ServerTls } from '../src/tls/server.ts'

const defaultInFlight = 64 * 1024 * 1024

/** Receives OpenTelemetry logs over HTTP (protobuf, JSON) and gRPC; answers when they are safe. */
export const config = z
  .strictObject({
    protocols: orEmpty(
      z.strictObject({
        grpc: orEmpty(grpcConfig)
          .optional()
          .describe('OTLP over gRPC; on when it is there, even empty.'),
        http: orEmpty(httpConfig)
          .optional()
          .describe('OTLP over HTTP; on when it is there, even empty.')
      })
    )
      .prefault({})
      .describe('The protocols to listen for; at least one.'),
    max_in_flight_size: byteSize()
      .optional()
      .describe(
        'Bytes of requests that may be on their way in at once, counted as sent and after decompression, and 8KiB for each; past it senders are told to come back (429). Unset: 64MiB, or twice the largest request if that is more.'
      )
  })
  .superRefine(({ protocols, max_in_flight_size }, context) => {
    if (protocols.grpc === undefined && protocols.http === undefined) {
      const message = 'must specify at least one protocol when using the OTLP receiver'
      context.addIssue({ code: 'custom', message })
      return
    }
    const least = leastInFlight(protocols)
    if (max_in_flight_size === undefined || max_in_flight_size >= least) return
    context.addIssue({
      code: 'custom',
      path: ['max_in_flight_size'],
      message: `must be at least ${least}: twice the largest request, which counts compressed and not, and ${requestCost} for the request itself`
    })
  })

export type Options = z.infer<typeof config>

/** Bytes this receiver may hold: requests in flight, one more that is being joined, and the windows of those being decompressed. */
export function memory(options: Options): number {
  return inFlightSize(options) + (1 + asideMax) * largestRequest(options.protocols)
}

export default function otlp(options: Options, context: ReceiverContext): Receiver {
  return new Observable((out) => {
    const { log, stopping } = context
    const { grpc, http } = options.protocols
    const listeners: Listener[] = []
    run().then(
      () => out.complete(),
      (cause: Error) => {
        close()
        out.error(cause)
      }
    )
    return close

    async function run() {
      const held = createHeldBytes(inFlightSize(options))
      const machinery = { held, intake: createIntake(out, context), stopping, log }
      if (grpc) listeners.push(await startGrpcServer({ options: grpc, ...machinery }))
      if (out.closed) return close()
      if (http) listeners.push(await startHttpServer({ options: http, ...machinery }))
      if (out.closed) return close()
      for (const { protocol, listening } of listeners) {
        const overHttp = protocol.startsWith('HTTP')
        const path = overHttp && http ? unusualPath(http.logs_url_path) : ''
        context.ready(`${protocol} ${listening.address}${path}`)
        if (listening.everywhere && !isMutual(overHttp ? http?.tls : grpc?.tls))
          log.warn(openToAll, { endpoint: listening.address })
      }
      await aborted(stopping)
      await Promise.all(listeners.map((listener) => listener.drain()))
    }

    function close() {
      for (const listener of listeners) listener.close()
    }
  })
}

function unusualPath(path: string): string {
  return path === '/v1/logs' ? '' : path
}

/** Only who has a certificate can send. */
function isMutual(tls: ServerTls | undefined): boolean {
  return tls !== undefined && tls.client_ca_file + tls.client_ca_pem !== ''
}

const openToAll = 'listening on all interfaces: whoever reaches this port can send records'

function inFlightSize({ protocols, max_in_flight_size }: Options): number {
  return max_in_flight_size ?? Math.max(defaultInFlight, leastInFlight(protocols))
}

function leastInFlight(protocols: Options['protocols']): number {
  return 2 * largestRequest(protocols) + requestCost
}

function largestRequest({ grpc, http }: Options['protocols']): number {
  return Math.max(
    (grpc?.max_recv_msg_size_mib ?? 0) * 1024 * 1024,
    http?.max_request_body_size ?? 0
  )
}
