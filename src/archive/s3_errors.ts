import { PermanentError } from '../component.ts'
import { KeyBlocked, NotStored, StoreError } from './store.ts'

export interface Place {
  /** What was being done, in gerund form. */
  readonly doing: string
  readonly bucket: string
  readonly region: string
}

/** The parts of an SDK error that we use; the rest can hold signed headers and session tokens. */
interface Answer {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/**
 * An error of ours for one of the SDK's: one sentence that names the bucket and what to do. The
 * SDK's own error is not kept as the cause: its fields show what was signed, tokens included.
 */
export function explained(cause: unknown, place: Place): Error {
  const answer = (cause ?? {}) as Answer
  const status = statusOf(cause)
  const text = `${place.doing}: ${advice(answer, place) ?? plain(answer)}`
  if (never.has(answer.name ?? '')) return new PermanentError(text)
  if (blocked.has(answer.name ?? '')) return new KeyBlocked(text)
  const answered = status !== undefined && status >= 300 && status < 500
  // One 4xx after earlier tries says nothing about those; RequestTimeout comes after part of a body.
  const known = answered && attemptsOf(cause) === 1 && answer.name !== 'RequestTimeout'
  return known || isCredentials(answer)
    ? new NotStored(text, answer.name)
    : new StoreError(text, answer.name)
}

export function statusOf(cause: unknown): number | undefined {
  return (cause as Answer | undefined)?.$metadata?.httpStatusCode
}

/** How many requests the SDK has sent for the call. */
export function attemptsOf(cause: unknown): number {
  return (cause as Answer | undefined)?.$metadata?.attempts ?? 1
}

/** The same object will be refused for ever, whatever anybody configures. */
const never = new Set(['EntityTooLarge', 'KeyTooLongError', 'MetadataTooLarge'])

/** Where objects lie as files in folders (versitygw, MinIO): one is where this key needs a folder, or the other way. */
const blocked = new Set([
  'ObjectParentIsFile',
  'ExistingObjectIsDirectory',
  'XMinioParentIsObject',
  'XMinioObjectExistsAsDirectory'
])

function advice(answer: Answer, { bucket, region }: Place): string | undefined {
  if (isCredentials(answer)) {
    return 'no usable AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run with a role'
  }
  const there = answer.$response?.headers?.['x-amz-bucket-region']
  switch (answer.name) {
    case 'NoSuchBucket':
      return `bucket "${bucket}" does not exist: create it in ${region} or correct s3uploader::s3_bucket`
    case 'AccessDenied':
    case 'AllAccessDisabled':
      return `access denied: allow s3:PutObject on arn:aws:s3:::${bucket}/* (and the bucket's KMS key, where it has one)`
    case 'SignatureDoesNotMatch':
      return `bucket "${bucket}" refuses the signature: check the secret key and the clock; some S3-compatible stores need s3uploader::checksum: when_required`
    case 'InvalidAccessKeyId':
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return `bucket "${bucket}" refuses the credentials (${answer.name}): renew them`
    case 'RequestTimeTooSkewed':
      return `the clock of this machine ${difference(answer)}: set it`
    case 'PermanentRedirect':
    case 'TemporaryRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return wrongRegion(bucket, region, there)
    case 'ConditionalRequestConflict':
    case 'OperationAborted':
      return 'another request for this key was under way (409)'
    case 'BadDigest':
    case 'InvalidDigest':
    case 'XAmzContentSHA256Mismatch':
    case 'XAmzContentChecksumMismatch':
      return `the store received other bytes than were sent (${answer.name}); if it stays, s3uploader::checksum: when_required may help an S3-compatible store`
    case 'InvalidRequest':
      if (!/object ?lock/i.test(answer.message ?? '')) return undefined
      return `bucket "${bucket}" has no Object Lock: enable it, or take s3uploader::object_lock away`
    case 'NotImplemented':
      return 'the store does not know a header of the request (create-only, checksum, tags or ACL), 501'
  }
  if (statusOf(answer) === 301) return wrongRegion(bucket, region, there)
  if (statusOf(answer) === 400 && answer.name === 'Unknown') {
    return there === undefined
      ? `bucket "${bucket}" answers 400 and no reason: check s3uploader::region (${region}) and the credentials`
      : wrongRegion(bucket, region, there)
  }
  if (unreached.has(answer.code ?? '')) {
    return `${answer.message || answer.code}: check s3uploader::endpoint, AWS_ENDPOINT_URL and the network`
  }
  // The SDK calls a reset connection a TimeoutError too; its code says what it was.
  const ended = answer.name === 'TimeoutError' || answer.name === 'AbortError'
  return ended && typeof answer.code !== 'string' ? 'no answer in time' : undefined
}

/** The SDK signs the next request with the store's time; what we write down has ours. */
function difference({ $response }: Answer): string {
  const ahead = Date.parse($response?.headers?.date ?? '') - Date.now()
  if (Number.isNaN(ahead)) return 'differs too much from that of the store'
  return `is ${Math.round(Math.abs(ahead) / 1000)} s ${ahead > 0 ? 'behind' : 'ahead of'} that of the store`
}

/** No connection came about. */
const unreached = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EAI_AGAIN'
])

function wrongRegion(bucket: string, region: string, there: string | undefined): string {
  const is = there === undefined ? 'in another region' : `in ${there}`
  return `bucket "${bucket}" is ${is}, not in ${region}: set s3uploader::region`
}

const credentialErrors = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ProviderError'
])

function isCredentials({ name }: Answer): boolean {
  return credentialErrors.has(name ?? '')
}

function plain({ name, message, code, $metadata }: Answer): string {
  const status = $metadata?.httpStatusCode
  const what = [code ?? name, status, message].filter((part) => part !== undefined && part !== '')
  return [...new Set(what)].join(' ')
}
