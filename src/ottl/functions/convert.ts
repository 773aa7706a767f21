import { asText, htmlSafe } from '../../logs/any_text.ts'
import { parseDouble, parseInt64, truncated } from '../../logs/go_numbers.ts'
import type { AnyValue } from '../../logs/value.ts'
import { Fault } from '../errors.ts'
import { type Time, typeName, type Value } from '../values.ts'
import { rfc3339 } from './clock.ts'

/* How a value becomes one of another type, as Go's strconv and JSON write and read them. */

export function textLike(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  const type = typeName(value)
  if (type === 'id') return asText([...(value as { bytes: Uint8Array }).bytes].map(BigInt))
  if (type === 'time') return `"${rfc3339(value as Time)}"`
  if (type === 'duration') return String((value as { nanos: bigint }).nanos)
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Fault('a double that is no number cannot be a string')
  const text = asText(value as AnyValue)
  const written = type === 'map' || type === 'list' ? htmlSafe(text) : text
  // The library behind these conversions writes two digits in an exponent, Go's own does not.
  return typeof value === 'number' ? written.replace(/e([+-])(\d)$/, 'e$10$2') : written
}

export function intLike(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return truncated(value)
  if (typeof value === 'string') return read(value, parseInt64, 'the string is no int')
  throw new Fault(`a ${typeName(value)} cannot become an int`)
}

export function doubleLike(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') return read(value, parseDouble, 'the string is no number')
  throw new Fault(`a ${typeName(value)} cannot become a double`)
}

function read<T>(text: string, parse: (text: string) => T | undefined, fault: string): T {
  const value = parse(text)
  if (value === undefined) throw new Fault(fault)
  return value
}

const truths: Record<string, boolean> = Object.fromEntries([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true]),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])
])

export function boolLike(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'bigint') return value !== 0n
  if (typeof value === 'number') return value !== 0
  if (typeof value !== 'string') throw new Fault(`a ${typeName(value)} cannot become a bool`)
  if (Object.hasOwn(truths, value)) return truths[value]!
  throw new Fault('the string is no bool')
}

/** Numbers big-endian in 8 bytes, a bool in one. */
export function bytesLike(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0)
  const bytes = Buffer.alloc(8)
  if (typeof value === 'bigint') bytes.writeBigInt64BE(value)
  else if (typeof value === 'number') bytes.writeDoubleBE(value)
  else throw new Fault(`a ${typeName(value)} cannot become bytes`)
  return bytes
}
