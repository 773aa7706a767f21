import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rangeChecksum, seedOf } from '../../src/journal/range_checksum.ts'

test('the checksum of every stretch is that of zlib', () => {
  const bytes = randomBytes(5000)
  const checksum = rangeChecksum(bytes)
  fc.assert(
    fc.property(fc.nat(5000), fc.nat(5000), fc.nat(0xffffffff), (a, b, seed) => {
      const first = Math.min(a, b)
      const end = Math.max(a, b)
      expect(checksum(first, end, seed)).toBe(crc32(bytes.subarray(first, end), seed))
    })
  )
})

test('run backwards it gives the seed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(0xffffffff), (bytes, seed) => {
      expect(seedOf(bytes, crc32(bytes, seed))).toBe(seed)
    })
  )
})
