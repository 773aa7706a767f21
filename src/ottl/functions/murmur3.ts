/* MurmurHash3 with seed 0 (x86 32 bits, x64 128 bits), little-endian as hex digits. */

const mask = 0xffffffffffffffffn

export function murmur32(text: string): string {
  const bytes = Buffer.from(text)
  const blocks = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < blocks; at += 4) {
    hash ^= scramble(bytes.readInt32LE(at))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = bytes.length - 1; at >= blocks; at--) tail = (tail << 8) | bytes[at]!
  hash ^= scramble(tail) ^ bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  const out = Buffer.alloc(4)
  out.writeInt32LE(hash ^ (hash >>> 16))
  return out.toString('hex')
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

const c1 = 0x87c37b91114253d5n
const c2 = 0x4cf5ad432745937fn

export function murmur128(text: string): string {
  const bytes = Buffer.from(text)
  const padded = Buffer.concat([bytes, Buffer.alloc(16)])
  const blocks = bytes.length & ~15
  let h1 = 0n
  let h2 = 0n
  for (let at = 0; at < blocks; at += 16) {
    h1 ^= first(padded.readBigUInt64LE(at))
    h1 = ((rotated(h1, 27n) + h2) * 5n + 0x52dce729n) & mask
    h2 ^= second(padded.readBigUInt64LE(at + 8))
    h2 = ((rotated(h2, 31n) + h1) * 5n + 0x38495ab5n) & mask
  }
  h1 ^= first(padded.readBigUInt64LE(blocks))
  h2 ^= second(padded.readBigUInt64LE(blocks + 8))
  const length = BigInt(bytes.length)
  h1 = ((h1 ^ length) + (h2 ^ length)) & mask
  h2 = ((h2 ^ length) + h1) & mask
  h1 = finished(h1)
  h2 = finished(h2)
  h1 = (h1 + h2) & mask
  const out = Buffer.alloc(16)
  out.writeBigUInt64LE(h1)
  out.writeBigUInt64LE((h2 + h1) & mask, 8)
  return out.toString('hex')
}

function first(block: bigint): bigint {
  return (rotated((block * c1) & mask, 31n) * c2) & mask
}

function second(block: bigint): bigint {
  return (rotated((block * c2) & mask, 33n) * c1) & mask
}

function rotated(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & mask
}

function finished(value: bigint): bigint {
  let mixed = ((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn) & mask
  mixed = ((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n) & mask
  return mixed ^ (mixed >> 33n)
}
