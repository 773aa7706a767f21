/** Larger ones stay closed: a value of JSON takes up to 20 times its text in memory. */
const textMax = 256 * 1024

/** Maps in maps; OTLP has room for 100 messages in each other, three to a map. */
const depthMax = 24

/** LiteLLM encodes the state before an update twice (JSON in JSON in JSON). */
const encodingsMax = 3

/**
 * The structure that stands behind `before_value` and `updated_values`: a map or a list, whether it comes
 * as JSON, as a text of JSON or as a text of a text of JSON. Undefined: there is none.
 */
export function openValue(value: unknown): unknown {
  let opened = value
  for (let times = 0; times < encodingsMax && typeof opened === 'string'; times++) {
    if (opened.length > textMax) return undefined
    try {
      opened = JSON.parse(opened)
    } catch {
      return undefined
    }
  }
  return typeof opened === 'object' && opened !== null && fits(opened, depthMax)
    ? opened
    : undefined
}

function fits(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((inner) => fits(inner, depth - 1))
}
