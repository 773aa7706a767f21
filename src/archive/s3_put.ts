import { createHash } from 'node:crypto'
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import { PermanentError } from '../component.ts'
import { longestTimeout } from '../deadline.ts'
import type { Connection } from './s3_connection.ts'
import { attemptsOf, statusOf } from './s3_errors.ts'
import type { S3Lock } from './s3_lock.ts'
import type { S3Options } from './s3_options.ts'
import type { Receipts } from './s3_receipts.ts'
import type { Store, StoredObject } from './store.ts'
import { unlessAborted } from './unless_aborted.ts'

const mebibyte = 2 ** 20
/** S3's limit for one PUT. We never use a multipart upload: its SHA-256 is not the object's. */
const largest = 5 * 2 ** 30

/** Creates objects in a bucket: one PUT each, create-only, signed and checked with the SHA-256 we have. */
export function s3Put(connection: Connection, lock: S3Lock, receipts: Receipts): Store['create'] {
  const { name, options, limits, target } = connection
  const fixed = { ...target, ...fixedHeaders(options) }

  async function create(key: string, object: StoredObject, signal?: AbortSignal) {
    const doing = `storing ${name}/${key}`
    if (object.body.length > largest) {
      throw new PermanentError(
        `${doing}: ${object.body.length} bytes, more than the 5 GiB of a PUT`
      )
    }
    const { sdk, client } = await connection.open()
    const locks = lock.headers(client)
    const command = new sdk.PutObjectCommand({
      ...fixed,
      Key: key,
      Body: object.body,
      ContentLength: object.body.length,
      ...contentOf(object),
      IfNoneMatch: '*',
      ...locks,
      ...(await checksum(client, object, options))
    })
    // Signed with the hash we have, instead of a second one of the whole body on the main thread.
    const hash = Buffer.from(object.sha256).toString('hex')
    command.middlewareStack.add(
      (next) => async (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers['x-amz-content-sha256'] = hash
        return await next(args)
      },
      { step: 'build', name: 'signedHash' }
    )
    const abortSignal = deadline(object.body, signal)
    try {
      const answer = await unlessAborted(client.send(command, { abortSignal }), abortSignal)
      if (answer.ETag === undefined) throw new Error(`${doing}: answered 200 without an ETag`)
      lock.taken(key, locks)
      return receipts.doubts(answer, key, object) ? 'doubtful' : 'created'
    } catch (cause) {
      signal?.throwIfAborted()
      if (statusOf(cause) === 412) return attemptsOf(cause) > 1 ? 'unsure' : 'exists'
      throw connection.explain(cause, doing)
    }
  }

  /**
   * A hung server is left after `timeout`; a large object gets the time that it needs. The SDK heeds
   * a signal only once it has credentials, and those can hang as well: hence unlessAborted.
   */
  function deadline(body: Uint8Array, signal?: AbortSignal) {
    const signals = signal === undefined ? [] : [signal]
    const milliseconds = Math.ceil(limits.timeout + (body.length / mebibyte) * 1000)
    if (limits.timeout > 0)
      signals.push(AbortSignal.timeout(Math.min(milliseconds, longestTimeout)))
    return AbortSignal.any(signals)
  }

  return create
}

/**
 * The algorithm as well as the value: Object Lock asks for the header that only the first sets. Some
 * S3-compatible stores refuse both; there the hash in the signature covers the bytes, and Object
 * Lock, which wants something in any case, gets the older Content-MD5.
 */
async function checksum(
  client: S3Client,
  { body, sha256 }: StoredObject,
  { object_lock }: S3Options
): Promise<Partial<PutObjectCommandInput>> {
  if ((await client.config.requestChecksumCalculation()) === 'WHEN_REQUIRED') {
    if (object_lock === undefined) return {}
    return { ContentMD5: createHash('md5').update(body).digest('base64') }
  }
  return { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: Buffer.from(sha256).toString('base64') }
}

function contentOf({ contentType, contentEncoding, content }: StoredObject) {
  const { type = contentType, language, disposition, cacheControl, encoding } = content ?? {}
  const encodings = [encoding, contentEncoding].filter((name) => name !== undefined)
  return {
    ContentType: type,
    ...(encodings.length > 0 && { ContentEncoding: encodings.join(',') }),
    ...(language !== undefined && { ContentLanguage: language }),
    ...(disposition !== undefined && { ContentDisposition: disposition }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl })
  } satisfies Partial<PutObjectCommandInput>
}

/** What every object of the exporter has in common. */
function fixedHeaders(options: S3Options): Partial<PutObjectCommandInput> {
  const { acl, storage_class, sse, tags, metadata } = options
  const headers: Partial<PutObjectCommandInput> = {
    StorageClass: storage_class as NonNullable<PutObjectCommandInput['StorageClass']>
  }
  if (acl !== undefined) headers.ACL = acl as NonNullable<PutObjectCommandInput['ACL']>
  if (tags !== undefined) headers.Tagging = new URLSearchParams(tags).toString()
  if (metadata !== undefined) headers.Metadata = { ...metadata }
  if (sse === undefined) return headers
  headers.ServerSideEncryption = sse.type === 's3' ? 'AES256' : 'aws:kms'
  if (sse.type === 's3') return headers
  if (sse.kms_key_id !== undefined) headers.SSEKMSKeyId = sse.kms_key_id
  if (sse.bucket_key !== undefined) headers.BucketKeyEnabled = sse.bucket_key
  return headers
}
