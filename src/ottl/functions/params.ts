import { type AnyValue, isMap, type ValueMap } from '../../logs/value.ts'
import type { Argument, Node } from '../ast.ts'
import { type Compiler, constant, type Getter } from '../compiler.ts'
import { Fault, OttlError } from '../errors.ts'
import type { Path } from '../paths.ts'
import { type Duration, isList, type Time, typeName, type Value, type View } from '../values.ts'
import { boolLike, bytesLike, doubleLike, intLike, textLike } from './convert.ts'
import { make, type Param } from './function.ts'

/** Any value. */
export const value: Param<Getter<Value>> = {
  takes: 'value',
  build: (argument, compiler) => compiler.expression(argument.value)
}

export const text = typed('string', (of) => (typeof of === 'string' ? of : undefined))
export const int = typed('int', (of) => (typeof of === 'bigint' ? of : undefined))
export const map = typed('map', (of): ValueMap | undefined => (isMap(of) ? of : undefined))
export const list = typed('list', (of) => (isList(of) ? of : undefined))
const listOrNil = typed('list', (of) => (isList(of) ? of : of === null ? [] : undefined))
export const time = typed('time', (of) => (typeName(of) === 'time' ? (of as Time) : undefined))
export const duration = typed('duration', (of) =>
  typeName(of) === 'duration' ? (of as Duration) : undefined
)

/** A value of one type; another one, and nil, is a fault. */
function typed<T>(type: string, take: (of: Value) => T | undefined): Param<Getter<T>> {
  return {
    takes: type,
    build: (argument, compiler) =>
      mapped(compiler.expression(argument.value), argument.at, (of) => {
        const taken = take(of)
        if (taken !== undefined) return taken
        throw new Fault(
          `a ${type} is expected, not ${typeName(of) === 'nil' ? 'nil' : `a ${typeName(of)}`}`
        )
      })
  }
}

export const anyAsText = like('value as string', textLike)
export const anyAsInt = like('value as int', intLike)
export const anyAsDouble = like('value as double', doubleLike)
export const anyAsBool = like('value as bool', boolLike)
export const anyAsBytes = like('value as bytes', bytesLike)

/** A value that is converted when it can be; nil stays nil. */
function like<T>(takes: string, convert: (of: Value) => T | null): Param<Getter<T | null>> {
  return {
    takes,
    build: (argument, compiler) =>
      mapped(compiler.expression(argument.value), argument.at, (of) =>
        of === null ? null : convert(of)
      )
  }
}

/** Constants are converted at the start, so that what is wrong with them stops it. */
function mapped<T>(getter: Getter<Value>, at: number, convert: (of: Value) => T): Getter<T> {
  if (getter.constant === undefined) return (view) => convert(getter(view))
  return constant(atStart(at, () => convert(getter.constant!)))
}

/** Gives a fault of constants its place in the text. */
export function atStart<T>(at: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof Fault ? new OttlError(error.message, at) : error
  }
}

export const constantText = literal('"string"', (node) =>
  node.type === 'literal' && typeof node.value === 'string' ? node.value : undefined
)
export const constantInt = literal('number', (node) =>
  node.type === 'literal' && typeof node.value === 'bigint' ? node.value : undefined
)
export const constantBool = literal('true or false', (node) =>
  node.type === 'literal' && typeof node.value === 'boolean' ? node.value : undefined
)

/** What must stand in the text itself. */
function literal<T>(takes: string, take: (node: Node) => T | undefined): Param<T> {
  return {
    takes,
    build: (argument) => {
      const taken = take(argument.value)
      if (taken !== undefined) return taken
      throw new OttlError(`${takes} is expected here, written out`, argument.at)
    }
  }
}

export const values = listed('list of values', value)
export const texts = listed('list of strings', text)
export const constantTexts = listed('list of "strings"', constantText)

/** A list that is written out, each item as the parameter takes it. */
function listed<T>(takes: string, of: Param<T>): Param<T[]> {
  return {
    takes,
    build: ({ value: node, at }, compiler) => {
      if (node.type !== 'list') throw new OttlError(`a ${takes} in [] is expected`, at)
      return node.items.map((item) => of.build({ at: item.at, value: item }, compiler))
    }
  }
}

/** A list, written out or not, whose items are taken as strings; nil has none. */
export const manyAsText: Param<(view: View) => (string | null)[]> = {
  takes: 'list of values as strings',
  build: (argument, compiler) => {
    if (argument.value.type !== 'list') {
      const items = listOrNil.build(argument, compiler)
      return (view) => items(view).map((item) => (item === null ? null : textLike(item)))
    }
    const items = argument.value.items.map((item) =>
      anyAsText.build({ at: item.at, value: item }, compiler)
    )
    return (view) => items.map((item) => item(view))
  }
}

/** A path that can be set. */
export interface Target<T> {
  readonly get: (view: View) => T
  readonly set: (view: View, value: Value) => void
}

export const target: Param<Target<Value>> = {
  takes: 'path',
  build: (argument, compiler) => settable(argument, compiler)
}

export const mapTarget: Param<Target<ValueMap>> = {
  takes: 'path to a map',
  build: (argument, compiler) => ({
    ...settable(argument, compiler),
    get: map.build(argument, compiler)
  })
}

export const listTarget: Param<Target<readonly AnyValue[]>> = {
  takes: 'path to a list',
  build: (argument, compiler) => ({
    ...settable(argument, compiler),
    get: list.build(argument, compiler)
  })
}

function settable(argument: Argument, compiler: Compiler): Path & Target<Value> {
  const { text: written, get, set } = compiler.path(argument.value)
  if (set === undefined) throw new OttlError(`"${written}" cannot be set`, argument.at)
  return { text: written, get, set }
}

/** A converter of one argument, handed over by its name: `SHA256`. */
export const converter: Param<(input: Getter<string>) => (view: View) => unknown> = {
  takes: 'name of a converter',
  build: ({ value: node, at }, compiler) => {
    if (node.type !== 'enum') throw new OttlError('the name of a converter is expected', at)
    const found = compiler.converter(node.name, at)
    const names = Object.keys(found.params)
    if (names.length !== 1 || !convertsText.has(found.params[names[0]!]))
      throw new OttlError(`${node.name} cannot be handed over: it takes more than one string`, at)
    return (input) => make(found, { [names[0]!]: input }, at)
  }
}

const convertsText = new Set<unknown>([text, value, anyAsText])

export function optional<T>(param: Param<T>): Param<T | undefined> {
  return { ...param, optional: true }
}
