import type { Meta } from '../../src/component.ts'
import type { Surroundings } from '../../src/ottl/paths.ts'
import { mistakeIn, type Rule } from '../../src/ottl/rules.ts'
import {
  type Condition,
  compileConditions,
  contextsIn,
  type ErrorMode,
  parseCondition,
  parseRoute
} from '../../src/ottl/statements.ts'
import type { Tally } from '../../src/ottl/tally.ts'
import type { View } from '../../src/ottl/values.ts'
import { parseRequestCondition } from './request_condition.ts'

/** An entry of the table, its condition or its statement given. */
export interface WrittenRoute {
  readonly context?: 'log' | 'resource' | 'request' | undefined
  readonly condition: string
  readonly statement: string
  readonly pipelines: readonly string[]
  readonly action: 'move' | 'copy'
}

/** A route as it runs; what it looks at decides how often it is asked. */
export type Route = Pick<WrittenRoute, 'pipelines' | 'action'> &
  (
    | { readonly of: 'request'; readonly holds: (client: Meta['client']) => boolean }
    | { readonly of: 'resource' | 'log'; readonly holds: (view: View) => boolean }
  )

export function routeOf(
  written: WrittenRoute,
  index: number,
  mode: ErrorMode,
  tally: Tally
): Route {
  const { pipelines, action } = written
  if (written.context === 'request')
    return { pipelines, action, of: 'request', holds: parseRequestCondition(written.condition) }
  const rule = ruleOf(written, index)
  const holds = compileConditions([parse(written)], {
    errorMode: mode,
    failed: tally.failing([rule])
  })
  return { pipelines, action, of: surroundingsOf(written).context, holds }
}

/** What is wrong with a route's text, with its path in the connector's options. */
export function mistakesInRoute(written: WrittenRoute, index: number) {
  const { context, condition, statement } = written
  if (condition === '' && (statement === '' || context === 'request')) return []
  if (context !== 'request') return mistakeIn(ruleOf(written, index), () => parse(written))
  try {
    parseRequestCondition(condition)
    return []
  } catch (error) {
    return [{ path: ['table', index, 'condition'], message: (error as Error).message }]
  }
}

/** What a route asks: of two that ask the same the second never has its turn. */
export function questionOf(written: WrittenRoute): string {
  const { context, condition, statement } = written
  const text = condition || statement.replace(/^\s*route\s*\(\s*\)\s*where\b/, '')
  const of = context === 'request' ? context : surroundingsOf(written).context
  return `${of} ${text.trim()}`
}

function ruleOf({ condition, statement }: WrittenRoute, index: number): Rule {
  const key = condition === '' ? 'statement' : 'condition'
  return { path: ['table', index, key], text: condition || statement }
}

function parse(written: WrittenRoute): Condition {
  const { condition, statement } = written
  const surroundings = surroundingsOf(written)
  return condition === ''
    ? parseRoute(statement, surroundings)
    : parseCondition(condition, surroundings)
}

/** Without a context, the one that the paths name; those that name none are of the resource. */
function surroundingsOf({ context, condition, statement }: WrittenRoute): Surroundings & {
  readonly context: 'log' | 'resource'
} {
  if (context === 'log' || context === 'resource') return { context, implied: true }
  const seen = contextsIn([condition || statement])
  if (seen.has('log') || seen.has('scope')) return { context: 'log', implied: false }
  return { context: 'resource', implied: seen.size === 0 }
}
