import { asText } from '../logs/any_text.ts'
import { type Message, readAttribute, readField, setField } from '../logs/message.ts'
import { type Field, recordFields } from '../logs/message_fields.ts'
import { type AnyValue, emptyMap, isMap, mapOf, mapWith, type ValueMap } from '../logs/value.ts'
import { Fault } from './errors.ts'
import { valueAt, valueWith } from './index_of.ts'
import type { Keys } from './paths.ts'
import {
  isList,
  storable,
  type TypeName,
  timeOf,
  typeName,
  type Value,
  type View
} from './values.ts'

/** What one path leads to; `at` is what its keys lead to, where it has any. */
export interface Place {
  readonly type: string
  readonly get: (view: View) => Value
  readonly set?: (view: View, value: Value) => void
  readonly at?: (keys: Keys, first: string | undefined) => Omit<Place, 'type' | 'at'>
}

export const cache: Place = {
  type: 'map',
  get: (view) => view.cache,
  set: (view, value) => {
    view.cache = mapIn(value)
  },
  at: (keys) => ({
    get: (view) => valueAt(view.cache, worked(keys, view)),
    set: (view, value) => {
      view.cache = valueWith(view.cache, worked(keys, view), storable(value)) as ValueMap
    }
  })
}

/** The headers of the request, by name in any case, each a list; without `include_metadata` there are none. */
export const clientMetadata: Place = {
  type: 'map',
  get: ({ client = {} }) => mapOf(Object.entries(client)),
  at: ([name, ...rest]) => ({
    get: (view) => {
      const values = view.client?.[ofType(name!(view), 'string').toLowerCase()]
      if (values === undefined) return null
      return rest.length === 0 ? values : valueAt(values, worked(rest, view))
    }
  })
}

export const severity: Place = {
  type: 'int',
  get: (view) => BigInt(readField(view.record, recordFields.severity)),
  set: (view, value) =>
    setField(view.record, recordFields.severity, Number(BigInt.asIntN(32, ofType(value, 'int'))))
}

export const body: Place = {
  type: 'any value',
  get: (view) => readField(view.record, recordFields.body),
  set: (view, value) => setField(view.record, recordFields.body, storable(value)),
  at: bodyAt
}

export const bodyText: Place = {
  type: 'string',
  get: (view) => asText(readField(view.record, recordFields.body)),
  set: (view, value) => setField(view.record, recordFields.body, ofType(value, 'string'))
}

type Of = (view: View) => Message

export function text(of: Of, field: Field<string>): Place {
  return {
    type: 'string',
    get: (view) => readField(of(view), field),
    set: (view, value) => setField(of(view), field, ofType(value, 'string'))
  }
}

/** Unsigned 32 bits on the wire, an int here. */
export function count(of: Of, field: Field<number>): Place {
  return {
    type: 'int',
    get: (view) => BigInt(readField(of(view), field)),
    set: (view, value) =>
      setField(of(view), field, Number(BigInt.asUintN(32, ofType(value, 'int'))))
  }
}

export function nanos(field: Field<bigint>): Place {
  return {
    type: 'int',
    get: (view) => BigInt.asIntN(64, readField(view.record, field)),
    set: (view, value) => setField(view.record, field, BigInt.asUintN(64, ofType(value, 'int')))
  }
}

export function instant(field: Field<bigint>): Place {
  return {
    type: 'time',
    get: (view) => timeOf(BigInt.asIntN(64, readField(view.record, field))),
    set: (view, value) =>
      setField(view.record, field, BigInt.asUintN(64, ofType(value, 'time').nanos))
  }
}

export function id(field: Field<Uint8Array>, length: number): Place {
  const zero = new Uint8Array(length)
  return {
    type: 'id',
    get: (view) => ({ kind: 'id', bytes: idOr(readField(view.record, field), zero) }),
    set: (view, value) => {
      const { bytes } = ofType(value, 'id')
      if (bytes.length !== zero.length)
        throw new Fault(`an id of ${bytes.length} bytes, must be ${zero.length}`)
      setField(view.record, field, bytes)
    }
  }
}

export function idText(field: Field<Uint8Array>, length: number): Place {
  const zero = new Uint8Array(length)
  return {
    type: 'string',
    get: (view) => Buffer.from(idOr(readField(view.record, field), zero)).toString('hex'),
    set: (view, value) => {
      const digits = ofType(value, 'string')
      const bytes = Buffer.from(digits, 'hex')
      if (bytes.length !== zero.length || digits.length !== zero.length * 2)
        throw new Fault(`an id of ${zero.length * 2} hex digits is expected`)
      setField(view.record, field, bytes)
    }
  }
}

function idOr(bytes: Uint8Array, zero: Uint8Array): Uint8Array {
  return bytes.length === 0 ? zero : bytes
}

export function attributes(of: Of, field: Field<ValueMap>): Place {
  return {
    type: 'map',
    get: (view) => readField(of(view), field),
    set: (view, value) => setField(of(view), field, mapIn(value)),
    at: (keys, first) =>
      first === undefined ? byKeys(of, field, keys) : byName(of, field, keys, first)
  }
}

/** The usual case: a key that is known, looked for in the bytes without reading the others. */
function byName(of: Of, field: Field<ValueMap>, keys: Keys, name: string) {
  const bytes = Buffer.from(name)
  const rest = keys.slice(1)
  const found = (view: View) => readAttribute(of(view), field, name, bytes)
  return {
    get: (view: View) => {
      const value = found(view)
      if (value === undefined) return null
      return rest.length === 0 ? value : valueAt(value, worked(rest, view))
    },
    set: (view: View, value: Value) => {
      const stored = storable(value)
      const whole =
        rest.length === 0 ? stored : valueWith(found(view) ?? null, worked(rest, view), stored)
      setField(of(view), field, mapWith(readField(of(view), field), name, whole))
    }
  }
}

function byKeys(of: Of, field: Field<ValueMap>, keys: Keys) {
  return {
    get: (view: View) => valueAt(readField(of(view), field), worked(keys, view)),
    set: (view: View, value: Value) => {
      const map = valueWith(readField(of(view), field), worked(keys, view), storable(value))
      setField(of(view), field, map as ValueMap)
    }
  }
}

function bodyAt(keys: Keys) {
  return {
    get: (view: View) => valueAt(indexable(view), worked(keys, view)),
    set: (view: View, value: Value) => {
      const body = valueWith(indexable(view), worked(keys, view), storable(value))
      setField(view.record, recordFields.body, body)
    }
  }
}

function indexable(view: View): AnyValue {
  const body = readField(view.record, recordFields.body)
  if (isMap(body) || isList(body)) return body
  throw new Fault(`a body of type ${typeName(body)} cannot be indexed`)
}

function worked(keys: Keys, view: View): Value[] {
  return keys.map((key) => key(view))
}

/** nil empties a map. */
function mapIn(value: Value): ValueMap {
  if (value === null) return emptyMap
  const stored = storable(value)
  if (isMap(stored)) return stored
  throw new Fault(`a ${typeName(value)} cannot be set here, a map is expected`)
}

interface Types {
  string: string
  int: bigint
  time: Extract<Value, { kind: 'time' }>
  id: Extract<Value, { kind: 'id' }>
}

function ofType<T extends keyof Types & TypeName>(value: Value, type: T): Types[T] {
  if (typeName(value) === type) return value as unknown as Types[T]
  throw new Fault(`a ${typeName(value)} cannot be set here, a ${type} is expected`)
}
