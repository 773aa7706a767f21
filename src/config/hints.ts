import { nearestName } from './nearest.ts'
import type { Level } from './schema_walk.ts'

/**
 * What a key nobody knows most likely should have been: one of its own level, or one that belongs to
 * another level of the same component, the most frequent mistake in real files. `root` names the
 * outermost level. Empty when nothing is near.
 */
export function hintFor(
  key: string,
  path: readonly string[],
  levels: readonly Level[],
  root: string
): string {
  const here = path.join('::')
  const others = levels.filter((level) => level.path.join('::') !== here)
  const owners = others.filter(({ fields }) => fields.has(key))
  const owner = nearestLevels(owners, path)
  if (owner.length > 0)
    return ` (belongs under ${owner.map((level) => levelName(level, root)).join(' or ')})`
  const own = levels.filter((level) => level.path.join('::') === here)
  const near = nearestName(
    key,
    own.flatMap(({ fields }) => [...fields.keys()])
  )
  if (near !== undefined) return ` (did you mean ${near}?)`
  for (const level of nearestLevels(others, path)) {
    const elsewhere = nearestName(key, level.fields.keys())
    if (elsewhere !== undefined)
      return ` (did you mean ${elsewhere}, which belongs under ${levelName(level, root)}?)`
  }
  return ''
}

/** Up to three, those that share most of the path first: `tls` is at home in many places. */
function nearestLevels(levels: readonly Level[], path: readonly string[]): Level[] {
  const distinct = new Map(levels.map((level) => [level.path.join('::'), level]))
  const distance = (level: Level): number => {
    let shared = 0
    while (shared < path.length && path[shared] === level.path[shared]) shared++
    return path.length + level.path.length - 2 * shared
  }
  return [...distinct.values()].toSorted((a, b) => distance(a) - distance(b)).slice(0, 3)
}

function levelName(level: Level, root: string): string {
  return level.path.length === 0 ? root : level.path.join('::')
}
