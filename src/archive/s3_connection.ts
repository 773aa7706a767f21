import type { S3Client } from '@aws-sdk/client-s3'
import { explained, statusOf } from './s3_errors.ts'
import type { S3Limits, S3Options } from './s3_options.ts'
import { NoReadRight } from './store.ts'
import { unlessAborted } from './unless_aborted.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

/** The SDK and its client, loaded at the first call: an archive in a directory starts without its 30 MB. */
export interface Opened {
  readonly sdk: Sdk
  readonly client: S3Client
}

export type Send<T> = (opened: Opened, soon: { abortSignal: AbortSignal }) => Promise<T>

/** A bucket and the way to it. */
export interface Connection {
  /** `s3://bucket`. */
  readonly name: string
  readonly options: S3Options
  readonly limits: S3Limits
  /** What every request carries. */
  readonly target: { readonly Bucket: string; readonly ExpectedBucketOwner?: string }
  open(): Promise<Opened>
  /** A short call with a deadline; rejects with the SDK's own error. */
  within<T>(send: Send<T>): Promise<T>
  /** The same for reading: undefined when there is no such thing, a NoReadRight when it is denied. */
  look<T>(doing: string, send: Send<T>): Promise<T | undefined>
  /** An error of ours for one of the SDK's. */
  explain(cause: unknown, doing: string): Error
}

/** Longer than S3 takes to list a thousand keys; nothing durable waits for these calls. */
const lookTimeout = 30_000

/** Connections of one client, by bucket. */
export function s3Connections(
  options: S3Options,
  limits: S3Limits
): (bucket: string) => Connection {
  let opening: Promise<Opened> | undefined
  const open = () => (opening ??= openClient(options, limits))

  return (bucket) => {
    const owner = options.expected_bucket_owner

    async function within<T>(send: Send<T>): Promise<T> {
      const abortSignal = AbortSignal.timeout(lookTimeout)
      return await unlessAborted(send(await open(), { abortSignal }), abortSignal)
    }

    async function look<T>(doing: string, send: Send<T>) {
      try {
        return await within(send)
      } catch (cause) {
        const status = statusOf(cause)
        if (status === 404 && (cause as Error).name !== 'NoSuchBucket') return undefined
        if (status === 403) throw new NoReadRight(`${doing}: reading is denied`)
        throw explain(cause, doing)
      }
    }

    function explain(cause: unknown, doing: string) {
      return explained(cause, { doing, bucket, region: options.region })
    }

    return {
      name: `s3://${bucket}`,
      options,
      limits,
      target: { Bucket: bucket, ...(owner && { ExpectedBucketOwner: owner }) },
      open,
      within,
      look,
      explain
    }
  }
}

async function openClient(options: S3Options, limits: S3Limits): Promise<Opened> {
  const [sdk, { createS3Client }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('./s3_client.ts')
  ])
  return { sdk, client: await createS3Client(options, limits) }
}
