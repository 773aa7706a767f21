import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { onTestFinished } from 'vitest'
import { credentials } from '../archive/versitygw.ts'
import { plain } from '../e2e/records.ts'

export interface Stored {
  readonly key: string
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly bytes: Buffer
  /** The bytes without their compression. */
  readonly content: Buffer
}

/** A reader's own look at the bucket `logs`, through the AWS SDK and with nothing of ours. */
export function readerOf(endpoint: string) {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: credentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY
    }
  })
  onTestFinished(() => client.destroy())
  const seen = new Map<string, Stored>()

  async function keys(): Promise<string[]> {
    const found: string[] = []
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: 'logs' })) {
      found.push(...Contents.map(({ Key = '' }) => Key))
    }
    return found.filter((key) => !key.includes('/.auditcol/')).sort()
  }

  async function read(key: string): Promise<Stored> {
    const answer = await client.send(new GetObjectCommand({ Bucket: 'logs', Key: key }))
    const bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
    const { ContentType: contentType, ContentEncoding: contentEncoding } = answer
    return { key, contentType, contentEncoding, bytes, content: plain(bytes) }
  }

  return {
    /** All objects in the order of their keys. An object never changes: each is read once. */
    async objects(): Promise<Stored[]> {
      const all: Stored[] = []
      for (const key of await keys()) {
        const object = seen.get(key) ?? (await read(key))
        seen.set(key, object)
        all.push(object)
      }
      return all
    }
  }
}
