import { PermanentError, RefusedError } from '../component.ts'
import type { Log } from '../telemetry/log.ts'
import type { GrpcReply } from './grpc_unary.ts'
import { checkPartial, partialSuccessIn } from './partial_success.ts'
import { readRpcStatus } from './rpc_status.ts'

const names = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND'],
  ...['ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION'],
  ...['ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
  'UNAUTHENTICATED'
]

/**
 * The codes after which the same request may be sent again, RESOURCE_EXHAUSTED only with RetryInfo
 * (https://opentelemetry.io/docs/specs/otlp/#failures).
 */
const retryable = new Set([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS'
])

/** What stands for a code when a proxy answers in plain HTTP (gRPC's http-grpc-status-mapping). */
const ofHttp: Record<number, string> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE'
}

const longestText = 300

/** Returns when the other side has taken all records; throws what became of them otherwise. */
export function checkGrpcReply(reply: GrpcReply, records: number, log: Log): void {
  if (reply.code === 0) {
    checkPartial(partialIn(reply.response), records, log)
    return
  }
  const status = reply.details && readRpcStatus(reply.details)
  const name = nameOf(reply)
  const text = (reply.message || status?.message || '').slice(0, longestText)
  const message = `the other side answered ${name}${text === '' ? '' : `: ${text}`}`
  const retryAfter = status?.retryAfter
  const exhausted = name === 'RESOURCE_EXHAUSTED'
  if (!retryable.has(name) && !(exhausted && retryAfter !== undefined)) {
    throw new PermanentError(message)
  }
  throw new RefusedError(message, {
    reason: exhausted ? 'exhausted' : 'unavailable',
    retryAfter: retryAfter ?? 0
  })
}

function nameOf({ code, http }: GrpcReply): string {
  if (code !== undefined) return names[code] ?? `code ${code}`
  return http === 200 ? 'UNKNOWN' : (ofHttp[http] ?? 'UNKNOWN')
}

function partialIn(response: Uint8Array) {
  try {
    return partialSuccessIn(response)
  } catch (cause) {
    throw new Error("the other side's answer is no OTLP", { cause })
  }
}
