import { createWriteStream, openSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { z } from 'zod'
import type { Context, Exporter } from '../src/component.ts'
import { decodeLogs } from '../src/logs/decode.ts'
import type { Logs } from '../src/logs/logs.ts'
import { detailedText, normalText } from '../src/logs/to_text.ts'
import { enter, newReader, readEnd } from '../src/logs/wire.ts'

/** Shows what arrives, for looking on while a pipeline is set up. Stores nothing: a record shown counts as delivered. */
export const config = z
  .strictObject({
    verbosity: z
      .preprocess(
        (value) => (typeof value === 'string' ? value.toLowerCase() : value),
        z.enum(['basic', 'normal', 'detailed'], {
          error: ({ input }) =>
            `verbosity level ${JSON.stringify(input)} is not supported: use basic, normal or detailed`
        })
      )
      .default('basic')
      .describe(
        '`basic`: one line a batch. `normal`: also about one line a record. `detailed`: every field of every record.'
      ),
    sampling_initial: z
      .number()
      .int()
      .nonnegative()
      .default(2)
      .describe('Batches shown in each second before sampling begins.'),
    sampling_thereafter: z
      .number()
      .int()
      .nonnegative()
      .default(1)
      .describe('After those, every so-manieth batch of that second. 1: all; 0: none.'),
    use_internal_logger: z
      .boolean()
      .default(true)
      .describe(
        "Print through auditcol's own log, as `service.telemetry.logs` says; false: to `output_paths`."
      ),
    output_paths: z
      .array(z.string().min(1, 'output_paths cannot contain empty values'))
      .default([])
      .describe('Files to append to, `stdout` or `stderr`; none: stdout.')
  })
  .refine((options) => options.output_paths.length === 0 || !options.use_internal_logger, {
    path: ['output_paths'],
    message: 'output_paths requires use_internal_logger to be false'
  })

export default function debug(options: z.infer<typeof config>, context: Context): Exporter {
  const { verbosity, sampling_initial, sampling_thereafter } = options
  const show = options.use_internal_logger
    ? internalLog(context)
    : outputs(options.output_paths, context.stopping)
  const shown = sampler(sampling_initial, sampling_thereafter)
  const render = { basic: undefined, normal: normalText, detailed: detailedText }[verbosity]
  return async ({ logs }) => {
    if (!shown()) return
    const counts = { 'resource logs': countResourceLogs(logs), 'log records': logs.records }
    await show(counts, render?.(decodeLogs(logs)))
  }
}

interface Counts extends Readonly<Record<string, number>> {
  readonly 'resource logs': number
  readonly 'log records': number
}

type Show = (counts: Counts, text: string | undefined) => Promise<void>

function internalLog({ log }: Context): Show {
  return async (counts, text) => {
    log.info('Logs', counts)
    if (text !== undefined) log.info(`${text}\n`)
  }
}

function outputs(paths: readonly string[], stopping: AbortSignal): Show {
  const streams = (paths.length > 0 ? paths : ['stdout']).map((path) => output(path, stopping))
  return async (counts, text) => {
    const tail = text === undefined ? '' : `${text}\n`
    const lines = `Logs\t${JSON.stringify(counts)}\n${tail}`
    await Promise.all(streams.map((stream) => written(stream, lines)))
  }
}

function output(path: string, stopping: AbortSignal): Writable {
  const stream = opened(path, stopping)
  // The write that fails rejects its attempt; without a listener the event would end the process.
  stream.on('error', () => {})
  return stream
}

function opened(path: string, stopping: AbortSignal): Writable {
  if (path === 'stdout') return process.stdout
  if (path === 'stderr') return process.stderr
  const file = createWriteStream(path, { fd: appendable(path) })
  stopping.addEventListener('abort', () => file.end(), { once: true })
  return file
}

function appendable(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new Error(`opening ${path} of output_paths`, { cause })
  }
}

async function written(stream: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** The Collector's rule: in each second the first ones, then every so-manieth. */
function sampler(initial: number, thereafter: number): () => boolean {
  let second = 0
  let count = 0
  return () => {
    const now = Math.floor(Date.now() / 1000)
    if (now !== second) count = 0
    second = now
    count++
    return count <= initial || (thereafter > 0 && (count - initial) % thereafter === 0)
  }
}

function countResourceLogs({ chunks }: Logs): number {
  let count = 0
  for (const bytes of chunks) {
    const reader = newReader(bytes)
    while (reader.at < bytes.length) {
      if (!enter(reader, 1)) continue
      count++
      reader.at = readEnd(reader)
    }
  }
  return count
}
