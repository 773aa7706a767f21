import { PermanentError, RefusedError } from '../component.ts'
import type { Log } from '../telemetry/log.ts'
import { checkPartial, partialSuccessIn, partialSuccessInJson } from './partial_success.ts'
import type { Reply } from './post.ts'
import { readRpcStatus, readRpcStatusJson } from './rpc_status.ts'

/**
 * The statuses after which the same request may be sent again; every other 4xx and 5xx must not be
 * (https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
 */
const retryable = new Set([429, 502, 503, 504])

/** Returns when the other side has taken all records; throws what became of them otherwise. */
export function checkReply(reply: Reply, records: number, log: Log): void {
  const { status } = reply
  if (status >= 200 && status < 300) {
    checkPartial(partialIn(reply), records, log)
    return
  }
  const said = errorIn(reply)
  const message = `the other side answered ${status}${said.message === '' ? '' : `: ${said.message}`}`
  if (retryable.has(status)) {
    const retryAfter = Math.max(secondsOf(reply.headers['retry-after']), said.retryAfter ?? 0)
    throw new RefusedError(message, {
      reason: status === 429 ? 'exhausted' : 'unavailable',
      retryAfter
    })
  }
  if (status >= 400) throw new PermanentError(message)
  const { location } = reply.headers
  throw new Error(location === undefined ? message : `${message}: redirected to ${location}`)
}

/** A page of a proxy is no answer of an OTLP server, whatever its status says: nothing was taken. */
function partialIn({ headers, body }: Reply) {
  const type = mediaType(headers['content-type'])
  if (type === 'text/html') throw new Error('the other side answered with a page, not with OTLP')
  if (body.length === 0) return { rejected: 0, message: '' }
  try {
    if (type === 'application/x-protobuf') return partialSuccessIn(body)
    if (type === 'application/json') return partialSuccessInJson(body.toString())
  } catch (cause) {
    throw new Error(`the other side's answer is no OTLP (${type})`, { cause })
  }
  return { rejected: 0, message: '' }
}

const longestText = 300

function errorIn({ headers, body }: Reply) {
  const type = mediaType(headers['content-type'])
  const status =
    type === 'application/x-protobuf' ? readRpcStatus(body) : readRpcStatusJson(body.toString())
  if (status) return { ...status, message: status.message.slice(0, longestText) }
  const isText = type.startsWith('text/plain') || type === 'application/json'
  return { message: isText ? body.toString().trim().slice(0, longestText) : '' }
}

function mediaType(value: string | undefined): string {
  return (value ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

/** Retry-After is seconds or a date. */
function secondsOf(value: string | undefined): number {
  if (value === undefined) return 0
  if (/^\d+$/.test(value.trim())) return Number(value)
  const at = Date.parse(value)
  return Number.isNaN(at) ? 0 : Math.max(0, (at - Date.now()) / 1000)
}
