import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { escapeUri } from '@smithy/core/protocols'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { algorithm, type Claim, claimOf } from './claim.ts'
import { withHoisted } from './hoisted.ts'
import { Refusal } from './refusal.ts'
import type { Target } from './target.ts'

/*
 * Signature Version 4 is checked by signing again. The keys and signatures are the AWS SDK's signer's;
 * what is signed is written here, for the signer makes requests and takes none: it would leave out a
 * `Date` that was signed, and send its own names in the query. Nothing is normalised: the path goes in
 * as it was sent.
 */

/** A pair that senders may sign with. */
export interface AccessKey {
  readonly access_key_id: string
  readonly secret_access_key: string
  readonly session_token?: string | undefined
}

/** Who sent a request, proven. */
export interface Sender {
  readonly accessKeyId: string
  /** `20261123T081500Z`, and the rest of what a chunk's signature covers. */
  readonly date: string
  readonly scope: string
  /** Of the request, which the first chunk's signature builds on. */
  readonly signature: string
  /** Signs a text of the sender's with the sender's key of that day. */
  sign(text: string): Promise<string>
}

/** How far a request's time may be from ours, as with AWS. */
const skewMs = 15 * 60_000

/** Resolves with who signed a request; rejects with a Refusal when nobody we know did. */
export type Authenticate = (
  request: Pick<IncomingMessage, 'method' | 'headers' | 'headersDistinct'>,
  target: Target,
  now: number
) => Promise<Sender>

export function createAuthenticate(keys: readonly AccessKey[]): Authenticate {
  const signers = new Map(keys.map((key) => [key.access_key_id, { key, signer: signerOf(key) }]))

  return async (request, target, now) => {
    const claim = claimOf(request.headers, target.query)
    const known = signers.get(claim.accessKeyId)
    if (known === undefined) {
      throw new Refusal('InvalidAccessKeyId', 'the access key id is not one of those configured')
    }
    checkToken(claim, known.key)
    const date = timeOf(claim.date)
    checkTime(claim, date.getTime(), now)
    checkCoverage(claim, request.headers)
    const scope = `${claim.date.slice(0, 8)}/${claim.region}/s3/aws4_request`
    const options = { signingDate: date, signingRegion: claim.region, signingService: 's3' }
    const canonical = canonicalRequest(request, target, claim)
    const text = [
      algorithm,
      claim.date,
      scope,
      createHash('sha256').update(canonical).digest('hex')
    ]
    const expected = await known.signer.sign(text.join('\n'), options)
    if (!same(expected, claim.signature)) {
      throw new Refusal(
        'SignatureDoesNotMatch',
        'the signature is not the one that the configured key gives for this request'
      )
    }
    return {
      accessKeyId: claim.accessKeyId,
      date: claim.date,
      scope,
      signature: claim.signature,
      sign: (text) => known.signer.sign(text, options)
    }
  }
}

function signerOf({ access_key_id, secret_access_key }: AccessKey): SignatureV4 {
  return new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: {
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key
    },
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
    applyChecksum: false
  })
}

/** What the signature covers, in AWS's order. */
function canonicalRequest(
  { method = '', headersDistinct }: Pick<IncomingMessage, 'method' | 'headersDistinct'>,
  { path, query }: Target,
  { signedHeaders, expires }: Claim
): string {
  const values = (name: string) => headersDistinct[name]?.join().trim().replace(/\s+/g, ' ') ?? ''
  const isPresigned = expires !== undefined
  const unsaid = isPresigned ? (withHoisted({}, query)[payloadHeader] ?? 'UNSIGNED-PAYLOAD') : ''
  return [
    method,
    path,
    canonicalQuery(query, isPresigned),
    ...signedHeaders.map((name) => `${name}:${values(name)}`),
    '',
    signedHeaders.join(';'),
    values(payloadHeader) || unsaid
  ].join('\n')
}

/** A signature does not cover itself; beside one in the header, what looks like one in the query is covered. */
function canonicalQuery(query: Target['query'], isPresigned: boolean): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (isPresigned && name === 'X-Amz-Signature') return []
    return [value].flat().map((one) => [escapeUri(name), escapeUri(one)] as const)
  })
  const ordered = pairs.toSorted(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
  return ordered.map(([name, value]) => `${name}=${value}`).join('&')
}

/** By code units, which for what is percent-encoded is by bytes. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const payloadHeader = 'x-amz-content-sha256'

function checkToken({ token }: Claim, { session_token }: AccessKey): void {
  const matches = token !== undefined && session_token !== undefined && same(token, session_token)
  if (matches || (token === undefined && session_token === undefined)) return
  throw new Refusal('InvalidToken', 'the session token is not the one configured for this key')
}

function checkTime({ expires }: Claim, date: number, now: number): void {
  const latest = expires === undefined ? date + skewMs : date + Number(expires) * 1000
  if (now > latest && expires !== undefined) {
    throw new Refusal('AccessDenied', 'the presigned request has expired')
  }
  if (now > latest || date > now + skewMs) {
    throw new Refusal(
      'RequestTimeTooSkewed',
      'the time of the request and ours are more than 15 minutes apart'
    )
  }
}

/** Whoever is between the sender and us must not be able to change what S3 would act on. */
function checkCoverage({ signedHeaders, expires }: Claim, headers: IncomingMessage['headers']) {
  const signed = new Set(signedHeaders)
  const unsigned = Object.keys(headers).find(
    (name) =>
      !signed.has(name) &&
      (name === 'host' ||
        (name.startsWith('x-amz-') && (expires === undefined || name !== payloadHeader)))
  )
  if (unsigned !== undefined) {
    throw new Refusal('AccessDenied', `the signature does not cover the header ${unsigned}`)
  }
}

/** Of `20261123T081500Z`; a day that no month has is that of the next, which no signature fits. */
function timeOf(date: string): Date {
  const part = (from: number, to: number) => Number(date.slice(from, to))
  const day = [part(0, 4), part(4, 6) - 1, part(6, 8)] as const
  return new Date(Date.UTC(...day, part(9, 11), part(11, 13), part(13, 15)))
}

/** Compared without telling by its time how much of it was right. */
function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
