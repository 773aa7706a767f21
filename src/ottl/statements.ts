import { emptyMap } from '../logs/value.ts'
import type { Node } from './ast.ts'
import type { Getter } from './compiler.ts'
import { Fault, OttlError } from './errors.ts'
import { newCompiler } from './expression.ts'
import { parseConditionText, parseStatementText, parseValueText } from './parser.ts'
import { prefixOf, type Surroundings } from './paths.ts'
import type { Context, Owner } from './places.ts'
import type { Value, View } from './values.ts'

export interface Statement {
  readonly text: string
  /** Changes what the view shows; false when its condition did not hold. Throws a Fault. */
  readonly run: (view: View) => boolean
}

export interface Condition {
  readonly text: string
  readonly holds: (view: View) => boolean
}

/** Throws an OttlError with the place in the text. */
export function parseStatement(text: string, surroundings: Surroundings): Statement {
  const { editor, where } = parseStatementText(text)
  const compiler = newCompiler(surroundings)
  const edit = compiler.call(editor)
  const holds = where === undefined ? () => true : compiler.condition(where)
  return {
    text,
    run: (view) => {
      if (!holds(view)) return false
      edit(view)
      return true
    }
  }
}

export function parseCondition(text: string, surroundings: Surroundings): Condition {
  return { text, holds: newCompiler(surroundings).condition(parseConditionText(text)) }
}

/** `route() where condition`, as the routing connector has it; without a condition it always holds. */
export function parseRoute(text: string, surroundings: Surroundings): Condition {
  const { editor, where } = parseStatementText(text)
  if (editor.name !== 'route' || editor.args.length > 0)
    throw new OttlError('a route changes nothing: route() is expected', editor.at)
  const holds = where === undefined ? () => true : newCompiler(surroundings).condition(where)
  return { text, holds }
}

/** Throws an OttlError with the place in the text. */
export function parseValue(text: string, surroundings: Surroundings): Getter<Value> {
  return newCompiler(surroundings).expression(parseValueText(text))
}

/**
 * What statements that are run together work on, from the paths in them: each record when one of
 * them has a path of the log, else each scope or resource. Texts that do not parse are left out:
 * parseStatement says what is wrong with them.
 */
export function contextOf(texts: readonly string[]): Context {
  const seen = ownersIn(texts)
  if (seen.has('log')) return 'log'
  if (seen.has('scope')) return 'scope'
  return seen.has('resource') ? 'resource' : 'log'
}

/** Whose the paths say that they are. */
export function ownersIn(texts: readonly string[]): ReadonlySet<Owner> {
  const seen = new Set<Owner>()
  for (const text of texts) {
    try {
      for (const node of nodesOf(text)) collect(node, seen)
    } catch (error) {
      if (!(error instanceof OttlError)) throw error
    }
  }
  return seen
}

function nodesOf(text: string): Node[] {
  if (!/^\s*[a-z]\w*\s*\(/.test(text)) return [parseConditionText(text)]
  const { editor, where } = parseStatementText(text)
  return where === undefined ? [editor] : [editor, where]
}

/** Every node is data: whatever hangs under one is looked at. */
function collect(node: unknown, into: Set<Owner>): void {
  if (Array.isArray(node)) for (const item of node) collect(item, into)
  else if (typeof node === 'object' && node !== null && !(node instanceof Uint8Array)) {
    if ('type' in node && node.type === 'path') {
      const owner = prefixOf(node as Extract<Node, { type: 'path' }>)
      if (owner !== undefined) into.add(owner)
    }
    for (const value of Object.values(node)) collect(value, into)
  }
}

/** What becomes of a Fault: ignored and told, ignored, or thrown on. */
export type ErrorMode = 'ignore' | 'silent' | 'propagate'

export interface RunOptions {
  readonly errorMode: ErrorMode
  /** With `ignore`: the place of the statement or condition that failed, and why. */
  readonly failed?: (index: number, reason: Error) => void
  /** The place of a statement that was run, or of the condition that held. */
  readonly matched?: (index: number) => void
  /** `cache` keeps what other statements of the same record have put there. */
  readonly sharedCache?: boolean
}

/** Runs all of them, in order, on what the view shows. */
export function compileStatements(statements: readonly Statement[], options: RunOptions) {
  const { matched, sharedCache = false } = options
  return (view: View): void => {
    if (!sharedCache) view.cache = emptyMap
    for (const [index, statement] of statements.entries()) {
      try {
        if (statement.run(view)) matched?.(index)
      } catch (error) {
        failed(index, statement.text, error, options)
      }
    }
  }
}

/** Whether one of them holds; one that fails does not. */
export function compileConditions(conditions: readonly Condition[], options: RunOptions) {
  const { matched, sharedCache = false } = options
  return (view: View): boolean => {
    if (!sharedCache) view.cache = emptyMap
    for (const [index, condition] of conditions.entries()) {
      try {
        if (!condition.holds(view)) continue
        matched?.(index)
        return true
      } catch (error) {
        failed(index, condition.text, error, options)
      }
    }
    return false
  }
}

function failed(index: number, text: string, error: unknown, options: RunOptions): void {
  const reason = error instanceof Error ? error : new Error(String(error))
  if (options.errorMode === 'propagate')
    throw new Fault(`running ${JSON.stringify(text.slice(0, 200))}: ${reason.message}`, {
      cause: error
    })
  if (options.errorMode === 'ignore') options.failed?.(index, reason)
}
