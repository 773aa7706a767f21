import { nearestName } from './nearest.ts'
import { isRefused, type Level } from './schema_walk.ts'

/** What a key nobody knows should have been, in words, and the levels where it belongs. */
export interface Hint {
  readonly text: string
  readonly homes: readonly Level[]
}

/**
 * Most likely the key belongs to another level of the same component, the most frequent mistake in
 * real files, or is a misspelt one of its own level. `root` says where the outermost level is;
 * Where several levels have the key, the map's other unknown keys (`strangers`) and what the file
 * already has (`isWritten`) tell which is meant.
 */
export function hintFor(
  key: string,
  path: readonly string[],
  all: readonly Level[],
  root: string,
  strangers: readonly string[] = [key],
  isWritten: (level: Level) => boolean = () => false
): Hint {
  const levels = all.map(withoutRefused)
  const here = path.join('::')
  const own = levels.filter((level) => level.path.join('::') === here)
  const others = levels.filter((level) => level.path.join('::') !== here && !level.named)
  const known = others.filter(({ fields }) => fields.has(key))
  const likely = mostOf(nearestLevels(known, path), strangers)
  const written = likely.filter(isWritten)
  const homes = (written.length > 0 ? written : likely).slice(0, 3)
  if (homes.length > 0) return { text: ` (belongs ${places(homes, root)})`, homes }
  // Of several kinds of a map (`sse` of type s3 or kms) only another one has the key.
  if (own.some(({ fields }) => fields.has(key)))
    return { text: ' (belongs to another kind of this map)', homes: own }
  const near = nearestName(
    key,
    own.flatMap(({ fields }) => [...fields.keys()])
  )
  if (near !== undefined) return { text: ` (did you mean ${near}?)`, homes: own }
  for (const level of others) {
    const far = nearestName(key, [...level.fields.keys()])
    if (far === undefined) continue
    const text = ` (did you mean ${far}, which belongs ${places([level], root)}?)`
    return { text, homes: [level] }
  }
  return { text: '', homes: [] }
}

/** A key that is there only to be refused with a reason is no place to send anybody to. */
function withoutRefused(level: Level): Level {
  const fields = [...level.fields].filter(([, schema]) => !isRefused(schema))
  return { ...level, fields: new Map(fields) }
}

/** Those that share most of the path: `tls` is at home in many places. */
function nearestLevels(levels: readonly Level[], path: readonly string[]): Level[] {
  const distinct = new Map(levels.map((level) => [level.path.join('::'), level]))
  const distance = (level: Level): number => {
    let shared = 0
    while (shared < path.length && path[shared] === level.path[shared]) shared++
    return path.length + level.path.length - 2 * shared
  }
  const least = Math.min(...levels.map(distance))
  return [...distinct.values()].filter((level) => distance(level) === least)
}

function mostOf(levels: readonly Level[], keys: readonly string[]): Level[] {
  const count = (level: Level) => keys.filter((key) => level.fields.has(key)).length
  const most = Math.max(...levels.map(count))
  return levels.filter((level) => count(level) === most)
}

function places(levels: readonly Level[], root: string): string {
  return levels
    .map(({ path }) => (path.length === 0 ? root : `under ${path.join('::')}`))
    .join(' or ')
}
