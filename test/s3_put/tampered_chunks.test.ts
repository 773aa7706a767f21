import { expect, test } from 'vitest'
import { crcOf, signedChunks, unsignedChunk } from './chunk_signer.ts'
import type { Request } from './start.ts'
import { body, change, otherDigit, type Row, refused } from './tamper.ts'

/** Of a few chunks. */
const long = JSON.stringify({ text: 'x'.repeat(20_000) })

const ofSignedChunks: readonly Row[] = [
  ['a changed chunk', body('xxx', 'xyx'), 403, 'SignatureDoesNotMatch'],
  [
    'a changed signature of a chunk',
    body(/(?<=signature=)./, otherDigit),
    403,
    'SignatureDoesNotMatch'
  ],
  ['the first two chunks changed over', changedOver, 403, 'SignatureDoesNotMatch'],
  ['a chunk without a signature', body(/;chunk-signature=\w+/, ''), 403, 'SignatureDoesNotMatch'],
  ['a chunk left out', body(/^.*?\r\n.*?\r\n/s, ''), 400, 'IncompleteBody'],
  ['the last chunk cut off', body(/(?<=\r\n)0;chunk-signature.*$/s, ''), 400, 'IncompleteBody'],
  [
    'another checksum in the trailer',
    body(/crc32:\S+/, 'crc32:AAAAAA=='),
    403,
    'SignatureDoesNotMatch'
  ],
  ['no trailer', body(/x-amz-checksum.*$/s, '\r\n'), 403, 'SignatureDoesNotMatch'],
  [
    'no signature of the trailer',
    body(/x-amz-trailer-signature.*\r\n/, ''),
    403,
    'SignatureDoesNotMatch'
  ]
]

const ofUnsignedChunk: readonly Row[] = [
  ['changed data', body('xxx', 'xyx'), 400, 'BadDigest'],
  ['another checksum', body(/crc32:\S+/, `crc32:${crcOf('other')}`), 400, 'BadDigest'],
  ['no checksum', body(/x-amz-checksum.*\r\n/, ''), 400, 'MalformedTrailerError'],
  ['a checksum that was not announced', body('-crc32:', '-crc32c:'), 400, 'MalformedTrailerError'],
  [
    'another length',
    (r) => change(r, { 'x-amz-decoded-content-length': '1' }),
    403,
    'SignatureDoesNotMatch'
  ],
  ['data cut short', body(/x{100}/, ''), 400, 'IncompleteBody']
]

/** Both are of one size, and each keeps its own signature. */
function changedOver(request: Request): Request {
  const [first, second, ...rest] = String(request.body).split(/(?<=^|\r\n)(?=[0-9a-f]+;chunk)/)
  return { ...request, body: [second, first, ...rest].join('') }
}

test.each(ofSignedChunks)('signed chunks with %s are refused', async (_, tamper, status, code) => {
  const answer = await refused((address) => signedChunks(long, address), tamper)
  expect(answer).toMatchObject({ status, code })
})

test.each(ofUnsignedChunk)(
  'unsigned chunks with %s are refused',
  async (_, tamper, status, code) => {
    const answer = await refused((address) => unsignedChunk(long, address), tamper)
    expect(answer).toMatchObject({ status, code })
  }
)
