import { fieldsOf, textOf } from './message_fields.ts'

/** google.rpc.Status, as far as a sender acts on it. */
export interface RpcStatus {
  readonly message: string
  /** Seconds, of the RetryInfo among its details. */
  readonly retryAfter?: number
}

const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo'

/** code = 1, message = 2, details = 3: each an Any {type_url = 1, value = 2}. Undefined when the bytes are none. */
export function readRpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  try {
    let message = ''
    let retryAfter: number | undefined
    for (const { number, value } of fieldsOf(bytes)) {
      if (number === 2) message = textOf(value)
      if (number === 3 && typeof value !== 'number') retryAfter = delayIn(value) ?? retryAfter
    }
    return { message, ...(retryAfter !== undefined && { retryAfter }) }
  } catch {
    return undefined
  }
}

function delayIn(any: Uint8Array): number | undefined {
  let type = ''
  let detail = new Uint8Array()
  for (const { number, value } of fieldsOf(any)) {
    if (number === 1) type = textOf(value)
    if (number === 2 && typeof value !== 'number') detail = new Uint8Array(value)
  }
  if (type !== retryInfo) return undefined
  // RetryInfo {retry_delay = 1}, a Duration {seconds = 1, nanos = 2}.
  let seconds = 0
  for (const outer of fieldsOf(detail)) {
    if (outer.number !== 1 || typeof outer.value === 'number') continue
    for (const { number, value } of fieldsOf(outer.value)) {
      if (typeof value !== 'number') continue
      if (number === 1) seconds += value
      if (number === 2) seconds += value / 1e9
    }
  }
  // Ten bytes of varint are a negative number, which is no delay.
  return seconds < 2 ** 53 ? seconds : 0
}

/** The same in JSON; text that is none of it is shown as it is. */
export function readRpcStatusJson(text: string): RpcStatus | undefined {
  try {
    const { message, details } = Object(JSON.parse(text)) as Record<string, unknown>
    if (typeof message !== 'string') return undefined
    const found = (Array.isArray(details) ? details : []).find(
      (detail) => Object(detail)['@type'] === retryInfo
    ) as { retryDelay?: unknown } | undefined
    const seconds = Number.parseFloat(String(found?.retryDelay))
    return { message, ...(seconds >= 0 && { retryAfter: seconds }) }
  } catch {
    return undefined
  }
}
