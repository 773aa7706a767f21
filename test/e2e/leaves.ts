import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Every file of an archive directory, by its key. */
export function objectsIn(directory: string): Map<string, Buffer> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return new Map(files.map((path) => [relative(directory, path), readFileSync(path)]))
}

/** The counts of all leaves together. */
export function countsOf(objects: ReadonlyMap<string, Buffer>): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [key, bytes] of objects) {
    if (!key.includes('/commits/')) continue
    for (const line of bytes.toString().trimEnd().split('\n')) {
      for (const [name, n] of Object.entries<number>(JSON.parse(line).counts ?? {})) {
        sum[name] = (sum[name] ?? 0) + n
      }
    }
  }
  return sum
}
