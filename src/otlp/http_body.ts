import type { IncomingMessage } from 'node:http'
import { type Answer, exhausted, tooLarge } from './answers.ts'
import { type Compression, decompress } from './decompress.ts'
import { compact, type HeldBytes, type Share } from './held_bytes.ts'

export interface BodyOptions {
  /** Largest body, as sent and after decompression. */
  readonly limit: number
  readonly held: HeldBytes
}

/**
 * Whether there is room for the body a request announces; an announced body is counted before it is
 * read, so that many slow uploads cannot together exceed the limit. Undefined: go on and read.
 */
export function admitBody(
  request: IncomingMessage,
  { limit, held }: BodyOptions,
  share: Share
): Answer | undefined {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > limit) return tooLarge(limit)
  return share.take(announced) ? undefined : exhausted(held.max)
}

/**
 * Reads an admitted body whole. `done` runs once, unless the connection ends before: the share is
 * then the caller's to end. After a refusal what still arrives is dropped, so that the connection
 * can be used again.
 */
export function readBody(
  request: IncomingMessage,
  compression: Compression | undefined,
  options: BodyOptions & { share: Share },
  done: (result: Uint8Array | Answer) => void
): void {
  const { limit, held, share } = options
  const length = request.headers['content-length']
  const announced = length === undefined ? undefined : Number(length)
  let body = empty
  let bytes = 0
  request.on('data', take)
  request.once('end', finish)

  function take(chunk: Uint8Array) {
    if (bytes + chunk.length > limit) return refuse(tooLarge(limit))
    if (announced === undefined && !share.take(chunk.length)) return refuse(exhausted(held.max))
    if (bytes === 0) body = compact(chunk)
    else gather(chunk)
    bytes += chunk.length
  }

  /** In one buffer: a body sent in chunks of one byte would cost some 400 times its size as a list of them. */
  function gather(chunk: Uint8Array) {
    const needed = bytes + chunk.length
    if (needed > body.length) {
      const larger = Buffer.allocUnsafeSlow(announced ?? Math.min(limit, 2 * needed))
      larger.set(body)
      body = larger
    }
    body.set(chunk, bytes)
  }

  function finish() {
    const whole = body.subarray(0, bytes)
    body = empty
    if (compression === undefined) done(whole)
    else decompress(whole, compression, options, done)
  }

  function refuse(answer: Answer) {
    body = empty
    request.off('data', take)
    request.off('end', finish)
    dropBody(request)
    done(answer)
  }
}

const empty: Uint8Array = new Uint8Array(0)

/**
 * Most of a refused body that is read only to be dropped: reading on keeps the connection, and lets
 * a sender that writes first and reads later see its answer.
 */
const droppedMax = 64 * 1024 * 1024

/** Reads on without keeping anything. */
export function dropBody(request: IncomingMessage): void {
  let dropped = 0
  request.on('data', (chunk: Uint8Array) => {
    dropped += chunk.length
    if (dropped > droppedMax) request.socket.destroy()
  })
  request.resume()
}
