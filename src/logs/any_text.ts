import { stringOf } from './as_string.ts'
import { type AnyValue, entryValue, isMap } from './value.ts'

/** As the Collector's `AsString()` writes it: JSON for maps and lists, base64 for bytes. */
export function asText(value: AnyValue): string {
  return stringOf(plain(value))
}

function plain(value: AnyValue): unknown {
  if (isMap(value)) {
    // Of a key that is there twice the first counts, and in an object the last stays.
    const pairs = value.entries.map((entry) => [entry.key, plain(entryValue(entry))] as const)
    return Object.fromEntries(pairs.reverse())
  }
  return Array.isArray(value) ? value.map(plain) : value
}
