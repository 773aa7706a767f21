import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import protobuf from 'protobufjs'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Post {
  readonly method?: string
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Buffer | string
  readonly agent?: Agent
}

/** One request on a connection of its own, or of the agent given. */
export function post(endpoint: string, options: Post = {}): Promise<Answered> {
  const { method = 'POST', path = '/v1/logs', headers, body = '', agent = false } = options
  const [host, port] = endpoint.split(':')
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host,
      port,
      method,
      path,
      agent,
      headers: { 'content-type': 'application/x-protobuf', ...headers }
    })
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      buffer(response).then(
        (bytes) =>
          resolve({ status: response.statusCode!, headers: response.headers, body: bytes }),
        reject
      )
    })
    outgoing.end(body)
  })
}

export const json = { 'content-type': 'application/json' }

export interface Status {
  readonly code: number
  readonly message: string
  readonly retryDelay?: string
}

/** The google.rpc.Status of an answer, read by a codec that is not ours. */
export function statusOf({ headers, body }: Answered): Status {
  if (headers['content-type'] === 'application/json') return statusOfJson(body)
  if (headers['content-type'] !== 'application/x-protobuf') {
    throw new Error(`no Status: ${headers['content-type']}`)
  }
  return decodeStatus(body)
}

export function decodeStatus(bytes: Buffer): Status {
  const { code, message, details } = types.lookupType('Status').decode(bytes).toJSON()
  if (!details) return { code, message }
  const [{ type_url, value }] = details
  if (type_url !== retryInfo || details.length !== 1) throw new Error(`details: ${type_url}`)
  const info = types.lookupType('RetryInfo').decode(Buffer.from(value, 'base64')).toJSON()
  return { code, message, retryDelay: `${info.retry_delay.seconds}s` }
}

function statusOfJson(body: Buffer): Status {
  const { code, message, details, ...rest } = JSON.parse(body.toString())
  if (Object.keys(rest).length > 0) throw new Error(`unknown members: ${Object.keys(rest)}`)
  if (details === undefined) return { code, message }
  const [{ '@type': type, retryDelay }] = details
  if (type !== retryInfo || details.length !== 1) throw new Error(`details: ${type}`)
  return { code, message, retryDelay }
}

const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo'

const types = protobuf.parse(
  `syntax = "proto3";
   message Any { string type_url = 1; bytes value = 2; }
   message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
   message Duration { int64 seconds = 1; int32 nanos = 2; }
   message RetryInfo { Duration retry_delay = 1; }`,
  { keepCase: true }
).root
