import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { checkChecksums, checkMd5 } from './checksums.ts'
import { type Chunked, readChunked, smallChunksMax } from './chunked.ts'
import { algorithm } from './claim.ts'
import { Refusal } from './refusal.ts'
import type { Sender } from './sender.ts'

/** The bytes of an object, checked against all that its sender says of them. */
export interface Payload {
  readonly bytes: Uint8Array
  /** Hex. */
  readonly sha256: string
  /** Hex: S3's ETag. */
  readonly md5: string
}

/** How `x-amz-content-sha256` says that a body is signed. */
type Signing = 'hash' | 'none' | 'chunks' | 'chunks and trailer' | 'trailer'

const streaming = new Map<string, Signing>([
  ['UNSIGNED-PAYLOAD', 'none'],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'chunks'],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 'chunks and trailer'],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'trailer']
])

/** Whether the body of such a request can be read at all; throws a Refusal before it is sent. */
export function signingOf(headers: IncomingHttpHeaders, sender: Sender | undefined): Signing {
  const said = headers['x-amz-content-sha256']
  if (said === undefined && (sender === undefined || headers.authorization === undefined)) {
    return 'none'
  }
  if (typeof said !== 'string') {
    throw new Refusal('MissingSecurityHeader', 'there is no single x-amz-content-sha256')
  }
  if (/^[0-9a-fA-F]{64}$/.test(said)) return 'hash'
  const signing = streaming.get(said)
  if (signing !== undefined) return signing
  throw new Refusal('NotImplemented', `x-amz-content-sha256: ${said.slice(0, 100)}`)
}

/** Takes a body as it was sent; rejects with a Refusal when it is not the one that was meant. */
export async function payloadOf(
  body: Uint8Array,
  headers: IncomingHttpHeaders,
  sender: Sender | undefined
): Promise<Payload> {
  const signing = signingOf(headers, sender)
  const isChunked = signing !== 'hash' && signing !== 'none'
  const smallMax = signing === 'trailer' ? smallChunksMax : 0
  const chunked = isChunked ? readChunked(body, smallMax) : undefined
  const bytes = chunked ? joined(chunked, headers) : body
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const md5 = createHash('md5').update(bytes).digest()
  // First, for its code makes no sender drop what it has.
  if (signing === 'hash' && sha256 !== String(headers['x-amz-content-sha256']).toLowerCase()) {
    throw new Refusal('XAmzContentSHA256Mismatch', 'x-amz-content-sha256 is not that of the body')
  }
  if (chunked && sender) await checkSignatures(chunked, signing, sender)
  if (chunked) checkPresence(chunked, headers)
  checkMd5(headers['content-md5'] as string | undefined, md5)
  await checkChecksums(bytes, textsOf(headers))
  if (chunked) await checkChecksums(bytes, chunked.trailers)
  return { bytes, sha256, md5: md5.toString('hex') }
}

function joined({ chunks, bytes }: Chunked, headers: IncomingHttpHeaders): Uint8Array {
  const announced = headers['x-amz-decoded-content-length']
  if (announced !== undefined && Number(announced) !== bytes) {
    const message = `x-amz-decoded-content-length is ${announced}, the chunks have ${bytes} bytes`
    throw new Refusal('IncompleteBody', message)
  }
  return chunks.length === 2 ? chunks[0]!.data : Buffer.concat(chunks.map(({ data }) => data))
}

/** Each signature covers the one before it, the first that of the request. */
async function checkSignatures(
  { chunks, trailers }: Chunked,
  signing: Signing,
  sender: Sender
): Promise<void> {
  if (signing === 'trailer') return
  let before = sender.signature
  for (const { data, signature } of chunks) {
    const text = [`${algorithm}-PAYLOAD`, sender.date, sender.scope, before, empty, hashOf(data)]
    if ((await sender.sign(text.join('\n'))) !== signature) {
      throw new Refusal('SignatureDoesNotMatch', 'the signature of a chunk does not match')
    }
    before = signature
  }
  if (signing !== 'chunks and trailer') return
  const covered = [...trailers].filter(([name]) => name !== trailerSignature)
  const canonical = covered.map(([name, value]) => `${name}:${value}\n`).join('')
  const text = [`${algorithm}-TRAILER`, sender.date, sender.scope, before, hashOf(canonical)]
  if ((await sender.sign(text.join('\n'))) !== trailers.get(trailerSignature)) {
    throw new Refusal('SignatureDoesNotMatch', 'the signature of the trailer does not match')
  }
}

/** What `x-amz-trailer` announces is there, so that nobody can take a checksum away; and nothing else. */
function checkPresence({ trailers }: Chunked, headers: IncomingHttpHeaders): void {
  const announced = new Set(
    String(headers['x-amz-trailer'] ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '')
  )
  const missing = [...announced].find((name) => !trailers.has(name))
  const extra = [...trailers.keys()].find(
    (name) => name !== trailerSignature && !announced.has(name)
  )
  if (missing === undefined && extra === undefined) return
  throw new Refusal(
    'MalformedTrailerError',
    missing === undefined
      ? `x-amz-trailer does not announce ${extra}`
      : `the trailer ${missing} is missing`
  )
}

const trailerSignature = 'x-amz-trailer-signature'

function* textsOf(headers: IncomingHttpHeaders): Generator<[string, string]> {
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') yield [name, value]
  }
}

function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

const empty = hashOf('')
