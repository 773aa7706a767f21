import type { Meta } from '../../src/component.ts'

/** Whether a request came with such a header. */
export type RequestCondition = (client: Meta['client']) => boolean

/**
 * The condition of the `request` context: `request["<name>"] == "<value>"`, or `!=`. One of the values that
 * the header has must compare so; without the header neither holds. Throws the Collector's sentence.
 */
export function parseRequestCondition(text: string): RequestCondition {
  const comparators = text.match(/==|!=/g) ?? []
  if (comparators.length === 0) throw new Error('condition does not contain a valid comparator')
  if (comparators.length > 1) throw new Error('condition contains multiple comparators')
  const [comparator] = comparators
  const [left = '', right = ''] = text.split(comparator!).map((part) => part.trim())
  const name = /^request\["(.*)"\]$/.exec(left)?.[1]?.toLowerCase()
  if (name === undefined)
    throw new Error(`condition must have format 'request["<name>"] <comparator> <value>'`)
  const value = /^"(.*)"$/.exec(right)?.[1]
  if (value === undefined)
    throw new Error(`condition must have format 'request["<name>"] <comparator> "<value>"'`)
  const equal = comparator === '=='
  return (client) => (client?.[name] ?? []).some((one) => (one === value) === equal)
}
