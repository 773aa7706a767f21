import { PermanentError, RefusedError } from '../component.ts'

/** What a sender hears: a gRPC code, the HTTP status that goes with it, and when to come back. */
export interface Answer {
  readonly code: number
  readonly http: number
  readonly message: string
  /** Whole seconds. */
  readonly retryAfter?: number
}

/** The gRPC codes used here (https://grpc.io/docs/guides/status-codes/). */
export const codes = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14
} as const

export const accepted: Answer = { code: codes.ok, http: 200, message: '' }

export const stopping: Answer = {
  code: codes.unavailable,
  http: 503,
  message: 'auditcol is stopping, send it again',
  retryAfter: 1
}

/** The sender's mistake: sending the same again is useless. */
export function invalid(message: string): Answer {
  return { code: codes.invalidArgument, http: 400, message }
}

/** No retry: the same body will be too large again. RESOURCE_EXHAUSTED without RetryInfo says so in OTLP. */
export function tooLarge(limit: number): Answer {
  return {
    code: codes.resourceExhausted,
    http: 413,
    message: `request body too large: the limit is ${limit} bytes, also after decompression`
  }
}

/** The receiver holds as much as it may. */
export function exhausted(limit: number): Answer {
  return {
    code: codes.resourceExhausted,
    http: 429,
    message: `too many requests in flight: they may hold ${limit} bytes (max_in_flight_size)`,
    retryAfter: 1
  }
}

/** What a batch's settlement says to its sender. */
export function answerTo(error?: Error): Answer {
  if (error === undefined) return accepted
  if (error instanceof RefusedError) {
    const retryAfter = Math.max(1, Math.ceil(error.retryAfter))
    return error.reason === 'exhausted'
      ? { code: codes.resourceExhausted, http: 429, message: error.message, retryAfter }
      : { code: codes.unavailable, http: 503, message: error.message, retryAfter }
  }
  if (error instanceof PermanentError) {
    return { code: codes.internal, http: 500, message: error.message }
  }
  return { code: codes.unavailable, http: 503, message: error.message, retryAfter: 1 }
}
