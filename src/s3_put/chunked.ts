import { Refusal } from './refusal.ts'

/** A body in the encoding `aws-chunked`, taken apart. */
export interface Chunked {
  /** The last one is empty. */
  readonly chunks: readonly Chunk[]
  /** Bytes of all chunks. */
  readonly bytes: number
  /** What follows the chunks, names in lower case. */
  readonly trailers: ReadonlyMap<string, string>
}

export interface Chunk {
  readonly data: Uint8Array
  /** Hex; of chunks that are signed. */
  readonly signature: string | undefined
}

/** AWS's own limit for all but the last. */
export const smallestChunk = 8 * 1024

/**
 * Senders that stream what they have as it comes (the AWS SDK for JavaScript, unless told to buffer) make
 * smaller ones. AWS refuses them; so many are taken here where none of them costs a signature.
 */
export const smallChunksMax = 10_000

/** The longest line before a chunk, and the longest text after the last. */
const lineMax = 256
const trailerMax = 8 * 1024

/**
 * `<size in hex>[;chunk-signature=<hex>]\r\n<data>\r\n`, as often as it takes, an empty chunk, trailers
 * `<name>:<value>\r\n`, an empty line. Throws a Refusal for anything else, and for more small chunks
 * before the last than `smallMax`.
 */
export function readChunked(body: Uint8Array, smallMax: number): Chunked {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.length)
  const chunks: Chunk[] = []
  let at = 0
  let bytes = 0
  let isSmall = false
  let small = 0
  for (;;) {
    const end = buffer.indexOf('\r\n', at)
    if (end < 0 || end - at > lineMax) throw incomplete('a chunk has no size')
    const { size, signature } = headOf(buffer.toString('latin1', at, end))
    at = end + 2
    if (isSmall && size > 0 && ++small > smallMax) {
      const what =
        smallMax === 0 ? 'a chunk that is not the last has' : `more than ${smallMax} chunks have`
      throw new Refusal('InvalidChunkSizeError', `${what} fewer than ${smallestChunk} bytes`)
    }
    isSmall = size < smallestChunk
    if (size === 0) {
      chunks.push({ data: buffer.subarray(at, at), signature })
      break
    }
    if (at + size + 2 > buffer.length) throw incomplete('the last chunk is cut short')
    if (buffer[at + size] !== 0x0d || buffer[at + size + 1] !== 0x0a) {
      throw incomplete('a chunk is longer than it says')
    }
    chunks.push({ data: buffer.subarray(at, at + size), signature })
    bytes += size
    at += size + 2
  }
  return { chunks, bytes, trailers: trailersOf(buffer.subarray(at)) }
}

function headOf(line: string): { size: number; signature: string | undefined } {
  const [, size, signature] = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(
    line
  ) ?? [undefined, undefined, undefined]
  if (size === undefined) throw incomplete('a chunk has no size')
  return { size: Number.parseInt(size, 16), signature }
}

function trailersOf(rest: Buffer): Map<string, string> {
  if (rest.length > trailerMax) {
    throw new Refusal('MalformedTrailerError', 'more follows the last chunk than trailers')
  }
  const trailers = new Map<string, string>()
  for (const line of rest.toString('latin1').split(/\r?\n/)) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    if (name === '' || trailers.has(name)) {
      throw new Refusal(
        'MalformedTrailerError',
        'a trailer is not <name>:<value>, or is there twice'
      )
    }
    trailers.set(name, line.slice(colon + 1).trim())
  }
  return trailers
}

function incomplete(message: string): Refusal {
  return new Refusal('IncompleteBody', message)
}
