import { type AnyValue, emptyMap } from '../../logs/value.ts'
import { Fault, OttlError } from '../errors.ts'
import { durationOf, type Id, isList, storable, timeOf, typeName, type Value } from '../values.ts'
import { define } from './function.ts'
import { int, listTarget, optional, target, value, values } from './params.ts'

const set = define(
  'set',
  'Sets the path to the value. nil empties what can be empty, an attribute too, and is a fault for the rest.',
  { target, value },
  ({ target, value }) =>
    (view) =>
      target.set(view, value(view))
)

const append = define(
  'append',
  'Puts values behind those of a list; a single value becomes a list first.',
  { target, value: optional(value), values: optional(values) },
  ({ target, value, values = [] }, at) => {
    if (value === undefined && values.length === 0)
      throw new OttlError('append needs value or values', at)
    const added = value === undefined ? values : [value, ...values]
    return (view) => {
      const now = target.get(view)
      const items: readonly AnyValue[] = isList(now) ? now : now === null ? [] : [storable(now)]
      target.set(view, [...items, ...added.map((item) => storable(item(view)))])
    }
  }
)

const deleteIndex = define(
  'delete_index',
  'Removes the items of a list from one index up to another, which stays.',
  { target: listTarget, start_index: int, end_index: optional(int) },
  ({ target, start_index, end_index }) =>
    (view) => {
      const items = target.get(view)
      const start = start_index(view)
      const end = end_index === undefined ? start + 1n : end_index(view)
      const all = start === 0n && end === BigInt(items.length)
      if (!all && (start < 0n || start >= items.length || end < start || end > items.length))
        throw new Fault('an index is out of bounds')
      target.set(view, items.toSpliced(Number(start), Number(end - start)))
    }
)

const clear = define(
  'clear',
  'Empties the path: no entries, no items, "", 0, false, after what is there.',
  { target },
  ({ target }) =>
    (view) =>
      target.set(view, emptied(target.get(view)))
)

function emptied(value: Value): Value {
  const type = typeName(value)
  if (type === 'map') return emptyMap
  if (type === 'list') return []
  if (type === 'bytes') return new Uint8Array()
  if (type === 'id') return { kind: 'id', bytes: new Uint8Array((value as Id).bytes.length) }
  // Go's zero time is the year 1, before what OTLP can say; unset is what is meant.
  if (type === 'time') return timeOf(0n)
  const zeros = { string: '', int: 0n, double: 0, bool: false, nil: null, duration: durationOf(0n) }
  return zeros[type]
}

export const editValues = [set, append, deleteIndex, clear]
