import { type AnyValue, isMap, type ValueMap } from '../../logs/value.ts'
import type { Getter } from '../compiler.ts'
import { Fault } from '../errors.ts'
import { isList, typeName, type Value } from '../values.ts'
import { define, type OttlFunction, type Param } from './function.ts'
import { anyAsBool, anyAsDouble, anyAsInt, anyAsText, value } from './params.ts'

const is = (name: string, type: string, test: (value: Value) => boolean): OttlFunction =>
  define(
    name,
    `Whether the value is ${type}.`,
    { target: value },
    ({ target }) =>
      (view) =>
        test(target(view))
  )

const to = <T>(name: string, param: Param<Getter<T>>, summary: string): OttlFunction =>
  define(name, summary, { target: param }, ({ target }) => target)

const log = define(
  'Log',
  'The natural logarithm of the value as a double, which must be above 0.',
  { target: anyAsDouble },
  ({ target }) =>
    (view) => {
      const of = target(view)
      if (of === null || of <= 0) throw new Fault('only numbers above 0 have a logarithm')
      return Math.log(of)
    }
)

export const types = [
  is('IsBool', 'a bool', (value) => typeof value === 'boolean'),
  is('IsDouble', 'a double', (value) => typeof value === 'number'),
  is('IsInt', 'an int', (value) => typeof value === 'bigint'),
  is('IsString', 'a string', (value) => typeof value === 'string'),
  is('IsMap', 'a map', isMap),
  is('IsList', 'a list', isList),
  is('IsEmpty', 'nil, empty, 0 or false', isEmpty),
  to(
    'Bool',
    anyAsBool,
    'The value as a bool: numbers by whether they are 0, strings such as "true", "F", "1".'
  ),
  to('Double', anyAsDouble, 'The value as a double; a string that is none is a fault.'),
  to('Int', anyAsInt, 'The value as an int, doubles towards 0; a string that is none is a fault.'),
  to('String', anyAsText, 'The value as a string: JSON for maps and lists, hex for bytes.'),
  log
]

function isEmpty(value: Value): boolean {
  const type = typeName(value)
  if (type === 'map') return (value as ValueMap).entries.length === 0
  if (type === 'list' || type === 'bytes') return (value as readonly AnyValue[]).length === 0
  if (type === 'id') return (value as { bytes: Uint8Array }).bytes.every((byte) => byte === 0)
  // No instant that OTLP can say is Go's zero time, the year 1.
  if (type === 'time') return false
  if (type === 'duration') return (value as { nanos: bigint }).nanos === 0n
  return value === null || value === '' || value === 0n || value === 0 || value === false
}
