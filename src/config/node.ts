import type { Place } from './errors.ts'

/**
 * The configuration as written, each part with its place. `text` is what an expansion such as
 * `${env:X}` gave before it was read as YAML: a field that wants a string gets it, so `0123` stays.
 */
export type Node = MapNode | ListNode | ScalarNode

export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, Entry>
  readonly text?: string
}

export interface Entry {
  readonly place: Place
  readonly node: Node
}

export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly Node[]
  readonly text?: string
}

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: Scalar
  readonly text?: string
  /** Written with a point or an exponent: `5.0` is 5 and yet no integer. */
  readonly isDouble?: true
  /** An error has been reported for it already; nothing that follows from it is reported again. */
  readonly broken?: true
}

/** An integer that a number cannot hold is a bigint. */
export type Scalar = string | number | bigint | boolean | null

/** Limits a configuration, with its anchors and expansions, must keep: no real one comes near. */
export const limits = {
  /** Of one source or included file. */
  bytes: 4 * 2 ** 20,
  nodes: 200_000,
  depth: 200
}

export function emptyMap(place: Place): MapNode {
  return { kind: 'map', place, entries: new Map() }
}

export function isNull(node: Node | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null)
}

export function childOf(node: Node | undefined, key: PropertyKey): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key))?.node
  return node?.kind === 'list' ? node.items[Number(key)] : undefined
}

/** Later wins: maps are joined to any depth, everything else, lists too, is replaced. */
export function mergeNodes(earlier: Node, later: Node): Node {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later
  const entries = new Map(earlier.entries)
  for (const [key, entry] of later.entries) {
    const before = entries.get(key)
    entries.set(key, before ? { ...entry, node: mergeNodes(before.node, entry.node) } : entry)
  }
  return { kind: 'map', place: earlier.place, entries }
}

/** Like `plain`, but an integer is a bigint: what is left of numbers are doubles. */
export function typed(node: Node): unknown {
  if (node.kind === 'list') return node.items.map(typed)
  if (node.kind === 'map')
    return Object.fromEntries([...node.entries].map(([key, entry]) => [key, typed(entry.node)]))
  const { value, isDouble } = node
  return Number.isInteger(value) && !isDouble ? BigInt(value as number) : value
}

/** The value alone. Own properties whatever the key: `__proto__` is a legal one. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]))
}
