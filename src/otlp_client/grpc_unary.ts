import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders
} from 'node:http2'
import type { GrpcConnection } from './grpc_connection.ts'

export interface UnaryCall {
  readonly headers: OutgoingHttpHeaders
  /** The message as it goes out, compressed if `compressed` says so. */
  readonly message: readonly Uint8Array[]
  readonly compressed: boolean
}

/** How a call has ended. */
export interface GrpcReply {
  /** HTTP's status, and gRPC's where the other side speaks gRPC. */
  readonly http: number
  readonly code: number | undefined
  readonly message: string
  /** `grpc-status-details-bin`: a google.rpc.Status. */
  readonly details: Uint8Array | undefined
  /** The message that came back, if one did. */
  readonly response: Uint8Array
}

const prefixBytes = 5
const longestReply = 64 * 1024

/** One unary call; rejects when the connection gives no end to it. */
export async function callUnary(
  connection: GrpcConnection,
  { headers, message, compressed }: UnaryCall,
  signal: AbortSignal
): Promise<GrpcReply> {
  const call = await connection.request(headers, signal)
  const stop = () => {
    // A connection that dies without a word swallows every call until TCP gives up, minutes later.
    connection.leave(call)
    call.close(constants.NGHTTP2_CANCEL)
  }
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    call.cork()
    call.write(prefixOf(message, compressed))
    for (const piece of message) call.write(piece)
    call.end()
    call.uncork()
    return await replyOf(call)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function prefixOf(message: readonly Uint8Array[], compressed: boolean): Buffer {
  const prefix = Buffer.alloc(prefixBytes)
  prefix[0] = compressed ? 1 : 0
  prefix.writeUInt32BE(
    message.reduce((sum, { length }) => sum + length, 0),
    1
  )
  return prefix
}

function replyOf(call: ClientHttp2Stream): Promise<GrpcReply> {
  const { promise, resolve, reject } = Promise.withResolvers<GrpcReply>()
  const chunks: Buffer[] = []
  let bytes = 0
  let head: IncomingHttpHeaders | undefined
  let trailers: IncomingHttpHeaders = {}
  call.once('response', (headers) => {
    head = headers
  })
  call.once('trailers', (headers) => {
    trailers = headers
  })
  call.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= prefixBytes + longestReply) chunks.push(chunk)
  })
  call.once('error', reject)
  call.once('close', () => {
    if (head === undefined) return reject(new Error('the connection ended before an answer'))
    const ending = { ...head, ...trailers }
    if (ending['grpc-status'] === undefined && call.rstCode !== constants.NGHTTP2_NO_ERROR)
      return reject(new Error('the call was reset'))
    const details = ending['grpc-status-details-bin']
    resolve({
      http: Number(head[':status']),
      code: codeOf(ending['grpc-status']),
      message: decoded(String(ending['grpc-message'] ?? '')),
      details: typeof details === 'string' ? Buffer.from(details, 'base64') : undefined,
      response: messageIn(Buffer.concat(chunks))
    })
  })
  return promise
}

function codeOf(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : undefined
}

/** We accept no compressed answers, so a flag other than 0 is none that counts. */
function messageIn(bytes: Buffer): Uint8Array {
  if (bytes.length < prefixBytes || bytes[0] !== 0) return new Uint8Array()
  return bytes.subarray(prefixBytes, prefixBytes + bytes.readUInt32BE(1))
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message)
  } catch {
    return message
  }
}
