import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { type Answer, codes } from './answers.ts'
import type { Encoding } from './intake.ts'
import { statusBytes, statusJson } from './status.ts'

/** Answers in the request's own encoding; errors carry a google.rpc.Status. */
export function reply(response: ServerResponse, encoding: Encoding, answer: Answer): void {
  if (answer.code === codes.ok) {
    if (encoding === 'json') send(response, 200, json, '{"partialSuccess":{}}')
    else send(response, 200, protobuf, '')
    return
  }
  if (answer.retryAfter !== undefined) response.setHeader('Retry-After', answer.retryAfter)
  if (encoding === 'json') send(response, answer.http, json, statusJson(answer))
  else send(response, answer.http, protobuf, statusBytes(answer))
}

/** The text for who does not speak OTLP. */
export function replyText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {}
): void {
  for (const name in headers) response.setHeader(name, headers[name]!)
  send(response, status, 'text/plain', text)
}

const json = 'application/json'
const protobuf = 'application/x-protobuf'

function send(response: ServerResponse, status: number, type: string, body: string | Buffer) {
  if (response.destroyed || response.headersSent) return
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', Buffer.byteLength(body))
  response.statusCode = status
  response.end(body)
}
