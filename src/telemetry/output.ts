import { openSync, writeSync } from 'node:fs'

type Write = (line: string) => void

/** Opens `service.telemetry.logs.output_paths`: `stderr`, `stdout`, or files that are appended to. */
export function openOutput(paths: readonly string[]): Write {
  const outputs = paths.map(openOne)
  return (line) => {
    for (const write of outputs) write(line)
  }
}

/** A log that can no longer be written must not end the pipeline. */
function openOne(path: string): Write {
  if (path === 'stderr' || path === 'stdout') {
    const stream = process[path]
    stream.on('error', () => {})
    return (line) => stream.write(line)
  }
  const file = openFile(path)
  return (line) => {
    try {
      // At once: what a process says last, it says just before it ends.
      writeSync(file, line)
    } catch (error) {
      process.stderr.write(`auditcol: writing ${path}: ${(error as Error).message}\n`)
    }
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (cause) {
    throw new Error(`opening ${path} of service.telemetry.logs.output_paths`, { cause })
  }
}
