import type { Declared } from '../components.ts'
import type { Place } from '../errors.ts'
import { childOf, type Node } from '../node.ts'

/** Where a key of a component stands, or as much of the way to it as is there. */
export function placeOf({ entry }: Declared, path: readonly string[]): Place {
  let node: Node = entry.node
  let { place } = entry
  for (const key of path) {
    const found: Place | undefined = node.kind === 'map' ? node.entries.get(key)?.place : undefined
    if (found === undefined) return place
    place = found
    node = childOf(node, key)!
  }
  return place
}
