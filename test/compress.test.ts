import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compress } from '../src/compress.ts'

const small = Array.from({ length: 5000 }, (_, at) => Buffer.from(`{"record":${at}}\n`))
const mixed = [...small, Buffer.alloc(700_000, 'large '), ...small]

test.for([
  ['none', 'small pieces', small],
  ['none', 'no pieces', []],
  ['gzip', 'small pieces', small],
  ['gzip', 'small and large pieces', mixed],
  ['zstd', 'small pieces', small],
  ['zstd', 'small and large pieces', mixed]
] as const)('%s of %s opens to the same bytes', async ([compression, , pieces]) => {
  const body = await compress(pieces, compression)
  const open = { none: (bytes: Uint8Array) => bytes, gzip: gunzipSync, zstd: zstdDecompressSync }
  expect(Buffer.from(open[compression](body)).equals(Buffer.concat([...pieces]))).toBe(true)
})

test('a zstd frame carries its own checksum: damage is found without us', async () => {
  const body = Buffer.from(await compress([Buffer.from('a'.repeat(100))], 'zstd'))
  body[body.length - 1]! ^= 1
  expect(() => zstdDecompressSync(body)).toThrow()
})

test('a higher level compresses better', async () => {
  const line = (_: unknown, at: number) =>
    `user-${at % 97} did ${(at * at) % 31} to key-${(at * 31) % 1009} of team-${at % 7}\n`
  const text = Array.from({ length: 20_000 }, line).join('')
  for (const compression of ['gzip', 'zstd'] as const) {
    const fast = await compress([Buffer.from(text)], compression, 1)
    const slow = await compress([Buffer.from(text)], compression, 9)
    expect(slow.length).toBeLessThan(fast.length)
  }
})

test('an error of the marshaler rejects', async () => {
  function* broken(): Generator<Uint8Array> {
    yield Buffer.from('x')
    throw new Error('damaged record')
  }
  for (const compression of ['none', 'zstd'] as const) {
    await expect(compress(broken(), compression)).rejects.toThrow('damaged record')
  }
})
