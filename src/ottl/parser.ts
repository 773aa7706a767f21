import type { Argument, CallNode, Comparison, Node, PathNode, StatementNode } from './ast.ts'
import { OttlError } from './errors.ts'
import type { Token } from './lexer.ts'
import { readTokens, type TokenReader, unexpected } from './token_reader.ts'

/*
 * Recursive descent, one function per level, loosest first: or, and, not, comparison, sum, product,
 * sign, primary. Parentheses hold any level, and who uses a node looks whether it may stand there:
 * so the time is linear, where trying both readings of a parenthesis would double with each.
 */

/** `editor(…) where condition`. */
export function parseStatementText(text: string): StatementNode {
  const parser = readTokens(text)
  const first = parser.peek()
  if (first.kind !== 'word') throw unexpected(first, 'an editor')
  const editor = parsePrimary(parser)
  if (editor.type !== 'call') throw new OttlError('an editor is expected, as in set(…)', first.at)
  if (!/^[a-z]/.test(editor.name))
    throw new OttlError(
      `editor names begin with a small letter, "${editor.name}" does not`,
      first.at
    )
  if (editor.keys.length > 0) throw new OttlError('an editor cannot be indexed', first.at)
  const where = parser.take('where') ? conditionIn(parseOr(parser)) : undefined
  parser.end()
  return { editor, where }
}

/** What may stand behind `where`. */
export function parseConditionText(text: string): Node {
  const parser = readTokens(text)
  const node = conditionIn(parseOr(parser))
  parser.end()
  return node
}

/** What may stand in the place of a value. */
export function parseValueText(text: string): Node {
  const parser = readTokens(text)
  const node = valueIn(parseOr(parser))
  parser.end()
  return node
}

const conditions = new Set<Node['type']>(['compare', 'and', 'or', 'not'])

/** A comparison, true, false, a converter, or a combination of them. */
function conditionIn(node: Node): Node {
  const constant = node.type === 'literal' && typeof node.value === 'boolean'
  if (conditions.has(node.type) || node.type === 'call' || constant) return node
  throw new OttlError('a condition is expected: a comparison, true, false or a converter', node.at)
}

function valueIn(node: Node): Node {
  if (!conditions.has(node.type)) return node
  throw new OttlError('a value is expected, not a condition', node.at)
}

const countable = new Set<Node['type']>(['path', 'call', 'math', 'negative'])

function numberIn(node: Node): Node {
  const number =
    node.type === 'literal' && (typeof node.value === 'bigint' || typeof node.value === 'number')
  if (countable.has(node.type) || number) return node
  throw new OttlError('a number, path or converter is expected', node.at)
}

function parseOr(parser: TokenReader): Node {
  return parseJoined(parser, 'or', () => parseJoined(parser, 'and', () => parseNot(parser)))
}

function parseJoined(parser: TokenReader, word: 'and' | 'or', parse: () => Node): Node {
  const first = parse()
  if (parser.peek().text !== word) return first
  const parts = [conditionIn(first)]
  while (parser.take(word)) parts.push(conditionIn(parse()))
  return { type: word, at: first.at, parts }
}

function parseNot(parser: TokenReader): Node {
  const { at } = parser.peek()
  if (!parser.take('not')) return parseComparison(parser)
  return { type: 'not', at, of: conditionIn(parseComparison(parser)) }
}

const comparisons = new Set(['==', '!=', '<', '<=', '>', '>='])

function parseComparison(parser: TokenReader): Node {
  const left = parseSum(parser)
  const { kind, text } = parser.peek()
  if (kind !== 'symbol' || !comparisons.has(text)) return left
  parser.next()
  const right = valueIn(parseSum(parser))
  return { type: 'compare', at: left.at, operator: text as Comparison, left: valueIn(left), right }
}

function parseSum(parser: TokenReader): Node {
  return parseMath(parser, ['+', '-'], () => parseMath(parser, ['*', '/'], () => parseSign(parser)))
}

function parseMath(parser: TokenReader, operators: readonly string[], parse: () => Node): Node {
  let left = parse()
  for (;;) {
    const { kind, text } = parser.peek()
    if (kind !== 'symbol' || !operators.includes(text)) return left
    parser.next()
    const right = numberIn(parse())
    left = { type: 'math', at: left.at, operator: text as '+', left: numberIn(left), right }
  }
}

function parseSign(parser: TokenReader): Node {
  const { at } = parser.peek()
  if (parser.take('+')) return numberIn(parsePrimary(parser))
  if (!parser.take('-')) return parsePrimary(parser)
  const of = numberIn(parsePrimary(parser))
  if (of.type !== 'literal') return { type: 'negative', at, of }
  return { type: 'literal', at, value: -(of.value as number) }
}

function parsePrimary(parser: TokenReader): Node {
  const token = parser.next()
  const { at, kind, text } = token
  if (kind === 'string') return { type: 'literal', at, value: token.value! }
  if (kind === 'int') return { type: 'literal', at, value: int64(token) }
  if (kind === 'float') return { type: 'literal', at, value: Number(text) }
  if (kind === 'bytes') return { type: 'literal', at, value: hex(token) }
  if (kind === 'word') return parseWord(parser, token)
  if (text === '(' && kind === 'symbol')
    return parser.deeper(() => {
      const inner = parseOr(parser)
      parser.expect(')')
      return inner
    })
  if (text === '[' && kind === 'symbol') return { type: 'list', at, items: parseList(parser, ']') }
  if (text === '{' && kind === 'symbol') return { type: 'map', at, items: parseMap(parser) }
  throw unexpected(token, 'a value')
}

function int64(token: Token): bigint {
  const value = BigInt(token.text)
  if (value < 2n ** 63n) return value
  throw new OttlError(`${token.text} does not fit in 64 bits`, token.at)
}

function hex(token: Token): Uint8Array {
  if (token.text.length % 2 === 0) return Buffer.from(token.text.slice(2), 'hex')
  throw new OttlError(`${token.text.slice(0, 40)} has an odd number of digits`, token.at)
}

function parseWord(parser: TokenReader, token: Token): Node {
  const { at, text } = token
  if (text === 'nil') return { type: 'literal', at, value: null }
  if (text === 'true' || text === 'false') return { type: 'literal', at, value: text === 'true' }
  if (text === 'and' || text === 'or' || text === 'not') throw unexpected(token, 'a value')
  if (parser.peek().text === '(' && parser.peek().kind === 'symbol') return parseCall(parser, token)
  if (/^[A-Z]/.test(text)) return { type: 'enum', at, name: text }
  return parsePath(parser, token)
}

function parseCall(parser: TokenReader, { at, text: name }: Token): CallNode {
  parser.expect('(')
  const args: Argument[] = []
  parser.deeper(() => {
    while (!parser.take(')')) {
      if (args.length > 0) parser.expect(',')
      args.push(parseArgument(parser))
    }
  })
  return { type: 'call', at, name, args, keys: parseKeys(parser) }
}

function parseArgument(parser: TokenReader): Argument {
  const first = parser.peek()
  const named = first.kind === 'word' && parser.peek(1).text === '='
  if (named) {
    parser.next()
    parser.next()
  }
  const value = valueIn(parseOr(parser))
  return named ? { at: first.at, name: first.text, value } : { at: first.at, value }
}

function parseList(parser: TokenReader, close: string): Node[] {
  const items: Node[] = []
  return parser.deeper(() => {
    while (!parser.take(close)) {
      if (items.length > 0) parser.expect(',')
      items.push(valueIn(parseOr(parser)))
    }
    return items
  })
}

function parseMap(parser: TokenReader): [string, Node][] {
  const items: [string, Node][] = []
  return parser.deeper(() => {
    while (!parser.take('}')) {
      const key = parser.next()
      if (key.kind !== 'string') throw unexpected(key, 'a key in double quotes')
      parser.expect(':')
      items.push([key.value!, valueIn(parseOr(parser))])
      parser.take(',')
    }
    return items
  })
}

function parsePath(parser: TokenReader, first: Token): PathNode {
  const fields = [{ name: lowercase(first), keys: parseKeys(parser) }]
  while (parser.take('.')) {
    const token = parser.next()
    if (token.kind !== 'word') throw unexpected(token, 'a name')
    fields.push({ name: lowercase(token), keys: parseKeys(parser) })
  }
  const end = parser.peek().at
  return { type: 'path', at: first.at, text: parser.text.slice(first.at, end).trim(), fields }
}

function lowercase(token: Token): string {
  if (/^[a-z][a-z0-9_]*$/.test(token.text)) return token.text
  throw new OttlError(`"${token.text}" is no name in a path: small letters, digits and _`, token.at)
}

function parseKeys(parser: TokenReader): Node[] {
  const keys: Node[] = []
  while (parser.take('[')) {
    keys.push(parser.deeper(() => keyIn(valueIn(parseOr(parser)))))
    parser.expect(']')
  }
  return keys
}

function keyIn(node: Node): Node {
  if (node.type === 'literal' && typeof node.value === 'string') return node
  return numberIn(node)
}
