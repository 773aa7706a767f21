import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { numbered, type Template } from './audit_requests.ts'

export interface Load {
  readonly port: number
  readonly templates: readonly Template[]
  /** Records in all. */
  readonly records: number
  /** Requests in flight, one connection each. */
  readonly connections: number
  /** Ends early after so many milliseconds. */
  readonly limit: number
}

export interface Answered {
  readonly records: number
  readonly bytes: number
  readonly seconds: number
}

/**
 * Sends OTLP requests and waits for a 200 for each; 429 and 503 are sent again. Speaks HTTP on bare
 * sockets, since a comfortable client costs more than the server that is measured.
 */
export async function send(load: Load): Promise<Answered> {
  const answered = { records: 0, bytes: 0 }
  const started = performance.now()
  let next = 0
  const connection = async () => {
    const socket = connect(load.port, '127.0.0.1').setNoDelay()
    const answers = statuses(socket)
    await once(socket, 'connect')
    while (next < load.records && performance.now() - started < load.limit) {
      const template = load.templates[(next / load.templates[0]!.records) % load.templates.length]!
      const bytes = numbered(template, next)
      next += template.records
      await deliver(socket, answers, bytes)
      answered.records += template.records
      answered.bytes += bytes.length
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: load.connections }, connection))
  return { ...answered, seconds: (performance.now() - started) / 1000 }
}

async function deliver(socket: Socket, answers: AsyncIterator<number>, bytes: Buffer) {
  const head = `POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${bytes.length}\r\n\r\n`
  for (;;) {
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(bytes)
    socket.uncork()
    const { value: status, done } = await answers.next()
    if (status === 200) return
    if (done || (status !== 429 && status !== 503)) throw new Error(`sending: status ${status}`)
    await sleep(50)
  }
}

/** The status of each answer; bodies are skipped by their Content-Length. */
async function* statuses(socket: Socket): AsyncGenerator<number, undefined> {
  let waiting = Buffer.alloc(0)
  for await (const chunk of socket) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
    for (;;) {
      const end = waiting.indexOf('\r\n\r\n')
      if (end < 0) break
      const head = waiting.toString('latin1', 0, end)
      const length = /^content-length: *(\d+)/im.exec(head)?.[1]
      if (length === undefined) throw new Error(`reading an answer without a length: ${head}`)
      const next = end + 4 + Number(length)
      if (waiting.length < next) break
      waiting = waiting.subarray(next)
      yield Number(head.slice(9, 12))
    }
  }
}
