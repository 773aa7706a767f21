import zlib, { type ZlibOptions, type ZstdOptions } from 'node:zlib'
import { type Answer, exhausted, invalid, tooLarge } from './answers.ts'
import type { HeldBytes, Share } from './held_bytes.ts'

export type Compression = 'gzip' | 'zstd' | 'zlib' | 'deflate'

export interface DecompressOptions {
  /** Largest result. */
  readonly limit: number
  readonly held: HeldBytes
  readonly share: Share
}

/**
 * Up to here a body is decompressed at once, on this thread: a thread pool round trip per chunk
 * would cost more than the work (one 16 KiB zstd body of audit records: 0.2 ms). A bomb of this
 * size costs some 20 ms.
 */
const atOnceMax = 16 * 1024

/**
 * Decompresses a body whose compressed bytes the share has. On success the share has the result's
 * bytes instead. Truncated input and junk behind the end are errors: a body that loses its tail
 * could still be valid OTLP with fewer records.
 */
export function decompress(
  body: Uint8Array,
  compression: Compression,
  options: DecompressOptions,
  done: (result: Uint8Array | Answer) => void
): void {
  if (body.length <= atOnceMax) done(decompressAtOnce(body, compression, options))
  else decompressAside(body, compression, options, done)
}

/** The answer of a refused body has a code, bytes have none. */
export function isAnswer(result: Uint8Array | Answer): result is Answer {
  return 'code' in result
}

function decompressAtOnce(
  body: Uint8Array,
  compression: Compression,
  { limit, held, share }: DecompressOptions
): Uint8Array | Answer {
  let result: Uint8Array
  try {
    result = engines[compression].atOnce(body, limit)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      ? tooLarge(limit)
      : badCompression(compression, error)
  }
  share.give(body.length)
  return share.take(result.length) ? result : exhausted(held.max)
}

/**
 * So many at once; further bodies wait compressed. Each has a window (zstd's as large as its output,
 * up to 32 MiB) that no share counts, and hundreds side by side would take each other's room until
 * hardly one finds any. Two decompress faster than this thread checks the results.
 */
export const asideMax = 2
let aside = 0
const waiting: (() => void)[] = []

function decompressAside(
  body: Uint8Array,
  compression: Compression,
  options: DecompressOptions,
  done: (result: Uint8Array | Answer) => void
): void {
  if (aside === asideMax) {
    waiting.push(() => decompressAside(body, compression, options, done))
    return
  }
  aside++
  decompressInSteps(body, compression, options, (result) => {
    aside--
    waiting.shift()?.()
    done(result)
  })
}

function decompressInSteps(
  body: Uint8Array,
  compression: Compression,
  { limit, held, share }: DecompressOptions,
  done: (result: Uint8Array | Answer) => void
): void {
  const stream = engines[compression].stream()
  const chunks: Uint8Array[] = []
  let bytes = 0
  stream.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > limit) stop(tooLarge(limit))
    else if (share.take(chunk.length)) chunks.push(chunk)
    else stop(exhausted(held.max))
  })
  stream.once('end', () => {
    if (stream.bytesWritten !== body.length) return done(badCompression(compression, behindEnd))
    share.give(body.length)
    done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes))
  })
  stream.once('error', (error) => done(badCompression(compression, error)))
  stream.end(body)

  function stop(answer: Answer) {
    stream.removeAllListeners()
    stream.on('error', () => {})
    stream.destroy()
    done(answer)
  }
}

function badCompression(compression: Compression, error: unknown): Answer {
  return invalid(`decompressing ${compression}: ${(error as Error).message}`)
}

/** 128 KiB a step: each is one job of the thread pool. */
const step = { chunkSize: 128 * 1024 }

const whole: ZlibOptions = { rejectGarbageAfterEnd: true }

/**
 * Several gzip members one after another are one body, which `rejectGarbageAfterEnd` would refuse.
 * Without it zlib passes over all that follows a zero byte behind a member, other members too.
 */
function gunzipAtOnce(body: Uint8Array, maxOutputLength: number): Uint8Array {
  const options: ZlibOptions = { maxOutputLength, info: true }
  const read = zlib.gunzipSync(body, options) as unknown as { buffer: Buffer; engine: zlib.Gunzip }
  if (read.engine.bytesWritten !== body.length) throw behindEnd
  return read.buffer
}

const behindEnd = new Error('trailing junk after the end of the compressed data')

/** 32 MiB, four times what RFC 8878 asks of a decoder; zstd's own default would allow a sender 128 MiB. */
const zstd: ZstdOptions = {
  rejectGarbageAfterEnd: true,
  params: { [zlib.constants.ZSTD_d_windowLogMax]: 25 }
}

const deflate = {
  atOnce: (body: Uint8Array, maxOutputLength: number) =>
    zlib.inflateSync(body, { ...whole, maxOutputLength }),
  stream: () => zlib.createInflate({ ...whole, ...step })
}

/** The Collector reads both `deflate` and `zlib` in the zlib format (RFC 1950), as RFC 9110 has it. */
const engines = {
  gzip: {
    atOnce: gunzipAtOnce,
    stream: () => zlib.createGunzip(step)
  },
  zstd: {
    atOnce: (body: Uint8Array, maxOutputLength: number) =>
      zlib.zstdDecompressSync(body, { ...zstd, maxOutputLength }),
    stream: () => zlib.createZstdDecompress({ ...zstd, ...step })
  },
  zlib: deflate,
  deflate
} satisfies Record<Compression, unknown>
