import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

/** Opens `service.telemetry.logs.output_paths`: `stderr`, `stdout`, or files that are appended to. */
export async function openOutput(paths: readonly string[]): Promise<(line: string) => void> {
  const streams = await Promise.all(paths.map(openOne))
  return (line) => {
    for (const stream of streams) stream.write(line)
  }
}

async function openOne(path: string): Promise<NodeJS.WritableStream> {
  if (path === 'stderr') return process.stderr
  if (path === 'stdout') return process.stdout
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  await once(stream, 'open').catch((cause) => {
    throw new Error(`opening ${path} of service.telemetry.logs.output_paths`, { cause })
  })
  // A log that can no longer be written must not end the pipeline.
  stream.on('error', (error) =>
    process.stderr.write(`auditcol: writing ${path}: ${error.message}\n`)
  )
  return stream
}
