import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestOf } from '../e2e/records.ts'

/** What senders have heard: a 200 is a promise, everything else is not. */
export interface Senders {
  readonly acknowledged: Set<string>
  /** Of requests that had no answer: they may be there, and were sent again. */
  readonly unanswered: Set<string>
  readonly refused: { status: number; retryAfter: string | undefined }[]
  /** No more requests begin; resolves when all that were under way have their answer or none. */
  stop(): Promise<void>
}

export interface SendersOptions {
  /** `host:port`, asked for before each request: it changes with a restart. */
  readonly http: () => string
  readonly senders: number
  readonly recordsPerRequest: number
  readonly padding: number
  /** Between two requests of a sender, in milliseconds. */
  readonly pause?: number
}

let started = 0

/** Senders that repeat a request, with the same ids, until it is acknowledged. */
export function startSenders(options: SendersOptions): Senders {
  const acknowledged = new Set<string>()
  const unanswered = new Set<string>()
  const refused: Senders['refused'] = []
  const run = ++started
  let stopped = false

  const sender = async (index: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let number = 0; !stopped; number++) {
      const ids = Array.from(
        { length: options.recordsPerRequest },
        (_, record) => `${run}-${index}-${number}-${record}`
      )
      await deliver(agent, ids)
      await sleep(options.pause ?? 0)
    }
    agent.destroy()
  }

  const deliver = async (agent: Agent, ids: string[]) => {
    while (!stopped) {
      const answer = await post(options.http(), agent, requestOf(ids, options.padding))
      if (answer?.status === 200) {
        for (const id of ids) acknowledged.add(id)
        return
      }
      if (answer) refused.push(answer)
      else for (const id of ids) unanswered.add(id)
      await sleep(20)
    }
  }

  const all = Array.from({ length: options.senders }, (_, index) => sender(index))
  return {
    acknowledged,
    unanswered,
    refused,
    stop: async () => {
      stopped = true
      await Promise.all(all)
    }
  }
}

/** The answer, or undefined when there was none: the process may have been killed. */
async function post(http: string, agent: Agent, body: string) {
  const [host, port] = http.split(':')
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const outgoing = request({ host, port, method: 'POST', path: '/v1/logs', headers, agent })
  try {
    const response = once(outgoing, 'response')
    outgoing.end(body)
    const [message] = await response
    for await (const _ of message) {
      // The connection is free for the next request only when the answer has been read.
    }
    return { status: message.statusCode, retryAfter: message.headers['retry-after'] }
  } catch {
    return undefined
  } finally {
    outgoing.on('error', () => {})
  }
}

/** What was promised and is not there. */
export function missingOf(acknowledged: Iterable<string>, found: Iterable<string>): string[] {
  const there = new Set(found)
  return [...acknowledged].filter((id) => !there.has(id))
}
