import { OttlError } from '../../src/ottl/errors.ts'
import type { Condition } from '../../src/ottl/statements.ts'

/**
 * The condition of the `request` context: `request["<header>"] == "<value>"`, or `!=`. One of the values
 * that the header has must compare so; without the header neither holds. Errors are the Collector's sentences.
 */
export function parseRequestCondition(text: string): Condition {
  const comparators = text.match(/==|!=/g) ?? []
  if (comparators.length === 0) throw wrong('condition does not contain a valid comparator')
  if (comparators.length > 1) throw wrong('condition contains multiple comparators')
  const [comparator] = comparators
  const [left = '', right = ''] = text.split(comparator!).map((part) => part.trim())
  const name = /^request\["(.*)"\]$/.exec(left)?.[1]?.toLowerCase()
  if (name === undefined)
    throw wrong(`condition must have format 'request["<name>"] <comparator> <value>'`)
  const value = /^"(.*)"$/.exec(right)?.[1]
  if (value === undefined)
    throw wrong(`condition must have format 'request["<name>"] <comparator> "<value>"'`)
  const equal = comparator === '=='
  const holds = (values: readonly string[]) => values.some((one) => (one === value) === equal)
  return { text, holds: ({ client }) => holds(client?.[name] ?? []) }
}

function wrong(message: string): OttlError {
  return new OttlError(message, 0)
}
