import { Observable } from 'rxjs'
import { z } from 'zod'
import { aborted } from '../src/aborted.ts'
import type { Receiver, ReceiverContext } from '../src/component.ts'
import { byteSize, duration } from '../src/config/fields.ts'
import { isLoopback } from '../src/loopback.ts'
import { parseEndpoint } from '../src/otlp/endpoint.ts'
import { createHeldBytes, requestCost } from '../src/otlp/held_bytes.ts'
import { listenHttp } from '../src/otlp/http_server.ts'
import { checkEndpoint, connectionKeys, listenerKeys } from '../src/otlp/server_keys.ts'
import { parseMax } from '../src/s3_put/documents.ts'
import { createIntake } from '../src/s3_put/intake.ts'
import { createRepeats, keyCost } from '../src/s3_put/repeats.ts'
import { createRequestHandler } from '../src/s3_put/requests.ts'
import { createAuthenticate } from '../src/s3_put/sender.ts'

const { endpoint, transport, tls } = listenerKeys('localhost:9000')
const MiB = 1024 * 1024

const accessKey = z.strictObject({
  access_key_id: z.string().min(1).describe('The id of the pair; records say which one it was.'),
  secret_access_key: z.string().min(1).describe('Its secret.'),
  session_token: z
    .string()
    .min(1)
    .optional()
    .describe('The token that senders must send with it; unset: none.')
})

const repeats = z.strictObject({
  window: duration()
    .refine((ms) => ms >= 0, 'must not be negative')
    .default(3_600_000)
    .describe(
      'For so long the same bytes under the same key are the record that is there already.'
    ),
  max_keys: z
    .number()
    .int()
    .min(0)
    .default(100_000)
    .describe('Puts remembered for it, 512 bytes each.')
})

/** Receives what LiteLLM and others write to S3: an S3 endpoint that takes objects by PUT. */
export const config = z
  .strictObject({
    endpoint,
    transport,
    tls,
    domain: z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/, 'must be the name of a host, without a port')
      .optional()
      .describe(
        'The host below which the names of buckets are (`<bucket>.<domain>`); unset: `/<bucket>/<key>` alone.'
      ),
    access_keys: z
      .array(accessKey)
      .default([])
      .describe('The pairs that senders may sign with (Signature Version 4).'),
    auth: z
      .enum(['sigv4', 'none'])
      .default('sigv4')
      .describe('`none`: nobody has to sign; on a loopback address or a unix socket only.'),
    open_values: z
      .boolean()
      .default(false)
      .describe(
        'Give `before_value` and `updated_values` of LiteLLM as maps (`litellm.before_value`), beside the body.'
      ),
    repeats: repeats
      .prefault({})
      .describe('What is remembered, so that a PUT sent again is one record.'),
    max_request_body_size: byteSize()
      .refine((bytes) => bytes > 0, 'must be positive')
      .default(32 * MiB)
      .describe('Largest body in bytes, as sent.'),
    max_in_flight_size: byteSize()
      .optional()
      .describe(
        'Bytes of requests that may be on their way in at once, and 8KiB for each; past it senders are told to come back (503). Unset: 64MiB, or twice the largest request if that is more.'
      ),
    max_connections: z
      .number()
      .int()
      .positive()
      .default(1000)
      .describe('Connections open at once; further ones are closed.'),
    ...connectionKeys
  })
  .check(checkEndpoint)
  .superRefine((options, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    const { auth, access_keys, max_in_flight_size, max_request_body_size } = options
    const ids = access_keys.map(({ access_key_id }) => access_key_id)
    const twice = ids.find((id, index) => ids.indexOf(id) !== index)
    const least = leastInFlight(max_request_body_size)
    if (auth === 'sigv4' && ids.length === 0) {
      issue('access_keys', 'must have a pair to sign with, or auth must be none')
    }
    if (auth === 'none' && ids.length > 0) {
      issue('auth', 'none does not go with access_keys, which would prove nothing')
    }
    if (auth === 'none' && !isLocal(options)) {
      issue('auth', `none is for a loopback address or a unix socket, not for ${options.endpoint}`)
    }
    if (twice !== undefined) issue('access_keys', `the access key id ${twice} is there twice`)
    if (max_in_flight_size !== undefined && max_in_flight_size < least) {
      issue(
        'max_in_flight_size',
        `must be at least ${least}: twice the largest request, and ${requestCost} for the request itself`
      )
    }
  })

export type Options = z.infer<typeof config>

/**
 * Bytes this receiver may hold: requests in flight; of the one that is being made into records its text
 * and its protobuf, which grows by doubling; a JSON text as objects; and the keys remembered.
 */
export function memory(options: Options): number {
  const { max_request_body_size, repeats } = options
  return (
    inFlightSize(options) + 5 * max_request_body_size + 20 * parseMax + repeats.max_keys * keyCost
  )
}

/** What is told beside a silence: most of the time the sender is LiteLLM. */
export { noObjects as silence } from '../src/litellm/silence.ts'

export default function s3Put(options: Options, context: ReceiverContext): Receiver {
  return new Observable((out) => {
    const { log, stopping } = context
    const { domain, max_request_body_size: limit, open_values } = options
    const repeats = createRepeats(options.repeats)
    const handle = createRequestHandler({
      domain,
      limit,
      held: createHeldBytes(inFlightSize(options)),
      authenticate: options.auth === 'none' ? undefined : createAuthenticate(options.access_keys),
      repeats,
      intake: createIntake(out, context, { open_values, linesCost: limit, repeats }),
      stopping,
      log
    })
    let close = () => {}
    run().then(
      () => out.complete(),
      (cause: Error) => out.error(cause)
    )
    return () => close()

    async function run() {
      const listener = await listenHttp({ options, stopping, log, handle })
      close = listener.close
      if (out.closed) return close()
      context.ready(`${options.tls ? 'S3+TLS' : 'S3'} ${listener.listening.address}`)
      await aborted(stopping)
      await listener.drain()
    }
  })
}

function isLocal({ endpoint, transport }: { endpoint: string; transport: string }): boolean {
  return transport === 'unix' || isLoopback(parseEndpoint(endpoint)?.host ?? '')
}

function inFlightSize({ max_in_flight_size, max_request_body_size }: Options): number {
  return max_in_flight_size ?? Math.max(64 * MiB, leastInFlight(max_request_body_size))
}

function leastInFlight(largest: number): number {
  return 2 * largest + requestCost
}
