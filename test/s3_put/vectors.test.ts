import { describe, expect, test } from 'vitest'
import { payloadOf } from '../../src/s3_put/payload.ts'
import { createAuthenticate } from '../../src/s3_put/sender.ts'
import { targetOf } from '../../src/s3_put/target.ts'

/* The examples of the S3 API reference ("Signature Calculations for the Authorization Header"), which no code of ours has made. */

const key = {
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
}
const credential = `${key.access_key_id}/20130524/us-east-1/s3/aws4_request`
const then = Date.parse('2013-05-24T00:00:00Z')
const host = 'examplebucket.s3.amazonaws.com'
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const authenticate = createAuthenticate([key])

interface Example {
  readonly method?: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly signature?: string
}

function requestOf({ method = 'GET', url, headers, signature }: Example) {
  const date = url.includes('X-Amz-Date') ? {} : { 'x-amz-date': '20130524T000000Z' }
  const all: Record<string, string> = { ...headers, ...date }
  const names = Object.keys(all).sort().join(';')
  if (signature) {
    all.authorization = `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${names},Signature=${signature}`
  }
  const distinct = Object.entries(all).map(([name, value]) => [name, [value]])
  return { method, url, headers: all, headersDistinct: Object.fromEntries(distinct) }
}

function senderOf(example: Example, now = then) {
  const request = requestOf(example)
  return authenticate(request, targetOf(request.url, host, 's3.amazonaws.com'), now)
}

const examples: Record<string, Example> = {
  'GET of an object, with Range': {
    url: '/test.txt',
    headers: { host, range: 'bytes=0-9', 'x-amz-content-sha256': emptyHash },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'
  },
  'PUT of an object, with Date': {
    method: 'PUT',
    url: '/test%24file.text',
    headers: {
      host,
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY'
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd'
  },
  'a query without a value': {
    url: '/?lifecycle',
    headers: { host, 'x-amz-content-sha256': emptyHash },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'
  },
  'a query out of order': {
    url: '/?prefix=J&max-keys=2',
    headers: { host, 'x-amz-content-sha256': emptyHash },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'
  },
  'a presigned GET': {
    url: `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(credential)}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
    headers: { host }
  }
}

describe('the examples of AWS', () => {
  test.each(Object.entries(examples))('%s', async (_, example) => {
    expect((await senderOf(example)).accessKeyId).toBe(key.access_key_id)
    const flip = (text: string) =>
      text.replace(/[0-9a-f](?=$)/, (digit) => (digit === '0' ? '1' : '0'))
    const forged = example.signature
      ? { ...example, signature: flip(example.signature) }
      : { ...example, url: flip(example.url) }
    await expect(senderOf(forged)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
  })

  test('a request is good for 15 minutes before and after, a presigned one for as long as it says', async () => {
    const [signed, presigned] = [examples['a query out of order']!, examples['a presigned GET']!]
    const minute = 60_000
    await senderOf(signed, then + 15 * minute)
    await senderOf(signed, then - 15 * minute)
    const skewed = { code: 'RequestTimeTooSkewed' }
    await expect(senderOf(signed, then + 15 * minute + 1)).rejects.toMatchObject(skewed)
    await expect(senderOf(signed, then - 15 * minute - 1)).rejects.toMatchObject(skewed)
    await senderOf(presigned, then + 86_400_000)
    await expect(senderOf(presigned, then + 86_400_001)).rejects.toMatchObject({
      code: 'AccessDenied',
      message: 'the presigned request has expired'
    })
    await expect(senderOf(presigned, then - 15 * minute - 1)).rejects.toMatchObject(skewed)
  })
})

const chunks = (signatures: readonly string[]) =>
  Buffer.from(
    [65_536, 1024, 0]
      .map((size, n) => {
        const data = size > 0 ? `${'a'.repeat(size)}\r\n` : ''
        return `${size.toString(16)};chunk-signature=${signatures[n]}\r\n${data}`
      })
      .join('')
  )

const streaming: Record<string, { example: Example; body: Buffer; trailer: string }> = {
  'signed chunks': {
    example: {
      method: 'PUT',
      url: '/examplebucket/chunkObject.txt',
      headers: {
        host: 's3.amazonaws.com',
        'content-encoding': 'aws-chunked',
        'content-length': '66824',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'x-amz-decoded-content-length': '66560',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY'
      },
      signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
    },
    body: chunks([
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'
    ]),
    trailer: '\r\n'
  },
  'signed chunks and a signed trailer': {
    example: {
      method: 'PUT',
      url: '/examplebucket/chunkObject.txt',
      headers: {
        host: 's3.amazonaws.com',
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '66560',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-trailer': 'x-amz-checksum-crc32c'
      },
      signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
    },
    body: chunks([
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'
    ]),
    trailer:
      'x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n'
  }
}

describe('the streaming examples of AWS', () => {
  test.each(Object.entries(streaming))('%s', async (_, { example, body, trailer }) => {
    const sender = await senderOf({ ...example, url: '/examplebucket/chunkObject.txt' })
    const { headers } = requestOf(example)
    const whole = Buffer.concat([body, Buffer.from(trailer)])
    const { bytes } = await payloadOf(whole, headers, sender)
    expect(Buffer.from(bytes).equals(Buffer.alloc(66_560, 'a'))).toBe(true)
    const changed = Buffer.from(whole)
    changed[60_000] = 0x62
    await expect(payloadOf(changed, headers, sender)).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch'
    })
    if (trailer.length === 2) return
    const forged = Buffer.from(whole.toString('latin1').replace('7fe2e435', '7fe2e436'), 'latin1')
    await expect(payloadOf(forged, headers, sender)).rejects.toThrow(/signature of the trailer/)
  })
})
