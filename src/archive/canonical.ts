/**
 * RFC 8785, the canonical JSON: one text for one value, so that a leaf has one hash wherever it is
 * made. Of its numbers we use whole ones that a double holds exactly, and refuse others.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) return object(value)
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new Error(`writing canonical JSON: ${value} is no whole number up to 2^53`)
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new Error(`writing canonical JSON: half a character in ${JSON.stringify(value)}`)
  }
  return JSON.stringify(value)
}

/** Keys in order of their UTF-16 units, which is how JavaScript compares strings (RFC 8785, 3.2.3). */
function object(value: object): string {
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
  return `{${members.join(',')}}`
}
