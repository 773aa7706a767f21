import { crc32 } from 'node:zlib'

/** Bytes between two remembered checksums: 4 bytes of memory each, and at most this much is summed again for an answer. */
const stride = 256

/**
 * crc32 of any stretch of `bytes`, for the price of one pass over all of them. A search for frames
 * tries every place that looks like one, and a hostile tail may be made of headers that each claim
 * the whole rest: summed one by one they would cost the square of its length.
 */
export function rangeChecksum(
  bytes: Uint8Array
): (first: number, end: number, seed: number) => number {
  const known = new Uint32Array(Math.floor(bytes.length / stride) + 1)
  known[0] = emptyRegister
  for (let i = 1; i < known.length; i++) {
    known[i] = crc32(bytes.subarray((i - 1) * stride, i * stride), known[i - 1])
  }
  /** The checksum's register after the first `length` bytes, begun with zero. */
  const registerAt = (length: number) => {
    const index = Math.floor(length / stride)
    return ~crc32(bytes.subarray(index * stride, length), known[index])
  }
  return (first, end, seed) => {
    const begun = ~seed ^ registerAt(first)
    return ~(shifted(begun, end - first) ^ registerAt(end)) >>> 0
  }
}

/** zlib gives and takes the complement of the register, which is zero for this. */
const emptyRegister = 0xffffffff

/** crc32's polynomial, its lowest power in the highest bit; so are all registers. */
const polynomial = 0xedb88320

/** The factors for 1, 2, 4, ... zero bytes: x^8, x^16, x^32, ... modulo the polynomial. */
const factors: number[] = [1 << 23]
for (let i = 1; i < 48; i++) factors.push(product(factors[i - 1]!, factors[i - 1]!))

/** A register after so many zero bytes more. */
function shifted(register: number, length: number): number {
  let result = register
  for (let i = 0, rest = length; rest > 0; i++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = product(result, factors[i]!)
  }
  return result
}

/** Product of two polynomials over GF(2), modulo crc32's. */
function product(a: number, b: number): number {
  let sum = 0
  let factor = b
  for (let rest = a; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= factor
    factor = factor & 1 ? (factor >>> 1) ^ polynomial : factor >>> 1
  }
  return sum
}

/**
 * The seed with which `bytes` have this checksum: crc32 run backwards. Tells a segment's salt from
 * any whole frame when the salt itself does not read.
 */
export function seedOf(bytes: Uint8Array, checksum: number): number {
  let register = ~checksum
  for (let i = bytes.length - 1; i >= 0; i--) {
    for (let bit = 0; bit < 8; bit++) {
      register = register < 0 ? ((register ^ polynomial) << 1) | 1 : register << 1
    }
    register ^= bytes[i]!
  }
  return ~register >>> 0
}
