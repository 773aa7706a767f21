import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type ClientRequest, type OutgoingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** Ids stand in the records' bodies as `event(id)`, which every format leaves as it is. */
const idPattern = /event\(([\w-]+)\)/g

/** An OTLP/JSON request with a record for each id, each with so many more bytes. */
export function requestOf(ids: readonly string[], padding = 0): string {
  const more = 'x'.repeat(padding)
  const logRecords = ids.map((id) => ({
    body: { stringValue: `event(${id})${more}` },
    attributes: [{ key: 'id', value: { stringValue: id } }]
  }))
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

/** `prefix-1` to `prefix-n`. */
export function idsOf(prefix: string, n: number): string[] {
  return Array.from({ length: n }, (_, index) => `${prefix}-${index + 1}`)
}

export interface Heard {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

/** Sends records and waits for the answer; rejects when the connection ends without one. */
export function send(http: string, ids: readonly string[], padding = 0): Promise<Heard> {
  const outgoing = post(http)
  outgoing.end(requestOf(ids, padding))
  return heard(outgoing)
}

/** Begins to send records: by then the receiver has the head of the request and waits for its body. */
export async function beginToSend(
  http: string,
  ids: readonly string[]
): Promise<{ finish(): Promise<Heard> }> {
  const outgoing = post(http, { expect: '100-continue' })
  const answer = heard(outgoing)
  outgoing.flushHeaders()
  await Promise.race([once(outgoing, 'continue'), answer])
  return {
    finish: () => {
      outgoing.end(requestOf(ids))
      return answer
    }
  }
}

function post(http: string, more: OutgoingHttpHeaders = {}): ClientRequest {
  const [host, port] = http.split(':')
  const headers = { 'content-type': 'application/json', ...more }
  return request({ host, port, method: 'POST', path: '/v1/logs', headers, agent: false })
}

function heard(outgoing: ClientRequest): Promise<Heard> {
  return new Promise((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', async (response) => {
      try {
        const body = Buffer.concat(await response.toArray()).toString()
        const retryAfter = response.headers['retry-after']
        resolve({ status: response.statusCode!, retryAfter, body })
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** Ids in text or bytes, in their order. */
export function idsIn(content: string | Buffer): string[] {
  return [...content.toString('latin1').matchAll(idPattern)].map((match) => match[1]!)
}

/** Ids of everything that an archive directory holds, object after object in the order of their keys. */
export function archivedIds(directory: string): string[] {
  return objectsOf(directory).flatMap(({ content }) => idsIn(content))
}

export function objectsOf(directory: string): { key: string; content: Buffer }[] {
  const keys = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // What is being written is no object yet; a kill leaves it there.
    .filter((path) => !/\/\.(tmp|auditcol)\//.test(path))
  return keys.sort().map((path) => ({ key: path, content: plain(readFileSync(path)) }))
}

/** Without its compression, which its first bytes tell. */
export function plain(bytes: Buffer): Buffer {
  if (bytes.subarray(0, 2).equals(Buffer.from('1f8b', 'hex'))) return gunzipSync(bytes)
  if (bytes.subarray(0, 4).equals(Buffer.from('28b52ffd', 'hex'))) return zstdDecompressSync(bytes)
  return bytes
}
