import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Raw {
  readonly socket: Socket
  write(text: string | Buffer): void
  /** Waits until what has come so far matches; returns and forgets it. */
  until(pattern: RegExp): Promise<string>
  readonly closed: Promise<void>
}

/** A connection on which a test writes HTTP byte by byte. */
export async function connectRaw(endpoint: string): Promise<Raw> {
  const [host, port] = endpoint.split(':')
  const socket = connect(Number(port), host)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let come = ''
  const arrival = new EventTarget()
  socket.on('data', (chunk) => {
    come += chunk.toString('latin1')
    arrival.dispatchEvent(new Event('data'))
  })
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
    socket.once('end', () => resolve())
  })
  return {
    socket,
    closed,
    write: (text) => void socket.write(text),
    async until(pattern) {
      for (;;) {
        const match = come.match(pattern)
        if (match) {
          const seen = come.slice(0, match.index! + match[0].length)
          come = come.slice(seen.length)
          return seen
        }
        const ended = closed.then(() => 'closed' as const)
        if ((await Promise.race([once(arrival, 'data'), ended])) === 'closed') {
          throw new Error(`closed before ${pattern}: ${come}`)
        }
      }
    }
  }
}

/** The head of a POST of logs. */
export function head(length: number | 'chunked', more = ''): string {
  const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  return `POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n${framing}\r\n${more}\r\n`
}
