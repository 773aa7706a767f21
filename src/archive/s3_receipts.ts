import { createHash } from 'node:crypto'
import type { PutObjectCommandOutput } from '@aws-sdk/client-s3'
import type { StoredObject } from './store.ts'

/** Judges what a store says of an object that it has just taken. */
export interface Receipts {
  /** Whether a 200 speaks of other bytes than ours. */
  doubts(answer: PutObjectCommandOutput, key: string, object: StoredObject): boolean
  /** An object turned out to be ours: if its ETag was doubted, this store's ETags mean something else. */
  trust(key: string): void
}

/**
 * AWS repeats the SHA-256 that came with the PUT, and then nothing else counts. An ETag is the MD5
 * unless KMS encrypts the object; some stores have ETags of their own kind, so a wrong one is a doubt
 * and no proof, and once one was unfounded no further ones are raised.
 */
export function judgeReceipts(notice: (text: string) => void): Receipts {
  const doubted = new Set<string>()
  let meaningless = false

  return {
    doubts: (answer, key, object) => {
      if (answer.ChecksumSHA256 !== undefined) {
        return answer.ChecksumSHA256 !== Buffer.from(object.sha256).toString('base64')
      }
      if (meaningless || isRight(answer, object.body)) return false
      doubted.add(key)
      return true
    },
    trust: (key) => {
      if (!doubted.delete(key) || meaningless) return
      meaningless = true
      notice('its ETags are not the MD5 of the objects: they are not compared any more')
    }
  }
}

function isRight({ ETag = '', ServerSideEncryption }: PutObjectCommandOutput, body: Uint8Array) {
  const md5 = /^"?([0-9a-f]{32})"?$/.exec(ETag)?.[1]
  const plain = ServerSideEncryption === undefined || ServerSideEncryption === 'AES256'
  const own = md5 !== undefined && plain ? md5Of(body) : undefined
  return own === undefined || own === md5
}

/** Undefined where the machine's policy forbids MD5 (FIPS): then the ETag cannot be judged. */
function md5Of(body: Uint8Array): string | undefined {
  try {
    return createHash('md5').update(body).digest('hex')
  } catch {
    return undefined
  }
}
