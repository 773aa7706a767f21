/* Numbers as Go's strconv and its conversions have them. */

/** The int64 that the text is in base 10; undefined when it is none. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]{1,400}$/.test(text)) return undefined
  const value = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, value) === value ? value : undefined
}

const specials: Record<string, number> = {
  inf: Number.POSITIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  nan: Number.NaN
}

/** The double that the text is; undefined when it is none, or out of range. */
export function parseDouble(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  const name = text.replace(/^[+-]/, '').toLowerCase()
  if (!Object.hasOwn(specials, name)) return undefined
  return text.startsWith('-') ? -specials[name]! : specials[name]
}

/** Towards zero; what is outside of 64 bits becomes the least int, as on amd64. */
export function truncated(value: number): bigint {
  const inside = value >= -(2 ** 63) && value < 2 ** 63
  return inside ? BigInt(Math.trunc(value)) : -(2n ** 63n)
}
