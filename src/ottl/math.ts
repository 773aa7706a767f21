import type { MathNode } from './ast.ts'
import { Fault } from './errors.ts'
import { type Duration, durationOf, type Time, timeOf, typeName, type Value } from './values.ts'

/** int64 with int64 wraps and divides as Go does; with a double both are doubles. */
export function calculate(left: Value, operator: MathNode['operator'], right: Value): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') return ints(left, operator, right)
  if (isNumber(left) && isNumber(right)) return doubles(Number(left), operator, Number(right))
  const moment = moments(left, operator, right)
  if (moment !== undefined) return moment
  throw new Fault(`${typeName(left)} ${operator} ${typeName(right)} cannot be calculated`)
}

export function negate(value: Value): Value {
  if (typeof value === 'bigint') return BigInt.asIntN(64, -value)
  if (typeof value === 'number') return -value
  throw new Fault(`a ${typeName(value)} cannot be negated`)
}

function isNumber(value: Value): value is bigint | number {
  return typeof value === 'bigint' || typeof value === 'number'
}

function ints(left: bigint, operator: MathNode['operator'], right: bigint): bigint {
  if (operator === '+') return BigInt.asIntN(64, left + right)
  if (operator === '-') return BigInt.asIntN(64, left - right)
  if (operator === '*') return BigInt.asIntN(64, left * right)
  if (right === 0n) throw new Fault('division by 0')
  return BigInt.asIntN(64, left / right)
}

function doubles(left: number, operator: MathNode['operator'], right: number): number {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  if (right === 0) throw new Fault('division by 0')
  return left / right
}

function moments(left: Value, operator: MathNode['operator'], right: Value): Value | undefined {
  if (operator !== '+' && operator !== '-') return undefined
  const plus = operator === '+'
  if (isMoment(left, 'time')) {
    if (isMoment(right, 'duration'))
      return timeOf(left.nanos + (plus ? right.nanos : -right.nanos), left.zone)
    return !plus && isMoment(right, 'time') ? durationOf(left.nanos - right.nanos) : undefined
  }
  if (!isMoment(left, 'duration')) return undefined
  if (isMoment(right, 'duration'))
    return durationOf(left.nanos + (plus ? right.nanos : -right.nanos))
  return plus && isMoment(right, 'time') ? timeOf(right.nanos + left.nanos, right.zone) : undefined
}

function isMoment(value: Value, kind: 'time'): value is Time
function isMoment(value: Value, kind: 'duration'): value is Duration
function isMoment(value: Value, kind: string): boolean {
  return typeName(value) === kind
}
