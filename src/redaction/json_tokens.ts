export interface Token {
  /** `stray`: a backslash outside of strings. */
  readonly kind: 'key' | 'string' | 'scalar' | 'open' | 'close' | 'stray'
  /** Of a key or string: between its quotes. */
  readonly start: number
  readonly end: number
}

/**
 * Whether a text is to be read as JSON. It need not be sound, for a secret must not be missed for that:
 * several texts in a row, Python's NaN, and a text that was cut are read as well. A backslash outside of
 * strings says that the inside of strings would be taken for their outside.
 */
export function readsAsJson(text: string): boolean {
  if (!/^\s*[[{"]/.test(text)) return false
  return !text.includes('\\') || tokensIn(text).every(({ kind }) => kind !== 'stray')
}

/** What stands in a text of JSON, without commas and colons. */
export function* tokensIn(text: string): Generator<Token, void> {
  let at = 0
  while (at < text.length) {
    const start = at++
    switch (text[start]) {
      case '"': {
        const end = endOfString(text, at)
        yield { kind: isColonBehind(text, end + 1) ? 'key' : 'string', start: at, end }
        at = end + 1
        break
      }
      case '{':
      case '[':
        yield { kind: 'open', start, end: at }
        break
      case '}':
      case ']':
        yield { kind: 'close', start, end: at }
        break
      case ',':
      case ':':
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        break
      case '\\':
        yield { kind: 'stray', start, end: at }
        break
      default:
        at = endOfScalar(text, start)
        yield { kind: 'scalar', start, end: at }
    }
  }
}

function endOfString(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x22) return at
    if (unit === 0x5c) at++
  }
  return text.length
}

const behindScalar = /[\s,:"{}[\]\\]/g

function endOfScalar(text: string, from: number): number {
  behindScalar.lastIndex = from
  const end = behindScalar.exec(text)?.index ?? text.length
  // A space that JSON does not know stands for itself.
  return Math.max(end, from + 1)
}

function isColonBehind(text: string, from: number): boolean {
  let at = from
  while (' \n\r\t'.includes(text[at] ?? '.')) at++
  return text[at] === ':'
}
