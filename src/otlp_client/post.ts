import {
  type Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions
} from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface PostOptions {
  readonly url: URL
  readonly agent: Agent
  readonly headers: Readonly<Record<string, string>>
  readonly body: readonly Uint8Array[]
  readonly signal: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Not more than `longestReply` of it. */
  readonly body: Buffer
}

/** Answers to an export are small; what is longer is cut off and the connection closed. */
export const longestReply = 64 * 1024

/**
 * One POST; rejects when no whole answer came. A redirect is not followed: the answer says so. A kept
 * connection that the other side had closed meanwhile is no failure: the request goes out on another.
 */
export function post(sending: PostOptions): Promise<Reply> {
  const { url, agent, headers, body, signal } = sending
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const length = body.reduce((sum, { length }) => sum + length, 0)
  const options: RequestOptions = {
    method: 'POST',
    agent,
    headers: { ...headers, 'content-length': String(length) },
    signal
  }
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const request = send(url, options, (response) => readReply(response).then(resolve, reject))
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (signal.aborted) reject(signal.reason)
    else if (request.reusedSocket && error.code === 'ECONNRESET') resolve(post(sending))
    else reject(error)
  })
  request.cork()
  for (const piece of body) request.write(piece)
  request.uncork()
  request.end()
  return promise
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > longestReply) break
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).subarray(0, longestReply)
  }
}
