import {
  type Entry,
  isNull,
  type MapNode,
  type Node,
  plain,
  type ScalarNode,
  typed
} from './node.ts'
import { type Schema, type Shape, schemaBelow, shapesOf } from './schema_walk.ts'

/**
 * The node's value as the schema wants it, by the Collector's decoding: a string field gets the
 * text an expansion gave, a key without a value (`grpc:`) is an empty map or left to its default,
 * and a comma-separated text is a list of strings. What does not fit is left for zod to refuse.
 */
export function fit(schema: Schema, node: Node): unknown {
  const { shapes, nullable } = shapesOf(schema)
  if (isTyped(shapes)) return typed(node)
  const types = new Set(shapes.map(typeOf))
  if (node.kind !== 'map' && node.kind !== 'list') return fitScalar(node, types, nullable, shapes)
  if (node.text !== undefined && types.size === 1 && types.has('string')) return node.text
  if (node.kind === 'list') {
    const element = types.has('list') ? schemaBelow(schema, 0) : undefined
    return element ? node.items.map((item) => fit(element, item)) : plain(node)
  }
  return fitMap(shapes, node)
}

/** Of all that takes any value only the typed one names bigint: see `typedValue`. */
function isTyped(shapes: readonly Shape[]): boolean {
  const types = shapes.map(({ _zod: { def } }) => def.type)
  return types.includes('bigint') && types.includes('unknown')
}

type Type = 'string' | 'number' | 'boolean' | 'list' | 'object' | 'record' | 'any'

function typeOf({ _zod: { def } }: Shape): Type {
  switch (def.type) {
    case 'number':
    case 'bigint':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array':
    case 'tuple':
      return 'list'
    case 'object':
    case 'record':
      return def.type
    case 'literal':
      return def.values.every((value) => typeof value === 'boolean') ? 'boolean' : 'string'
    case 'string':
    case 'enum':
    case 'template_literal':
      return 'string'
    default:
      return 'any'
  }
}

function fitScalar(
  node: ScalarNode,
  types: ReadonlySet<Type>,
  nullable: boolean,
  shapes: readonly Shape[]
): unknown {
  const { value, text } = node
  if (node.broken) return undefined
  const onlyString = types.size === 1 && types.has('string')
  if (value === null) {
    if (text !== undefined && onlyString) return text
    if (nullable) return null
    return types.has('object') ? {} : undefined
  }
  if (typeof value === 'string') {
    if (!types.has('list') || types.has('string') || !takesStrings(shapes)) return value
    return value === '' ? [] : value.split(',')
  }
  const natural = typeof value === 'boolean' ? 'boolean' : 'number'
  if (types.has(natural)) return exact(value)
  return text !== undefined && types.has('string') ? text : value
}

/** A number field refuses what is too large for it in its own words. */
function exact(value: string | number | bigint | boolean): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function takesStrings(shapes: readonly Shape[]): boolean {
  return shapes.some(({ _zod: { def } }) => {
    const element = def.type === 'array' ? shapesOf(def.element).shapes : []
    return element.some((shape) => typeOf(shape) === 'string')
  })
}

function fitMap(shapes: readonly Shape[], node: MapNode): unknown {
  const shape = closest(shapes, node)
  if (shape === undefined) return plain(node)
  const pairs: [string, unknown][] = []
  for (const [key, { node: child }] of node.entries) {
    const below = schemaBelow(shape, key)
    const value = below ? fit(below, child) : plain(child)
    if (value !== undefined) pairs.push([key, value])
    // In a map of the user's own keys a key without a value is an error of the value's type.
    else if (shape._zod.def.type === 'record' && isUnset(child)) pairs.push([key, null])
  }
  return Object.fromEntries(pairs)
}

function isUnset(node: Node): boolean {
  return isNull(node) && !(node.kind === 'scalar' && node.broken)
}

/** Of several maps a schema takes, the one that knows most of the keys, or that the keys' values name. */
function closest(shapes: readonly Shape[], node: MapNode): Shape | undefined {
  let best: Shape | undefined
  let most = -1
  for (const shape of shapes) {
    const type = typeOf(shape)
    if (type !== 'object' && type !== 'record') continue
    const known = [...node.entries].filter(([key, entry]) => knows(shape, key, entry)).length
    if (known > most) [best, most] = [shape, known]
  }
  return best
}

function knows(shape: Shape, key: string, { node }: Entry): boolean {
  const below = schemaBelow(shape, key)
  if (below === undefined) return false
  const literals = shapesOf(below).shapes.flatMap(({ _zod: { def } }) =>
    def.type === 'literal' ? def.values : []
  )
  return literals.length === 0 || (node.kind === 'scalar' && literals.includes(node.value))
}
