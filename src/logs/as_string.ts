import { readValue, type ValueReader } from './read_value.ts'

/**
 * The AnyValue from the reader's place to `end` as the Collector's `AsString()` gives it: text as
 * it is, numbers and booleans in Go's format, bytes in base64, maps and lists as Go's JSON (keys
 * sorted, `<`, `>` and `&` as they are since 0.162), nothing for an empty value. One difference:
 * where a map or a list holds NaN or an infinity, Go gives up and writes nothing; here they are strings.
 */
export function asString(reader: ValueReader, end: number): string {
  return stringOf(readValue(reader, end))
}

/** The same of a value that has been decoded. */
export function stringOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'number') return numberText(value)
  return typeof value === 'object' ? goJson(value) : String(value)
}

/** Go's JSON takes its number format from ES6, but keeps the sign of a zero. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function goJson(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return Number.isFinite(value) ? numberText(value) : `"${value}"`
  if (typeof value === 'string') return goString(value)
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`
  if (typeof value !== 'object') return String(value)
  const members = Object.entries(value).sort(byKey)
  return `{${members.map(([key, item]) => `${goString(key)}:${goJson(item)}`).join(',')}}`
}

function byKey([left]: [string, unknown], [right]: [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function goString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
