import { isUtf8 } from 'node:buffer'
import { OttlError } from './errors.ts'

type TokenKind = 'string' | 'int' | 'float' | 'bytes' | 'word' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written. */
  readonly text: string
  readonly at: number
  /** Of a string: what it stands for. */
  readonly value?: string
}

/** Longer texts are no statements of a person. */
const textLimit = 64 * 1024

const pattern =
  /(?<space>\s+)|(?<bytes>0x[0-9a-fA-F]+)|(?<float>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<int>\d+)|(?<string>"(?:\\[\s\S]|[^\\"])*")|(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<symbol>==|!=|>=|<=|[-+*/=<>()[\]{}:,.])/y

/** The tokens of a statement or condition, an `end` behind the last. */
export function tokensOf(text: string): Token[] {
  if (text.length > textLimit) throw new OttlError(`longer than ${textLimit} characters`, textLimit)
  const tokens: Token[] = []
  pattern.lastIndex = 0
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const groups = pattern.exec(text)?.groups
    if (groups === undefined) throw unreadable(text, at)
    const kind = (['bytes', 'float', 'int', 'string', 'word', 'symbol'] as const).find(
      (one) => groups[one] !== undefined
    )
    if (kind === undefined) continue
    const token = { kind, text: groups[kind]!, at }
    tokens.push(kind === 'string' ? { ...token, value: unquote(token.text, at) } : token)
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function unreadable(text: string, at: number): OttlError {
  if (text[at] === '"') return new OttlError('a string that does not end', at)
  if (text[at] === "'") return new OttlError('strings are in double quotes', at)
  return new OttlError(`unexpected character ${JSON.stringify(text[at])}`, at)
}

const escapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"'
}

/** Go's escapes: `\x` and octal ones are bytes, which must make UTF-8 with their neighbours. */
function unquote(quoted: string, at: number): string {
  const inner = quoted.slice(1, -1)
  if (inner.includes('\n')) throw new OttlError('a line break in a string, must be \\n', at)
  if (!inner.includes('\\')) return inner
  const bytes = Buffer.concat(
    Array.from(
      inner.matchAll(/\\(?:x(..)|([0-7]{3})|u(.{4})|U(.{8})|(.))|[^\\]+/gsu),
      ([part, ...groups]) => unescaped(part, groups, at)
    )
  )
  if (!isUtf8(bytes)) throw new OttlError('bytes that are not valid UTF-8 in a string', at)
  return bytes.toString()
}

function unescaped(part: string, groups: (string | undefined)[], at: number): Uint8Array {
  const [byte, octal, short, long, letter] = groups
  if (part[0] !== '\\') return Buffer.from(part)
  if (letter !== undefined && Object.hasOwn(escapes, letter)) return Buffer.from(escapes[letter]!)
  const digits = byte ?? short ?? long
  if (digits !== undefined && /^[0-9a-f]+$/i.test(digits)) {
    const code = Number.parseInt(digits, 16)
    if (byte !== undefined) return Uint8Array.of(code)
    if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff))
      return Buffer.from(String.fromCodePoint(code))
  }
  if (octal !== undefined && Number.parseInt(octal, 8) < 256)
    return Uint8Array.of(Number.parseInt(octal, 8))
  throw new OttlError(`unknown escape ${part} in a string; a backslash itself is \\\\`, at)
}
