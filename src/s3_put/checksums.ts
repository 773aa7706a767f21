import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc'
import { Refusal } from './refusal.ts'

type Digest = (body: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** What may follow `x-amz-checksum-`. The AWS SDK's own implementations where Node has none. */
const algorithms = new Map<string, Digest>([
  ['crc32', (body) => bigEndian(crc32(body))],
  ['crc32c', (body) => digestWith(new Crc32c(), body)],
  ['crc64nvme', (body) => digestWith(new Crc64Nvme(), body)],
  ['md5', (body) => createHash('md5').update(body).digest()],
  ['sha1', (body) => createHash('sha1').update(body).digest()],
  ['sha256', (body) => createHash('sha256').update(body).digest()],
  ['sha512', (body) => createHash('sha512').update(body).digest()]
])

const prefix = 'x-amz-checksum-'
/** Say something about a checksum and hold none. */
const about = new Set(['algorithm', 'type', 'mode'])

/** Checks a body against each `x-amz-checksum-*` among headers or trailers; rejects with a Refusal. */
export async function checkChecksums(
  body: Uint8Array,
  fields: Iterable<readonly [name: string, value: string]>
): Promise<void> {
  for (const [name, value] of fields) {
    if (!name.startsWith(prefix)) continue
    const algorithm = name.slice(prefix.length)
    if (about.has(algorithm)) continue
    const digest = algorithms.get(algorithm)
    if (digest === undefined) throw new Refusal('NotImplemented', `${name} cannot be checked here`)
    if (Buffer.from(await digest(body)).toString('base64') === value) continue
    throw new Refusal('BadDigest', `${name} is not that of the body`)
  }
}

/** Checks Content-MD5, when there is one, against the body's MD5. */
export function checkMd5(contentMd5: string | undefined, md5: Buffer): void {
  if (contentMd5 === undefined || contentMd5 === md5.toString('base64')) return
  throw /^[A-Za-z0-9+/]{22}==$/.test(contentMd5)
    ? new Refusal('BadDigest', 'Content-MD5 is not that of the body')
    : new Refusal('InvalidDigest', 'Content-MD5 is not the Base64 of 16 bytes')
}

interface Calculation {
  update(data: Uint8Array): void
  digest(): Promise<Uint8Array>
}

function digestWith(calculation: Calculation, body: Uint8Array): Promise<Uint8Array> {
  calculation.update(body)
  return calculation.digest()
}

function bigEndian(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
