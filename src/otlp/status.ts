import type { Answer } from './answers.ts'

const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo'

/**
 * The answer as a google.rpc.Status in protobuf: code = 1, message = 2, details = 3, each detail an
 * Any with type_url = 1 and value = 2. Three fields do not need a codec.
 */
export function statusBytes({ code, message, retryAfter }: Answer): Buffer {
  const parts = [Buffer.of(0x08, code), field(2, Buffer.from(message))]
  if (retryAfter !== undefined) {
    const duration = field(1, Buffer.concat([Buffer.of(0x08), varint(retryAfter)]))
    parts.push(field(3, Buffer.concat([field(1, Buffer.from(retryInfo)), field(2, duration)])))
  }
  return Buffer.concat(parts)
}

/** The same in proto3 JSON. */
export function statusJson({ code, message, retryAfter }: Answer): string {
  const details =
    retryAfter === undefined ? [] : [{ '@type': retryInfo, retryDelay: `${retryAfter}s` }]
  return JSON.stringify(details.length > 0 ? { code, message, details } : { code, message })
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}
