import { randomBytes } from 'node:crypto'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { PermanentError, RefusedError } from '../component.ts'
import type { Answer } from '../otlp/answers.ts'
import { type Code, Refusal, statuses } from './refusal.ts'

/** Sends a body of XML, or none. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders = {},
  xml = ''
): void {
  if (response.destroyed || response.headersSent) return
  response.setHeader('x-amz-request-id', requestId())
  for (const name in headers) response.setHeader(name, headers[name]!)
  if (xml !== '') response.setHeader('Content-Type', 'application/xml')
  if (headers['Content-Length'] === undefined) {
    response.setHeader('Content-Length', Buffer.byteLength(xml))
  }
  response.statusCode = status
  response.end(xml)
}

const processId = randomBytes(4).toString('hex').toUpperCase()
let requests = 0

/** No two answers of one process have the same. */
function requestId(): string {
  return processId + (++requests).toString(16).toUpperCase().padStart(8, '0')
}

/** Sends an error in S3's XML; to HEAD Node sends its status alone. */
export function refuse(response: ServerResponse, error: Refusal, resource: string): void {
  const { code, message, retryAfter } = error
  const headers = retryAfter === undefined ? {} : { 'Retry-After': retryAfter }
  answer(
    response,
    statuses[code],
    headers,
    `${declaration}<Error><Code>${code}</Code><Message>${text(message)}</Message><Resource>${text(resource)}</Resource></Error>`
  )
}

export const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text for XML 1.0, which has no way to write most control characters. */
export function text(content: string): string {
  return content
    .replace(/[&<>"]/g, (character) => entities[character]!)
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
}

/** What a batch's settlement says to its sender. */
export function refusalOf(error: Error): Refusal {
  if (error instanceof RefusedError) {
    return new Refusal('SlowDown', error.message, Math.max(1, Math.ceil(error.retryAfter)))
  }
  if (error instanceof PermanentError) return new Refusal('InternalError', error.message)
  return new Refusal('SlowDown', error.message, 1)
}

/** What reading a body says, in S3's words. */
export function bodyRefusal({ http, message, retryAfter }: Answer): Refusal {
  const code: Code = http === 413 ? 'EntityTooLarge' : 'SlowDown'
  return new Refusal(code, message, retryAfter)
}
