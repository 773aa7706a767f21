import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { z } from 'zod'
import { compress } from '../compress.ts'

const names = ['none', '', 'gzip', 'zstd', 'zlib', 'deflate'] as const
const foreign = new Set(['snappy', 'x-snappy-framed', 'lz4'])

export const compression = z
  .enum(names, {
    error: ({ input }) =>
      foreign.has(String(input))
        ? `compression ${input} is not supported: use gzip or zstd`
        : `unsupported compression type "${input}" (valid values: [gzip zstd zlib deflate none])`
  })
  .default('gzip')
  .transform((name) => name || 'none')

export type BodyCompression = Exclude<(typeof names)[number], ''>

/** The pieces compressed on the thread pool, or as they are: nothing is copied then. */
export async function requestBody(
  pieces: readonly Uint8Array[],
  how: BodyCompression,
  level: number | undefined
): Promise<readonly Uint8Array[]> {
  if (how === 'none') return pieces
  if (how === 'gzip' || how === 'zstd') return [await compress(pieces, how, level)]
  // `deflate` in HTTP is the zlib format (RFC 9110, 8.4.1.2), which the Collector also calls zlib.
  return [await promisify(deflate)(Buffer.concat(pieces), level === undefined ? {} : { level })]
}
