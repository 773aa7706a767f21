import { OttlError } from '../../src/ottl/errors.ts'
import type { Surroundings } from '../../src/ottl/paths.ts'
import { mistakeIn, type Rule } from '../../src/ottl/rules.ts'
import {
  type Condition,
  compileConditions,
  type ErrorMode,
  ownersIn,
  parseCondition,
  parseRoute
} from '../../src/ottl/statements.ts'
import type { Tally } from '../../src/ottl/tally.ts'
import type { View } from '../../src/ottl/values.ts'
import { parseRequestCondition } from './request_condition.ts'

/** An entry of the table, its condition or its statement given. */
export interface WrittenRoute {
  readonly context?: 'log' | 'resource' | 'otelcol' | 'request' | undefined
  readonly condition: string
  readonly statement: string
  readonly pipelines: readonly string[]
  readonly action: 'move' | 'copy'
}

/** A route as it runs. */
export interface Route extends Pick<WrittenRoute, 'pipelines' | 'action'> {
  /** What it asks, and so how often: once for all records of a request or of a resource, or for each. */
  readonly of: 'request' | 'resource' | 'log'
  readonly holds: (view: View) => boolean
}

export function routeOf(
  written: WrittenRoute,
  index: number,
  mode: ErrorMode,
  tally: Tally
): Route {
  const { pipelines, action } = written
  const rule = ruleOf(written, index)
  const holds = compileConditions([parse(written)], {
    errorMode: mode,
    failed: tally.failing([rule])
  })
  return { pipelines, action, of: askedOf(written), holds }
}

/** What is wrong with a route's text, with its path in the connector's options. */
export function mistakesInRoute(written: WrittenRoute, index: number) {
  const { context, condition, statement } = written
  if (condition === '' && (statement === '' || context === 'request')) return []
  return mistakeIn(ruleOf(written, index), () => parse(written))
}

/** What a route asks: of two that ask the same the second never has its turn. */
export function questionOf(written: WrittenRoute): string {
  const { condition, statement } = written
  const text = condition || statement.replace(/^\s*route\s*\(\s*\)\s*where\b/, '')
  return `${askedOf(written)} ${text.trim()}`
}

function ruleOf({ condition, statement }: WrittenRoute, index: number): Rule {
  const key = condition === '' ? 'statement' : 'condition'
  return { path: ['table', index, key], text: condition || statement }
}

function parse(written: WrittenRoute): Condition {
  const { context, condition, statement } = written
  if (context === 'request') return parseRequestCondition(condition)
  const surroundings = surroundingsOf(written)
  if (context === 'otelcol' && askedOf(written) !== 'request')
    throw new OttlError('all paths must begin with otelcol in this context', 0)
  return condition === ''
    ? parseRoute(statement, surroundings)
    : parseCondition(condition, surroundings)
}

/** Without a context, the one that the paths name; those that name none are of the resource. */
function askedOf({ context, condition, statement }: WrittenRoute): Route['of'] {
  if (context === 'log' || context === 'resource' || context === 'request') return context
  const seen = ownersIn([condition || statement])
  if (seen.has('log') || seen.has('scope')) return 'log'
  return seen.has('otelcol') && seen.size === 1 ? 'request' : 'resource'
}

function surroundingsOf(written: WrittenRoute): Surroundings {
  const { context, condition, statement } = written
  if (context === 'log' || context === 'resource') return { context, implied: true }
  const of = askedOf(written)
  const implied = of === 'resource' && ownersIn([condition || statement]).size === 0
  return { context: of === 'log' ? 'log' : 'resource', implied }
}
