import { nearestName } from '../config/nearest.ts'
import { type AnyValue, mapOf } from '../logs/value.ts'
import type { CallNode, Node } from './ast.ts'
import { compare } from './compare.ts'
import { type Compiler, constant, type Getter } from './compiler.ts'
import { enums } from './enums.ts'
import { Fault, OttlError } from './errors.ts'
import { callOf, functionNamed } from './functions/call.ts'
import { resultAt } from './index_of.ts'
import { calculate, negate } from './math.ts'
import { type Path, resolvePath, type Surroundings } from './paths.ts'
import { storable, typeName, type Value, type View } from './values.ts'

export function newCompiler(surroundings: Surroundings): Compiler {
  const compiler: Compiler = {
    expression: (node) => expressionOf(node, compiler),
    condition: (node) => conditionOf(node, compiler),
    path: (node) => pathOf(node, compiler, surroundings),
    call: (node) => indexed(callOf(node, compiler), node, compiler),
    converter: functionNamed
  }
  return compiler
}

function expressionOf(node: Node, compiler: Compiler): Getter<Value> {
  if (node.type === 'literal') return constant<Value>(node.value)
  if (node.type === 'enum') return constant<Value>(enumOf(node))
  if (node.type === 'path') return compiler.path(node).get
  if (node.type === 'call') return compiler.call(node)
  if (node.type === 'list') return listOf(node.items.map(compiler.expression))
  if (node.type === 'map')
    return mapFrom(node.items.map(([key, item]) => [key, compiler.expression(item)]))
  if (node.type === 'negative') {
    const of = compiler.expression(node.of)
    return (view) => negate(of(view))
  }
  if (node.type !== 'math') throw new OttlError('a value is expected, not a condition', node.at)
  const { operator } = node
  const left = compiler.expression(node.left)
  const right = compiler.expression(node.right)
  return (view) => calculate(left(view), operator, right(view))
}

function enumOf({ name, at }: { name: string; at: number }): bigint {
  const value = enums[name]
  if (value !== undefined) return value
  const near = nearestName(name, Object.keys(enums))
  throw new OttlError(`unknown name ${name}${near ? ` (did you mean ${near}?)` : ''}`, at)
}

function listOf(items: Getter<Value>[]): Getter<Value> {
  const work: Getter<Value> = (view) => items.map((item) => storable(item(view)))
  return items.every((item) => item.constant !== undefined)
    ? constant<Value>(items.map((item) => storable(item.constant!)))
    : work
}

function mapFrom(items: (readonly [string, Getter<Value>])[]): Getter<Value> {
  const work = (value: (item: Getter<Value>) => Value) => {
    const unique = new Map(items)
    return mapOf(
      Array.from(unique, ([key, item]): [string, AnyValue] => [key, storable(value(item))])
    )
  }
  if (items.every(([, item]) => item.constant !== undefined))
    return constant<Value>(work((item) => item.constant!))
  return (view) => work((item) => item(view))
}

function pathOf(node: Node, compiler: Compiler, surroundings: Surroundings): Path {
  if (node.type !== 'path') throw new OttlError('a path is expected', node.at)
  return resolvePath(node, surroundings, (keys) => keys.map(compiler.expression))
}

function indexed(value: Getter<Value>, node: CallNode, compiler: Compiler): Getter<Value> {
  if (node.keys.length === 0) return value
  const keys = node.keys.map(compiler.expression)
  return (view) => keys.reduce((at, key) => resultAt(at, key(view)), value(view))
}

function conditionOf(node: Node, compiler: Compiler): (view: View) => boolean {
  if (node.type === 'and') {
    const parts = node.parts.map(compiler.condition)
    return (view) => parts.every((part) => part(view))
  }
  if (node.type === 'or') {
    const parts = node.parts.map(compiler.condition)
    return (view) => parts.some((part) => part(view))
  }
  if (node.type === 'not') {
    const of = compiler.condition(node.of)
    return (view) => !of(view)
  }
  if (node.type === 'compare') {
    const { operator } = node
    const left = compiler.expression(node.left)
    const right = compiler.expression(node.right)
    return (view) => compare(left(view), operator, right(view))
  }
  const value = compiler.expression(node)
  return (view) => truth(value(view))
}

function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new Fault(`a condition is a ${typeName(value)}, not a bool`)
}
