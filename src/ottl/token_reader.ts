import { OttlError } from './errors.ts'
import { type Token, tokensOf } from './lexer.ts'

/** Parentheses, lists and calls inside each other. */
const depthLimit = 100

/** The tokens of a text, one after another. */
export function readTokens(text: string) {
  const tokens = tokensOf(text)
  let index = 0
  let depth = 0
  const peek = (ahead = 0): Token => tokens[Math.min(index + ahead, tokens.length - 1)]!
  const next = (): Token => tokens[index < tokens.length - 1 ? index++ : index]!
  /** Takes the next token when it is this symbol or word. */
  function take(wanted: string): boolean {
    const { kind, text: written } = peek()
    if (written !== wanted || (kind !== 'symbol' && kind !== 'word')) return false
    index++
    return true
  }
  function expect(wanted: string): void {
    if (!take(wanted)) throw unexpected(peek(), `"${wanted}"`)
  }
  function deeper<T>(parse: () => T): T {
    if (++depth > depthLimit) throw new OttlError(`nested more than ${depthLimit} deep`, peek().at)
    const result = parse()
    depth--
    return result
  }
  function end(): void {
    if (peek().kind !== 'end') throw unexpected(peek(), 'the end')
  }
  return { text, peek, next, take, expect, deeper, end }
}

export type TokenReader = ReturnType<typeof readTokens>

export function unexpected(token: Token, wanted: string): OttlError {
  const found = token.kind === 'end' ? 'the end' : token.text.slice(0, 40)
  return new OttlError(`unexpected ${found}, ${wanted} is expected`, token.at)
}
