import { chmod, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join, relative } from 'node:path'
import type { Log } from '../telemetry/log.ts'
import type { LetterFilter } from './letter_file.ts'
import type { JournalStatus } from './status.ts'

/** What a command may ask of the process that owns the journal (J9). */
export type ControlRequest =
  | { readonly do: 'show' }
  /** `configured`: the configuration has the lane, so that its archives can still show what becomes of it. */
  | { readonly do: 'abandon'; readonly lane: string; readonly configured: boolean }
  | { readonly do: 'rename'; readonly lane: string; readonly to: string }
  | { readonly do: 'replay'; readonly ids: readonly string[]; readonly filter: LetterFilter }
  | { readonly do: 'remove'; readonly ids: readonly string[] }
  | {
      readonly do: 'void'
      readonly number: number
      readonly lane?: string
      readonly archive?: string
      readonly reason: string
    }

export type ControlAnswer =
  | { readonly status: JournalStatus }
  | { readonly done: string }
  | { readonly error: string }

/** A request is a line; more is nobody's business. */
const requestBytesMax = 64 * 1024
const patienceMs = 5_000

/** Answers commands on a unix socket that only its owner can open. */
export async function serveControl(
  directory: string,
  log: Log,
  answer: (request: ControlRequest) => Promise<ControlAnswer>
): Promise<{ close(): void }> {
  const path = socketPath(directory)
  await rm(path, { force: true })
  const server = createServer((socket) => {
    let text = ''
    socket.setTimeout(patienceMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
      if (text.length > requestBytesMax) socket.destroy()
      if (!text.endsWith('\n')) return
      // From here on it is our turn, and a replay may take long.
      socket.setTimeout(0)
      Promise.resolve()
        .then(() => answer(JSON.parse(text)))
        .catch((error: Error): ControlAnswer => ({ error: error.message }))
        .then((given) => socket.end(`${JSON.stringify(given)}\n`))
    })
  })
  const listening = await new Promise<boolean>((resolve) => {
    // Also later: a connection that cannot be accepted must not end the pipeline.
    server.on('error', (error) => {
      log.warn('no control socket: `auditcol journal` cannot ask this process', {
        path,
        error: error.message
      })
      resolve(false)
    })
    server.listen(path, () => resolve(true))
  })
  if (listening) await chmod(path, 0o600)
  server.unref()
  return { close: () => void server.close() }
}

/** Asks the process that owns the journal; undefined when none answers. */
export function askControl(
  directory: string,
  request: ControlRequest
): Promise<ControlAnswer | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(socketPath(directory), () =>
      socket.write(`${JSON.stringify(request)}\n`)
    )
    // Each letter that ends waits for the disk a few times, and there may be thousands.
    if (request.do !== 'replay' && request.do !== 'remove')
      socket.setTimeout(patienceMs, () => socket.destroy())
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(text.endsWith('\n') ? JSON.parse(text) : undefined))
  })
}

/** A socket's path has about 100 bytes, so the shorter way to it is taken. */
function socketPath(directory: string): string {
  const path = join(directory, 'control.sock')
  const short = relative(process.cwd(), path)
  return short.length < path.length ? short : path
}
