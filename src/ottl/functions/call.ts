import { nearestName } from '../../config/nearest.ts'
import type { Argument, CallNode } from '../ast.ts'
import type { Compiler, Getter } from '../compiler.ts'
import { OttlError } from '../errors.ts'
import type { Value } from '../values.ts'
import { make, type OttlFunction } from './function.ts'
import { findFunction } from './registry.ts'

export function callOf(node: CallNode, compiler: Compiler): Getter<Value> {
  const found = functionNamed(node.name, node.at)
  const args = argumentsOf(node, found, compiler)
  return make(found, args, node.at) as Getter<Value>
}

export function functionNamed(name: string, at: number): OttlFunction {
  const { found, refused, names } = findFunction(name)
  if (found !== undefined) return found
  if (refused !== undefined) throw new OttlError(`${name} is not there: ${refused}`, at)
  const near = nearestName(name, names)
  throw new OttlError(`unknown function ${name}${near ? ` (did you mean ${near}?)` : ''}`, at)
}

function argumentsOf(node: CallNode, { name, params }: OttlFunction, compiler: Compiler) {
  const names = Object.keys(params)
  if (node.args.length > names.length)
    throw new OttlError(
      `${name} takes ${names.length} arguments at most`,
      node.args[names.length]!.at
    )
  const args: Record<string, unknown> = {}
  let named = false
  for (const [index, argument] of node.args.entries()) {
    if (argument.name !== undefined) named = true
    else if (named)
      throw new OttlError('an argument without name behind one with a name', argument.at)
    const key = argument.name === undefined ? names[index]! : paramNamed(argument, name, names)
    if (key in args) throw new OttlError(`${name} has ${key} twice`, argument.at)
    args[key] = params[key]!.build(argument, compiler)
  }
  const missing = names.find((key) => !(key in args) && params[key]!.optional === undefined)
  if (missing !== undefined) throw new OttlError(`${name} lacks its argument ${missing}`, node.at)
  return args
}

/** `replacementFormat` and `replacement_format` are one name. */
function paramNamed(argument: Argument, name: string, names: string[]): string {
  const simple = (text: string) => text.replaceAll('_', '').toLowerCase()
  const key = names.find((one) => simple(one) === simple(argument.name!))
  if (key !== undefined) return key
  throw new OttlError(
    `${name} has no argument ${argument.name}, it has ${names.join(', ') || 'none'}`,
    argument.at
  )
}
