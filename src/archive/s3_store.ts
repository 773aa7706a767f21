import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import { PermanentError } from '../component.ts'
import { attemptsOf, explained, statusOf } from './s3_errors.ts'
import type { S3Limits, S3Options } from './s3_options.ts'
import { NoReadRight, type Store, type StoredObject } from './store.ts'
import { unlessAborted } from './unless_aborted.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

/** Longer than S3 takes to list a thousand keys; nothing durable waits for these calls. */
const lookTimeout = 30_000
const mebibyte = 2 ** 20
/** A timer of more milliseconds would go off at once. */
const longestTimeout = 2 ** 31 - 1
/** S3's limit for one PUT. We never use a multipart upload: its SHA-256 is not the object's. */
const largest = 5 * 2 ** 30

/**
 * Stores of one client, by bucket. The SDK is loaded at the first call, so that an archive in a
 * directory starts without its 30 MB. It signs, retries and finds credentials; that the bytes
 * arrive once and whole is decided here.
 */
export function s3Stores(options: S3Options, limits: S3Limits): (bucket: string) => Store {
  let opening: Promise<Opened> | undefined
  const open = () => (opening ??= openClient(options, limits))
  return (bucket) => s3Store(bucket, { options, limits, open })
}

async function openClient(options: S3Options, limits: S3Limits): Promise<Opened> {
  const [sdk, { createS3Client }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('./s3_client.ts')
  ])
  return { sdk, client: await createS3Client(options, limits) }
}

interface Opened {
  readonly sdk: Sdk
  readonly client: S3Client
}

type Send<T> = (opened: Opened, soon: { abortSignal: AbortSignal }) => Promise<T>

interface Connection {
  readonly options: S3Options
  readonly limits: S3Limits
  readonly open: () => Promise<Opened>
}

function s3Store(bucket: string, { options, limits, open }: Connection): Store {
  const name = `s3://${bucket}`
  const owner = options.expected_bucket_owner
  const target = { Bucket: bucket, ...(owner && { ExpectedBucketOwner: owner }) }
  const fixed = { ...target, ...fixedHeaders(options) }

  async function create(key: string, object: StoredObject, signal?: AbortSignal) {
    const doing = `storing ${name}/${key}`
    if (object.body.length > largest) {
      throw new PermanentError(
        `${doing}: ${object.body.length} bytes, more than the 5 GiB of a PUT`
      )
    }
    const { sdk, client } = await open()
    const command = new sdk.PutObjectCommand({
      ...fixed,
      Key: key,
      Body: object.body,
      ContentLength: object.body.length,
      ContentType: object.contentType,
      ...(object.contentEncoding && { ContentEncoding: object.contentEncoding }),
      IfNoneMatch: '*',
      ...(await checksum(client, object.sha256))
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
      return 'created'
    } catch (cause) {
      signal?.throwIfAborted()
      if (statusOf(cause) === 412) return attemptsOf(cause) > 1 ? 'unsure' : 'exists'
      throw explained(cause, { doing, bucket, region: options.region })
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

  async function head(key: string) {
    const answer = await look(`looking at ${name}/${key}`, ({ sdk, client }, soon) =>
      client.send(new sdk.HeadObjectCommand({ ...target, Key: key, ChecksumMode: 'ENABLED' }), soon)
    )
    if (answer?.ContentLength === undefined) return undefined
    const { ChecksumSHA256: sha256, ContentLength: size } = answer
    // A multipart upload's value is `<hash of hashes>-<parts>`, not the object's.
    return sha256 === undefined || sha256.includes('-')
      ? { size }
      : { size, sha256: Buffer.from(sha256, 'base64') }
  }

  async function read(key: string) {
    return await look(`reading ${name}/${key}`, async ({ sdk, client }, soon) => {
      const answer = await client.send(new sdk.GetObjectCommand({ ...target, Key: key }), soon)
      return await answer.Body?.transformToByteArray()
    })
  }

  async function* list(prefix: string, after?: string): AsyncIterable<string> {
    const query = { ...target, Prefix: prefix, ...(after && { StartAfter: after }) }
    let more: string | undefined
    do {
      const page = await look(`listing ${name}/${prefix}`, ({ sdk, client }, soon) =>
        client.send(
          // XML cannot hold every character of a key.
          new sdk.ListObjectsV2Command({
            ...query,
            EncodingType: 'url',
            ...(more && { ContinuationToken: more })
          }),
          soon
        )
      )
      for (const { Key: key = '' } of page?.Contents ?? []) {
        yield page?.EncodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key
      }
      more = page?.IsTruncated ? page.NextContinuationToken : undefined
    } while (more !== undefined)
  }

  /** 403 is an answer too: writing needs no right to look at the bucket. */
  async function probe() {
    try {
      await within(lookTimeout, ({ sdk, client }, soon) =>
        client.send(new sdk.HeadBucketCommand(target), soon)
      )
    } catch (cause) {
      const status = statusOf(cause)
      if (status === 403) return
      // A HEAD has no body that would say so.
      const error =
        status === 404 ? { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } } : cause
      throw explained(error, { doing: `reaching ${name}`, bucket, region: options.region })
    }
  }

  async function look<T>(doing: string, send: Send<T>) {
    try {
      return await within(lookTimeout, send)
    } catch (cause) {
      const status = statusOf(cause)
      if (status === 404 && (cause as Error).name !== 'NoSuchBucket') return undefined
      if (status === 403) throw new NoReadRight(`${doing}: reading is denied`)
      throw explained(cause, { doing, bucket, region: options.region })
    }
  }

  async function within<T>(milliseconds: number, send: Send<T>): Promise<T> {
    const abortSignal = AbortSignal.timeout(milliseconds)
    return await unlessAborted(send(await open(), { abortSignal }), abortSignal)
  }

  return {
    name,
    create,
    head,
    read,
    list,
    probe,
    close: () => void open().then(({ client }) => client.destroy())
  }
}

/**
 * The algorithm as well as the value: Object Lock asks for the header that only the first sets. Some
 * S3-compatible stores refuse both; there the hash in the signature covers the bytes.
 */
async function checksum(client: S3Client, sha256: Uint8Array) {
  if ((await client.config.requestChecksumCalculation()) === 'WHEN_REQUIRED') return {}
  return {
    ChecksumAlgorithm: 'SHA256' as const,
    ChecksumSHA256: Buffer.from(sha256).toString('base64')
  }
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
