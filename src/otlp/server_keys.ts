import { z } from 'zod'
import { duration } from '../config/fields.ts'
import { refused } from '../config/refused.ts'
import { serverTls } from '../tls/server.ts'
import { parseEndpoint } from './endpoint.ts'

/** Keys that the HTTP and the gRPC server have in common. */
export function listenerKeys(endpoint: string) {
  return {
    endpoint: z
      .string()
      .default(endpoint)
      .describe(
        'Where to listen: `host:port`, `:port` for all interfaces, port 0 for a free one; a path with `transport: unix`.'
      ),
    transport: z
      .enum(['tcp', 'tcp4', 'tcp6', 'unix'])
      .default('tcp')
      .describe('Kind of network; `tcp4` and `tcp6` bind that family only.'),
    include_metadata: z
      .boolean()
      .default(false)
      .describe(
        "Keep the request's headers with its records, for the components that ask for them."
      ),
    tls: serverTls.optional().describe('TLS for every connection; unset: none.'),
    auth: refused('auth is not supported yet: let a proxy on this machine authenticate senders'),
    middlewares: refused('middlewares are not supported: there are none to name')
  }
}

/** How long a connection over HTTP/1.1 may take, and live. */
export const connectionKeys = {
  read_timeout: timeout()
    .default(0)
    .describe(
      'Time for a whole request; 0: 5 minutes, so that a silent sender holds nothing for ever.'
    ),
  read_header_timeout: timeout().default(0).describe("Time for a request's headers; 0: 1 minute."),
  write_timeout: timeout()
    .default(0)
    .describe('Time from the end of the headers to the end of the answer; 0: none.'),
  idle_timeout: timeout()
    .default(0)
    .describe(
      'Time a connection waits for its next request; 0: `read_timeout`, and none without one.'
    ),
  keep_alives_enabled: z
    .boolean()
    .default(true)
    .describe('Whether a connection serves many requests.')
}

/** The endpoint fits the transport. */
export function checkEndpoint({ value, issues }: EndpointCheck): void {
  const { endpoint, transport } = value
  if (transport === 'unix' ? endpoint !== '' : parseEndpoint(endpoint)) return
  issues.push({
    code: 'custom',
    path: ['endpoint'],
    input: endpoint,
    message:
      transport === 'unix'
        ? 'endpoint must be the path of the socket'
        : `invalid endpoint "${endpoint}": use host:port, :port or [ipv6]:port`
  })
}

interface EndpointCheck {
  readonly value: { readonly endpoint: string; readonly transport: string }
  readonly issues: z.core.$ZodRawIssue[]
}

/** A duration that is not negative. */
export function timeout() {
  return duration().refine((ms) => ms >= 0, 'must not be negative')
}

/** A section that may be left empty, as `grpc:` alone. */
export function orEmpty<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => value ?? {}, schema)
}
