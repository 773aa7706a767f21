import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readChunked, smallestChunk } from '../../src/s3_put/chunked.ts'
import { payloadOf } from '../../src/s3_put/payload.ts'
import { Refusal } from '../../src/s3_put/refusal.ts'

const chunk = (data: string | Buffer, size = Buffer.byteLength(data)) =>
  Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.from(data), Buffer.from('\r\n')])
const last = Buffer.from('0\r\n')
const end = Buffer.from('\r\n')
const full = 'x'.repeat(smallestChunk)

const read = (...parts: readonly (Buffer | string)[]) =>
  readChunked(Buffer.concat(parts.map((part) => Buffer.from(part))), 0)

describe('a chunked body', () => {
  test.each([
    ['no size', ['x\r\n'], 'IncompleteBody'],
    ['nothing', [], 'IncompleteBody'],
    ['a size that is too long', ['100000000\r\n'], 'IncompleteBody'],
    ['a negative size', ['-1\r\n'], 'IncompleteBody'],
    ['less data than it says', ['5\r\nabc\r\n', last, end], 'IncompleteBody'],
    ['more data than it says', ['2\r\nabc\r\n', last, end], 'IncompleteBody'],
    ['no last chunk', [chunk('abc')], 'IncompleteBody'],
    [
      'a small chunk before the last',
      [chunk('abc'), chunk('d'), last, end],
      'InvalidChunkSizeError'
    ],
    ['a trailer without a name', [last, ':x\r\n', end], 'MalformedTrailerError'],
    ['a trailer twice', [last, 'a:1\r\nA:2\r\n', end], 'MalformedTrailerError'],
    ['more than trailers behind it', [last, `a:${'x'.repeat(9000)}`], 'MalformedTrailerError']
  ])('with %s is refused', (_, parts, code) => {
    expect(() => read(...parts)).toThrow(expect.objectContaining({ code }))
  })

  test('is its chunks and what follows them', () => {
    const { chunks, bytes, trailers } = read(
      chunk(full),
      chunk('abc'),
      last,
      'X-A: 1\r\nb:2\r\n',
      end
    )
    expect(chunks.map(({ data }) => Buffer.from(data).toString())).toEqual([full, 'abc', ''])
    expect(bytes).toBe(smallestChunk + 3)
    expect([...trailers]).toEqual([
      ['x-a', '1'],
      ['b', '2']
    ])
  })

  test('of small ones is taken as far as it may have them', () => {
    const body = Buffer.concat([chunk('a'), chunk('b'), chunk('c'), last, end])
    expect(readChunked(body, 2).bytes).toBe(3)
    const code = 'InvalidChunkSizeError'
    expect(() => readChunked(body, 1)).toThrow(expect.objectContaining({ code }))
  })

  test('of any bytes is read or refused', () => {
    const piece = fc.oneof(
      fc.constantFrom('\r\n', '0\r\n', '3\r\nabc\r\n', ';chunk-signature=', 'a:b', 'ffffffff\r\n'),
      fc.string()
    )
    const property = fc.property(fc.array(piece), (pieces) => {
      const body = Buffer.from(pieces.join(''))
      try {
        expect(readChunked(body, 2).bytes).toBeLessThanOrEqual(body.length)
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal)
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe('what a chunked body must have', () => {
  const headers = (more: Record<string, string>) => ({
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    ...more
  })
  const checksum = { 'x-amz-trailer': 'x-amz-checksum-crc32' }
  // The CRC-32 of "abc" is 0x352441c2.
  const trailer = 'x-amz-checksum-crc32:NSRBwg==\r\n'

  test.each([
    ['the length announced', { 'x-amz-decoded-content-length': '4' }, '', 'IncompleteBody'],
    ['the trailer announced', checksum, '', 'MalformedTrailerError'],
    ['no trailer that was not announced', {}, trailer, 'MalformedTrailerError'],
    ['the checksum of its data', checksum, trailer.replace('N', 'O'), 'BadDigest']
  ])('is %s', async (_, more, trailing, code) => {
    const body = Buffer.concat([chunk('abc'), last, Buffer.from(trailing), end])
    await expect(payloadOf(body, headers(more), undefined)).rejects.toMatchObject({ code })
  })

  test('is nothing more than that', async () => {
    const body = Buffer.concat([chunk('abc'), last, Buffer.from(trailer), end])
    const more = { ...checksum, 'x-amz-decoded-content-length': '3' }
    const { bytes } = await payloadOf(body, headers(more), undefined)
    expect(Buffer.from(bytes).toString()).toBe('abc')
  })
})
