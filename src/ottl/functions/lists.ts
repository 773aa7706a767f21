import { asText } from '../../logs/any_text.ts'
import { type AnyValue, entryValue, isMap, mapGet, mapOf } from '../../logs/value.ts'
import { compare, equal } from '../compare.ts'
import { Fault, OttlError } from '../errors.ts'
import { isList, typeName, type Value } from '../values.ts'
import { define } from './function.ts'
import { constantText, constantTexts, list, map, optional, value, values } from './params.ts'

const len = define(
  'Len',
  'Bytes of a string, items of a list, entries of a map.',
  { target: value },
  ({ target }) =>
    (view) => {
      const of = target(view)
      if (typeof of === 'string') return BigInt(Buffer.byteLength(of))
      if (isMap(of)) return BigInt(of.entries.length)
      if (isList(of) || of instanceof Uint8Array) return BigInt(of.length)
      throw new Fault(`a ${typeName(of)} has no length`)
    }
)

const keys = define(
  'Keys',
  'The keys of a map, as a list.',
  { target: map },
  ({ target }) =>
    (view) =>
      target(view).entries.map(({ key }) => key)
)

const valuesOf = define(
  'Values',
  'The values of a map, as a list.',
  { target: map },
  ({ target }) =>
    (view) =>
      target(view).entries.map(entryValue)
)

const containsValue = define(
  'ContainsValue',
  'Whether the list has the item.',
  { target: list, item: value },
  ({ target, item }) =>
    (view) => {
      const items = target(view)
      const wanted = item(view)
      return items.some((one) => equal(one, wanted))
    }
)

const index = define(
  'Index',
  'Where the value is first in a list, or a string in a string, counted in bytes; -1 when it is not.',
  { target: value, value },
  (args) => (view) => {
    const of = args.target(view)
    const wanted = args.value(view)
    if (isList(of)) return BigInt(of.findIndex((one) => equal(one, wanted)))
    if (typeof of !== 'string') throw new Fault(`a list or string is expected, not ${typeName(of)}`)
    if (typeof wanted !== 'string') throw new Fault('only a string can be in a string')
    const at = of.indexOf(wanted)
    return BigInt(at < 0 ? at : Buffer.byteLength(of.slice(0, at)))
  }
)

const coalesce = define(
  'Coalesce',
  'The first of the values that is not nil.',
  { values },
  (args, at) => {
    if (args.values.length === 0) throw new OttlError('Coalesce needs a value', at)
    return (view) => {
      for (const one of args.values) {
        const found = one(view)
        if (found !== null) return found
      }
      return null
    }
  }
)

const sort = define(
  'Sort',
  'The list in order, `"asc"` or `"desc"`: numbers as numbers, mixed ones as strings; unchanged with maps, lists or bytes in it.',
  { target: value, order: optional(constantText) },
  ({ target, order = 'asc' }, at) => {
    if (order !== 'asc' && order !== 'desc')
      throw new OttlError(`the order must be asc or desc, not ${order}`, at)
    const sign = order === 'asc' ? 1 : -1
    return (view) => {
      const items = target(view)
      if (!isList(items)) throw new Fault(`a list is expected, not ${typeName(items)}`)
      return sorted(items, sign)
    }
  }
)

function sorted(items: readonly AnyValue[], sign: number): readonly AnyValue[] {
  const isNumber = (item: AnyValue) => typeof item === 'bigint' || typeof item === 'number'
  if (items.some((item) => isList(item) || isMap(item) || item instanceof Uint8Array)) return items
  const mixed =
    items.some((item) => typeof item === 'bigint') &&
    !items.every((item) => typeof item === 'bigint')
  const asNumbers = items.every(isNumber)
  const order = (item: AnyValue): Value => {
    if (!asNumbers) return asText(item)
    return mixed ? Number(item) : item
  }
  return items.toSorted((a, b) => {
    const [left, right] = [order(a), order(b)]
    return compare(left, '<', right) ? -sign : compare(left, '>', right) ? sign : 0
  })
}

const sliceToMap = define(
  'SliceToMap',
  'A map of the items of a list, under what `key_path` leads to in each (without it, its index), with what `value_path` leads to (without it, the item).',
  { target: list, key_path: optional(constantTexts), value_path: optional(constantTexts) },
  ({ target, key_path, value_path }) =>
    (view) => {
      const entries = new Map<string, AnyValue>()
      for (const [at, item] of target(view).entries()) {
        const key = key_path === undefined ? String(at) : inside(item, key_path, at)
        if (typeof key !== 'string') throw new Fault(`the key of item ${at} is no string`)
        entries.set(key, value_path === undefined ? item : inside(item, value_path, at))
      }
      return mapOf(entries)
    }
)

function inside(item: AnyValue, path: readonly string[], at: number): AnyValue {
  let found: AnyValue | undefined = path.length === 0 ? undefined : item
  for (const key of path)
    found = found !== undefined && isMap(found) ? mapGet(found, key) : undefined
  if (found === undefined) throw new Fault(`item ${at} has no ${path.join('.')}`)
  return found
}

export const lists = [len, keys, valuesOf, containsValue, index, coalesce, sort, sliceToMap]
