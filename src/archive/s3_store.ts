import { type Connection, s3Connections } from './s3_connection.ts'
import { statusOf } from './s3_errors.ts'
import { s3Lock } from './s3_lock.ts'
import type { S3Limits, S3Options } from './s3_options.ts'
import { s3Put } from './s3_put.ts'
import { judgeReceipts } from './s3_receipts.ts'
import type { Store } from './store.ts'

/**
 * Stores of one client, by bucket. The SDK signs, retries and finds credentials; that the bytes
 * arrive once and whole is decided here.
 */
export function s3Stores(options: S3Options, limits: S3Limits): (bucket: string) => Store {
  const connect = s3Connections(options, limits)
  return (bucket) => s3Store(connect(bucket))
}

export function s3Store(connection: Connection): Store {
  const { name, target, limits } = connection
  const lock = s3Lock(connection)
  const receipts = judgeReceipts((text) => limits.notice?.(`${name}: ${text}`))

  async function head(key: string) {
    const answer = await connection.look(`looking at ${name}/${key}`, ({ sdk, client }, soon) =>
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
    return await connection.look(`reading ${name}/${key}`, async ({ sdk, client }, soon) => {
      const answer = await client.send(new sdk.GetObjectCommand({ ...target, Key: key }), soon)
      return await answer.Body?.transformToByteArray()
    })
  }

  async function* list(prefix: string, after?: string): AsyncIterable<string> {
    const query = { ...target, Prefix: prefix, ...(after && { StartAfter: after }) }
    let more: string | undefined
    do {
      const page = await connection.look(`listing ${name}/${prefix}`, ({ sdk, client }, soon) =>
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
  async function reach() {
    try {
      await connection.within(({ sdk, client }, soon) =>
        client.send(new sdk.HeadBucketCommand(target), soon)
      )
    } catch (cause) {
      const status = statusOf(cause)
      if (status === 403) return
      // A HEAD has no body that would say so.
      const error =
        status === 404 ? { name: 'NoSuchBucket', $metadata: { httpStatusCode: 404 } } : cause
      throw connection.explain(error, `reaching ${name}`)
    }
  }

  return {
    name,
    create: s3Put(connection, lock, receipts),
    confirm: async (key) => {
      receipts.trust(key)
      await lock.confirm(key)
    },
    head,
    read,
    list,
    reach,
    close: () => void connection.open().then(({ client }) => client.destroy())
  }
}
