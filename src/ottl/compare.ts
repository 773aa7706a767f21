import { type AnyValue, entryValue, isMap, type ValueMap } from '../logs/value.ts'
import type { Comparison } from './ast.ts'
import { type Duration, type Id, isList, type Time, type Value } from './values.ts'

/**
 * OTTL's comparison: numbers among themselves, and each other type with its own kind only; values
 * of different types are unequal and neither is less. Maps, lists and ids know only == and !=.
 */
export function compare(left: Value, operator: Comparison, right: Value): boolean {
  if (operator === '==') return equal(left, right)
  if (operator === '!=') return !equal(left, right)
  if (left === null && right === null) return operator === '<=' || operator === '>='
  const order = orderOf(left, right)
  if (order === undefined) return false
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

export function equal(left: Value, right: Value): boolean {
  if (isList(left) || isMap(left)) return same(left, right)
  if (isId(left)) return isId(right) && Buffer.compare(left.bytes, right.bytes) === 0
  return (left === null && right === null) || orderOf(left, right) === 0
}

function isId(value: Value): value is Id {
  return value !== null && typeof value === 'object' && 'kind' in value && value.kind === 'id'
}

/** Inside of maps and lists an int is no double. */
function same(left: Value, right: Value): boolean {
  if (isList(left))
    return (
      isList(right) &&
      left.length === right.length &&
      left.every((item, index) => same(item, right[index]!))
    )
  if (isMap(left)) return isMap(right) && sameMaps(left, right)
  return typeof left === typeof right && equal(left, right)
}

function sameMaps(left: ValueMap, right: ValueMap): boolean {
  const others = new Map(right.entries.map((entry) => [entry.key, entryValue(entry)]))
  return (
    left.entries.length === right.entries.length &&
    left.entries.every((entry) => {
      const other: AnyValue | undefined = others.get(entry.key)
      return other !== undefined && same(entryValue(entry), other)
    })
  )
}

/** Below, at or above 0; undefined when the two cannot be compared. */
function orderOf(left: Value, right: Value): number | undefined {
  if (typeof left === 'bigint' || typeof left === 'number') return numberOrder(left, right)
  if (typeof left === 'string')
    return typeof right === 'string' ? textOrder(left, right) : undefined
  if (typeof left === 'boolean')
    return typeof right === 'boolean' ? Number(left) - Number(right) : undefined
  if (left instanceof Uint8Array)
    return right instanceof Uint8Array ? Buffer.compare(left, right) : undefined
  if (!isMoment(left) || !isMoment(right) || left.kind !== right.kind) return undefined
  return sign(left.nanos, right.nanos)
}

function isMoment(value: Value): value is Time | Duration {
  return value !== null && typeof value === 'object' && 'nanos' in value
}

/** Different kinds of number are compared as doubles. */
function numberOrder(left: bigint | number, right: Value): number | undefined {
  if (typeof right !== 'bigint' && typeof right !== 'number') return undefined
  const same = typeof left === typeof right
  const order = same ? sign(left, right) : sign(Number(left), Number(right))
  return Number.isNaN(order) ? undefined : order
}

function sign(left: bigint | number, right: bigint | number): number {
  if (left < right) return -1
  return left > right ? 1 : left === right ? 0 : Number.NaN
}

/** By bytes of UTF-8, as Go does it; UTF-16 differs only where surrogates are. */
function textOrder(left: string, right: string): number {
  if (left === right) return 0
  if (/[\ud800-\udfff]/.test(left) || /[\ud800-\udfff]/.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : 1
}
