import { hash } from 'node:crypto'
import type { AnyValue } from '../logs/value.ts'

/**
 * SHA-256 as hex digits, as the Collector takes it: of a text's UTF-8, of a bool's byte, of the eight
 * bytes of a number, little-endian. Anything else becomes an empty text.
 */
export function hashed(value: AnyValue): string {
  const bytes = bytesOf(value)
  return bytes === undefined ? '' : hash('sha256', bytes, 'hex')
}

const eight = Buffer.alloc(8)

function bytesOf(value: AnyValue): string | Uint8Array | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0)
  if (typeof value === 'bigint') eight.writeBigInt64LE(value)
  else if (typeof value === 'number') eight.writeDoubleLE(value)
  else return undefined
  return eight
}
