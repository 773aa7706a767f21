import { type AnyValue, entryValue, isMap, mapOf, type ValueMap } from '../../logs/value.ts'
import { OttlError } from '../errors.ts'
import { isList } from '../values.ts'
import { define } from './function.ts'
import { constantBool, constantInt, constantText, mapTarget, optional } from './params.ts'

export const flatten = define(
  'flatten',
  'Moves what is inside maps and lists up, under keys joined by dots; `resolve_conflicts` numbers keys that meet.',
  {
    target: mapTarget,
    prefix: optional(constantText),
    depth: optional(constantInt),
    resolve_conflicts: optional(constantBool)
  },
  ({ target, prefix = '', depth, resolve_conflicts: resolve = false }, at) => {
    if (depth !== undefined && depth < 1n) throw new OttlError('the depth must be 1 or more', at)
    const deepest = depth === undefined ? Number.POSITIVE_INFINITY : Number(depth)
    return (view) => {
      const flat = new Map<string, AnyValue>()
      flattenMap(target.get(view), prefix, 0, {
        deepest,
        put: resolve ? numbered(flat) : plain(flat)
      })
      target.set(view, mapOf(flat))
    }
  }
)

interface Rules {
  readonly deepest: number
  /** `index`: the value stood in a list. */
  readonly put: (key: string, value: AnyValue, index?: number) => void
}

function flattenMap(map: ValueMap, prefix: string, depth: number, rules: Rules): void {
  const begin = prefix === '' ? '' : `${prefix}.`
  for (const entry of map.entries) flattenValue(begin + entry.key, entryValue(entry), depth, rules)
}

function flattenValue(key: string, value: AnyValue, depth: number, rules: Rules): void {
  if (isMap(value) && depth < rules.deepest) flattenMap(value, key, depth + 1, rules)
  else if (isList(value) && depth < rules.deepest) flattenList(value, key, depth, rules)
  else rules.put(key, value)
}

function flattenList(list: readonly AnyValue[], key: string, depth: number, rules: Rules): void {
  for (const [index, item] of list.entries()) {
    const deeper = depth + 1 < rules.deepest
    if (isMap(item) && deeper) flattenMap(item, `${key}.${index}`, depth + 2, rules)
    else if (isList(item) && deeper)
      for (const [inner, value] of item.entries())
        flattenValue(`${key}.${index}${inner}`, value, depth + 3, rules)
    else rules.put(key, item, index)
  }
}

function plain(flat: Map<string, AnyValue>): Rules['put'] {
  return (key, value, index) => flat.set(index === undefined ? key : `${key}.${index}`, value)
}

/** The first keeps the key, the others get `.0`, `.1` …; items of lists share the key of their list. */
function numbered(flat: Map<string, AnyValue>): Rules['put'] {
  const next = new Map<string, number>()
  return (key, value) => {
    const number = next.get(key) ?? 0
    if (!flat.has(key)) flat.set(key, value)
    else {
      flat.set(`${key}.${number}`, value)
      next.set(key, number + 1)
    }
  }
}
