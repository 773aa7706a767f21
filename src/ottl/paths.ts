import { nearestName } from '../config/nearest.ts'
import type { Node, PathNode } from './ast.ts'
import { OttlError } from './errors.ts'
import type { Place } from './place_kinds.ts'
import { type Context, type Owner, ownerNames, placesOf } from './places.ts'
import type { Value, View } from './values.ts'

/** A path as it runs. What cannot be set has no `set`. */
export interface Path {
  readonly text: string
  readonly get: (view: View) => Value
  readonly set?: (view: View, value: Value) => void
}

/** Keys in brackets as they run: constants and what is worked out for each record. */
export type Keys = readonly ((view: View) => Value)[]

/** `implied`: a path without a context name is one of the context. */
export interface Surroundings {
  readonly context: Context
  readonly implied: boolean
}

/** Finds what a path means in this context; `keysOf` compiles what stands in brackets. */
export function resolvePath(
  node: PathNode,
  { context, implied }: Surroundings,
  keysOf: (keys: readonly Node[]) => Keys
): Path {
  const { owner, names } = ownerOf(node, context, implied)
  const places = placesOf(owner, context)
  const name = names.map((one) => one.name).join('.')
  const place = Object.hasOwn(places, name) ? places[name] : undefined
  if (place === undefined) throw unknownPath(node, context, implied, owner)
  const keyed = names.findIndex(({ keys }) => keys.length > 0)
  if (keyed >= 0 && (place.at === undefined || keyed < names.length - 1))
    throw new OttlError(`"${node.text}" cannot be indexed`, names[keyed]!.keys[0]!.at)
  const keys = names.at(-1)!.keys
  if (keys.length === 0) return plain(node.text, place)
  return { text: node.text, ...place.at!(keysOf(keys), constantKey(keys[0]!)) }
}

function plain(text: string, { get, set }: Place): Path {
  return set === undefined ? { text, get } : { text, get, set }
}

function constantKey(node: Node): string | undefined {
  return node.type === 'literal' && typeof node.value === 'string' ? node.value : undefined
}

/** Whose a path says that it is. */
export function prefixOf(node: PathNode): Owner | undefined {
  const first = node.fields[0]!
  if (node.fields.length < 2 || first.keys.length > 0) return undefined
  return Object.hasOwn(ownerNames, first.name) ? ownerNames[first.name] : undefined
}

function ownerOf(node: PathNode, context: Context, implied: boolean) {
  const prefix = prefixOf(node)
  if (prefix !== undefined) return { owner: prefix, names: node.fields.slice(1) }
  if (implied) return { owner: context, names: node.fields }
  const there = Object.hasOwn(placesOf('log', 'log'), node.fields[0]!.name)
  const guess = there ? `log.${node.text}` : undefined
  throw new OttlError(
    `path "${node.text}" must begin with log, scope or resource${hint(guess)}`,
    node.at
  )
}

function unknownPath(node: PathNode, context: Context, implied: boolean, owner: Owner) {
  const above = { log: 0, scope: 1, resource: 2, otelcol: 3 }
  if (above[owner] < above[context])
    return new OttlError(`"${node.text}" is not to be had in the ${context} context`, node.at)
  const written = node.fields.map(({ name }) => name).join('.')
  return new OttlError(
    `unknown path "${node.text}"${hint(nearestName(written, known(context, implied)))}`,
    node.at
  )
}

function known(context: Context, implied: boolean): string[] {
  const all = (['log', 'scope', 'resource', 'otelcol'] as const).flatMap((owner) =>
    Object.keys(placesOf(owner, context)).map((name) => `${owner}.${name}`)
  )
  return implied ? [...all, ...Object.keys(placesOf(context, context))] : all
}

function hint(name: string | undefined): string {
  return name === undefined ? '' : ` (did you mean ${name}?)`
}
