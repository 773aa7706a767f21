import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type YAMLError
} from 'yaml'
import { ConfigErrors, type Place, type Problem } from './errors.ts'
import { type Entry, limits, type Node, type Scalar, type ScalarNode } from './node.ts'

/**
 * YAML 1.2 with what Go's yaml adds and Collector files use: `<<` merge keys, an anchor defined
 * again, aliases to anchors on empty nodes. Throws ConfigErrors with every syntax error,
 * but not with what follows from one.
 */
export function parseYaml(text: string, source: string): Node {
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { source, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const documents = parsed(text, source, lines)
  const errors = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])
  const problems = errors.filter(isOwn).map((error) => syntaxProblem(error, text, at))
  const second = documents.slice(1).find((document) => document.contents !== null)
  if (second) {
    const place = at(second.range[0])
    problems.push({ place, path: '', message: 'more than one YAML document: give each a file' })
  }
  const node = problems.length === 0 ? build(documents[0]?.contents, at, problems) : undefined
  if (node === undefined || problems.length > 0) throw new ConfigErrors(problems)
  return node
}

function parsed(text: string, source: string, lineCounter: LineCounter): Document.Parsed[] {
  try {
    // 'core' also against `%YAML 1.1`, where `yes` would be true: Go's yaml ignores that line.
    const options = { schema: 'core', prettyErrors: false, uniqueKeys: false, lineCounter } as const
    const documents = parseAllDocuments(text, options)
    return 'empty' in documents ? [] : documents
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new ConfigErrors([{ place: { source }, path: '', message: 'yaml: nested too deeply' }])
  }
}

/** After an error the parser finds everything that stands there unexpected, token by token. */
function isOwn({ message }: YAMLError, index: number): boolean {
  return index === 0 || !/^Unexpected .* (token in YAML stream|at node end)/.test(message)
}

function syntaxProblem(
  { message, pos: [offset] }: YAMLError,
  text: string,
  at: (offset: number) => Place
): Problem {
  // In flow style, `{ a: ${env:X} }`, a plain text ends before a brace, in Go's yaml too.
  const isExpansion = text.startsWith('${', offset - 1)
  const what = isExpansion
    ? `an expansion within { } or [ ] needs quotes: "\${...}"`
    : lowerFirst(message)
  return { place: at(offset), path: '', message: `yaml: ${what}` }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

interface Built {
  readonly node: Node
  /** Nodes in it, those of aliases counted each time: the guard against "billion laughs". */
  readonly size: number
}

function build(contents: unknown, at: (offset: number) => Place, problems: Problem[]) {
  const anchors = new Map<string, Built | 'open'>()
  let total = 0

  const complain = (place: Place, message: string): Node => {
    problems.push({ place, path: '', message: `yaml: ${message}` })
    return { kind: 'scalar', place, value: null, broken: true }
  }
  const visit = (ast: unknown, place: Place, depth: number): Node => {
    if (problems.length > 0 && total > limits.nodes) return scalar(place, null)
    if (depth > limits.depth) return complain(place, 'nested too deeply')
    if (isAlias(ast)) return aliased(ast.source, place)
    const anchor = anchored(ast)
    const before = total
    if (anchor !== undefined) anchors.set(anchor, 'open')
    if (++total > limits.nodes) return complain(place, `more than ${limits.nodes} values`)
    const node = content(ast, place, depth)
    if (anchor !== undefined) anchors.set(anchor, { node, size: total - before })
    return node
  }
  const aliased = (name: string, place: Place): Node => {
    const anchor = anchors.get(name)
    if (anchor === undefined) return complain(place, `unknown anchor '${name}' referenced`)
    if (anchor === 'open') return complain(place, `anchor '${name}' value contains itself`)
    total += anchor.size
    if (total > limits.nodes) return complain(place, `more than ${limits.nodes} values`)
    return { ...anchor.node, place }
  }
  const content = (ast: unknown, place: Place, depth: number): Node => {
    if (isMap(ast)) return map(ast.items, place, depth)
    if (isSeq(ast)) {
      const items = ast.items.map((item) => visit(item, start(item, place), depth + 1))
      return { kind: 'list', place, items }
    }
    if (!isScalar(ast)) return scalar(place, null)
    const node = scalar(place, scalarValue(ast.value, ast.source))
    return isDouble(ast.value, ast.source) ? { ...node, isDouble: true } : node
  }
  const map = (pairs: readonly unknown[], place: Place, depth: number): Node => {
    const entries = new Map<string, Entry>()
    const merged: Node[] = []
    for (const pair of pairs) {
      if (!isPair(pair)) continue
      const keyPlace = start(pair.key, place)
      const node = visit(pair.value, start(pair.value, keyPlace), depth + 1)
      const key = keyText(pair.key)
      const first = key === undefined ? undefined : entries.get(key)
      if (key === undefined) complain(keyPlace, 'a map key must be a plain value')
      else if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') merged.push(node)
      else if (first)
        complain(keyPlace, `mapping key "${key}" already defined at line ${first.place.line}`)
      else entries.set(key, { place: keyPlace, node })
    }
    for (const node of merged) mergeInto(entries, node)
    return { kind: 'map', place, entries }
  }
  // What stands in the map itself wins over what is merged in, and of several the first.
  const mergeInto = (entries: Map<string, Entry>, node: Node): void => {
    const maps = node.kind === 'list' ? node.items : [node]
    for (const one of maps) {
      if (one.kind !== 'map') {
        complain(node.place, 'map merge requires map or sequence of maps as the value')
        return
      }
      for (const [key, entry] of one.entries) if (!entries.has(key)) entries.set(key, entry)
    }
  }
  const start = (ast: unknown, otherwise: Place): Place => {
    const range = rangeOf(ast)
    return range?.[0] === undefined ? otherwise : at(range[0])
  }
  return visit(contents, start(contents, at(0)), 0)
}

function scalar(place: Place, value: Scalar): ScalarNode {
  return { kind: 'scalar', place, value }
}

function scalarValue(value: unknown, source: string | undefined): Scalar {
  if (typeof value === 'number' && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source ?? ''))
    return BigInt(source!.replace('+', ''))
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value))
    return value as Scalar
  // A tag such as !!binary or !!timestamp makes an object: what was written stays text.
  return source ?? String(value)
}

function isDouble(value: unknown, source: string | undefined): boolean {
  return typeof value === 'number' && /^[-+]?(?:\d|\.\d)[\d.]*(?:[.eE])/.test(source ?? '')
}

/** A key is what was written: `1:` and `true:` are text. */
function keyText(key: unknown): string | undefined {
  if (key === null) return ''
  if (!isScalar(key)) return undefined
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value ?? ''))
}

function anchored(ast: unknown): string | undefined {
  return isMap(ast) || isSeq(ast) || isScalar(ast) ? ast.anchor : undefined
}

function rangeOf(ast: unknown): readonly number[] | undefined {
  const known = isMap(ast) || isSeq(ast) || isScalar(ast) || isAlias(ast)
  return known ? (ast.range ?? undefined) : undefined
}
