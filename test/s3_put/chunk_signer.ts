import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { credentials, litellmPut, type Request, signed } from './start.ts'

/* Signed chunks as Amazon's documentation has them, written without a line of ours that reads them. */

const chunkBytes = 8 * 1024

/** Data in signed chunks of 8 KiB, with a signed trailer that has its CRC-32. */
export async function signedChunks(data: string, address: string): Promise<Request> {
  const request = await signed(
    chunkedPut(data, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'),
    address
  )
  const date = request.headers['x-amz-date']!
  const sign = signerOf(date)
  let before = request.headers.authorization!.slice(-64)
  const pieces: string[] = []
  for (let at = 0; at < data.length + chunkBytes; at += chunkBytes) {
    const piece = data.slice(at, at + chunkBytes)
    before = sign('PAYLOAD', before, sha256(''), sha256(piece))
    pieces.push(`${piece.length.toString(16)};chunk-signature=${before}\r\n`)
    if (piece === '') break
    pieces.push(`${piece}\r\n`)
  }
  const checksum = `x-amz-checksum-crc32:${crcOf(data)}`
  const last = sign('TRAILER', before, sha256(`${checksum}\n`))
  return {
    ...request,
    body: `${pieces.join('')}${checksum}\r\nx-amz-trailer-signature:${last}\r\n\r\n`
  }
}

/** Data in one chunk that is not signed, with its CRC-32 in a trailer that is not either. */
export async function unsignedChunk(data: string, address: string): Promise<Request> {
  const put = chunkedPut(data, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
  const body = `${data.length.toString(16)}\r\n${data}\r\n0\r\nx-amz-checksum-crc32:${crcOf(data)}\r\n\r\n`
  return { ...(await signed(put, address)), body }
}

function chunkedPut(data: string, signing: string): Request {
  const { headers, ...put } = litellmPut(data)
  const { 'content-md5': _, ...kept } = headers
  return {
    ...put,
    headers: {
      ...kept,
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': signing,
      'x-amz-decoded-content-length': `${data.length}`,
      'x-amz-trailer': 'x-amz-checksum-crc32'
    }
  }
}

export function crcOf(data: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(data))
  return bytes.toString('base64')
}

function signerOf(date: string) {
  const day = date.slice(0, 8)
  const key = [day, 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`
  )
  return (kind: string, ...parts: readonly string[]) => {
    const scope = `${day}/us-east-1/s3/aws4_request`
    const text = [`AWS4-HMAC-SHA256-${kind}`, date, scope, ...parts].join('\n')
    return createHmac('sha256', key).update(text).digest('hex')
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
