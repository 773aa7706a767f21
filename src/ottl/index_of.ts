import { type AnyValue, emptyMap, isMap, mapGet, mapWith } from '../logs/value.ts'
import { Fault } from './errors.ts'
import { isList, typeName, type Value } from './values.ts'

/** An index into an empty value makes a list of so many; more is a mistake, or an attack through data. */
const newListLimit = 10_000

/** What a path's keys lead to: nil when a map lacks the key, a fault when there is nothing to index. */
export function valueAt(value: AnyValue, keys: readonly Value[]): AnyValue {
  let at = value
  for (const key of keys) {
    if (isMap(at)) {
      const found = mapGet(at, textKey(key))
      if (found === undefined) return null
      at = found
    } else if (isList(at)) at = at[listIndex(at, key)]!
    else throw new Fault(`a ${typeName(at)} cannot be indexed`)
  }
  return at
}

/** The value with another one where the keys lead to; maps and lists on the way are made when there is nothing. */
export function valueWith(value: AnyValue, keys: readonly Value[], by: AnyValue): AnyValue {
  const [key, ...rest] = keys
  if (key === undefined) return by
  if (isMap(value)) {
    const name = textKey(key)
    return mapWith(value, name, valueWith(mapGet(value, name) ?? null, rest, by))
  }
  if (isList(value))
    return value.with(listIndex(value, key), valueWith(value[Number(key)]!, rest, by))
  if (value !== null) throw new Fault(`a ${typeName(value)} cannot be indexed`)
  if (typeof key === 'string') return mapWith(emptyMap, key, valueWith(null, rest, by))
  if (typeof key !== 'bigint') throw new Fault(`a ${typeName(key)} is no key`)
  if (key < 0n || key >= newListLimit) throw new Fault('the index is out of bounds')
  return [...new Array<null>(Number(key)).fill(null), valueWith(null, rest, by)]
}

/** What stands in brackets behind a converter: here a missing key is a fault too. */
export function resultAt(value: Value, key: Value): Value {
  if (typeof key === 'string') {
    if (!isMap(value)) throw new Fault(`a ${typeName(value)} has no text keys`)
    const found = mapGet(value, key)
    if (found === undefined) throw new Fault('the map does not have that key')
    return found
  }
  if (typeof key !== 'bigint') throw new Fault(`a ${typeName(key)} is no key`)
  if (isList(value)) return value[listIndex(value, key)]!
  throw new Fault(`a ${typeName(value)} has no number keys`)
}

function textKey(key: Value): string {
  if (typeof key === 'string') return key
  throw new Fault(`a ${typeName(key)} is no key of a map`)
}

function listIndex(list: readonly unknown[], key: Value): number {
  if (typeof key !== 'bigint') throw new Fault(`a ${typeName(key)} is no index of a list`)
  if (key < 0n || key >= list.length) throw new Fault('the index is out of bounds')
  return Number(key)
}
