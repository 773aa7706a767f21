import { type AnyValue, entryValue, isMap } from './value.ts'

/** One text for each value: two values have the same when they are equal, whatever the order of keys. */
export function canonicalValue(value: AnyValue): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `i${value}`
  if (typeof value === 'number') return `d${Object.is(value, -0) ? '-0' : value}`
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`
  if (isMap(value)) {
    const pairs = value.entries.map((entry) => [entry.key, canonicalValue(entryValue(entry))])
    return `{${pairs.sort(byKey).map(([key, text]) => `${JSON.stringify(key)}:${text}`)}}`
  }
  return value !== null && typeof value === 'object'
    ? `[${value.map(canonicalValue)}]`
    : String(value)
}

/** Of a key that is there twice the order stays: the first counts. */
function byKey([left]: string[], [right]: string[]): number {
  return left! < right! ? -1 : left! > right! ? 1 : 0
}
