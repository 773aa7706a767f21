import { stringOf } from './as_string.ts'
import { type AnyValue, entryValue, isMap } from './value.ts'

/** As the Collector's `AsString()` writes it: JSON for maps and lists, base64 for bytes. */
export function asText(value: AnyValue): string {
  return stringOf(plain(value))
}

/** JSON as Go's `json.Marshal` writes it: safe within HTML. */
export function htmlSafe(json: string): string {
  return json.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`)
}

function plain(value: AnyValue): unknown {
  if (isMap(value)) {
    // Of a key that is there twice the first counts, and in an object the last stays.
    const pairs = value.entries.map((entry) => [entry.key, plain(entryValue(entry))] as const)
    return Object.fromEntries(pairs.reverse())
  }
  return Array.isArray(value) ? value.map(plain) : value
}
