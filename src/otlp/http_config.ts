import { z } from 'zod'
import { byteSize } from '../config/fields.ts'
import { headersSchema, nameProblem, valueProblem } from '../config/headers.ts'
import { checkEndpoint, connectionKeys, listenerKeys } from './server_keys.ts'

const compressions = ['', 'gzip', 'zstd', 'zlib', 'deflate'] as const
const foreign = new Set(['snappy', 'lz4', 'x-snappy-framed'])

const compression = z.string().superRefine((name, context) => {
  if (compressions.some((known) => known === name)) return
  const message = foreign.has(name)
    ? `${name} is not supported: leave it out, and let senders use gzip or zstd`
    : `unknown compression "${name}" (valid values: [${compressions.join(' ')}])`
  context.addIssue({ code: 'custom', message })
})

function isHeaderName(name: string): boolean {
  return nameProblem(name) === undefined
}

/** How an answer is delimited is not the user's to say. */
const framing = new Set(['content-length', 'content-type', 'transfer-encoding'])

/** Node throws at the first answer otherwise, which would end the process. */
const headers = headersSchema((name, value) =>
  framing.has(name.toLowerCase())
    ? `${name} is set by the server itself`
    : (nameProblem(name) ?? valueProblem(name, value))
)

/** CORS, with the meanings of github.com/rs/cors, which the Collector uses. */
const cors = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .min(1, 'allowed_origins must name an origin: without one, cors does nothing')
    .describe('Origins a browser may send from; `*` once in each stands for anything.'),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe(
      'Request headers allowed; unset: Accept, Content-Type and X-Requested-With; `*`: any.'
    ),
  exposed_headers: z
    .array(z.string().refine(isHeaderName, 'not the name of a header'))
    .default([])
    .describe('Answer headers a script may read.'),
  max_age: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe('Seconds a browser may keep the answer to a preflight; 0: its own default.')
})

/** Receives OTLP over HTTP/1.1, protobuf and JSON. */
export const httpConfig = z
  .strictObject({
    ...listenerKeys('localhost:4318'),
    logs_url_path: urlPath('/v1/logs').describe('Path that takes logs.'),
    traces_url_path: urlPath('/v1/traces').describe('Path that answers that traces are not taken.'),
    metrics_url_path: urlPath('/v1/metrics').describe(
      'Path that answers that metrics are not taken.'
    ),
    cors: cors
      .nullish()
      .transform((value) => value ?? undefined)
      .describe('Lets scripts of other origins send; unset: they cannot.'),
    max_request_body_size: byteSize()
      .refine((bytes) => bytes > 0, 'must be positive')
      .default(20 * 1024 * 1024)
      .describe('Largest body in bytes, as sent and after decompression.'),
    response_headers: headers.default({}).describe('Headers added to every answer.'),
    compression_algorithms: z
      .array(compression)
      .default([...compressions])
      .describe('Content-Encodings taken; the empty string stands for uncompressed bodies.'),
    ...connectionKeys
  })
  .check(checkEndpoint)

export type HttpOptions = z.infer<typeof httpConfig>

function urlPath(path: string) {
  return z
    .string()
    .min(1, 'must not be empty')
    .transform((text) => (text.startsWith('/') ? text : `/${text}`))
    .default(path)
}
