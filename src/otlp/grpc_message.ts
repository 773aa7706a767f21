import type { ServerHttp2Stream } from 'node:http2'
import { type Answer, codes, exhausted, invalid, tooLarge } from './answers.ts'
import { compact, type HeldBytes, type Share } from './held_bytes.ts'

export interface MessageOptions {
  readonly limit: number
  readonly held: HeldBytes
  readonly share: Share
}

const prefixBytes = 5

/** A call whose message does not come would take its room for ever; HTTP's `read_timeout` has the same default. */
const messageTimeoutMs = 300_000
const tooSlow: Answer = {
  code: codes.deadlineExceeded,
  http: 408,
  message: 'the message has not arrived within 5 minutes'
}

/**
 * Reads the one message of a unary call: a flag (compressed or not), the length in four bytes, the
 * bytes. The length is counted as soon as it is known, before the message is read. `done` runs once,
 * unless the stream ends before; after a refusal what still arrives is dropped.
 */
export function readMessage(
  stream: ServerHttp2Stream,
  { limit, held, share }: MessageOptions,
  done: (message: Uint8Array | Answer, compressed: boolean) => void
): void {
  let head: Buffer | undefined
  let length = -1
  let message: Uint8Array | undefined
  let filled = 0
  const late = setTimeout(() => refuse(tooSlow), messageTimeoutMs).unref()
  stream.on('data', take)
  stream.once('end', finish)
  stream.once('close', () => clearTimeout(late))

  function take(chunk: Buffer) {
    if (length >= 0) return fill(chunk)
    head = head ? Buffer.concat([head, chunk]) : chunk
    if (head.length < prefixBytes) return
    if (head[0]! > 1) return refuse(invalid(`bad flag ${head[0]} before the message`))
    length = head.readUInt32BE(1)
    if (length > limit) return refuse(tooLarge(limit))
    if (!share.take(length)) return refuse(exhausted(held.max))
    fill(head.subarray(prefixBytes))
  }

  /** A message that came in one piece is that piece; any other is gathered in a buffer of its own. */
  function fill(chunk: Buffer) {
    if (filled + chunk.length > length) return refuse(invalid('bytes behind the message'))
    if (message === undefined && chunk.length === length) message = compact(chunk)
    else {
      message ??= Buffer.allocUnsafeSlow(length)
      message.set(chunk, filled)
    }
    filled += chunk.length
  }

  function finish() {
    clearTimeout(late)
    if (length < 0 || filled < length) return refuse(invalid('the message is cut off'))
    done(message ?? Buffer.alloc(0), head![0] === 1)
  }

  function refuse(answer: Answer) {
    clearTimeout(late)
    message = undefined
    stream.off('data', take)
    stream.off('end', finish)
    stream.resume()
    done(answer, false)
  }
}
