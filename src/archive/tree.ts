import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface TreeQuery {
  readonly root: string
  /** An entry directly under the root that holds no keys. */
  readonly skip: string
  readonly prefix: string
  readonly after: string | undefined
}

/** The keys of the files below a directory, in byte order as a bucket lists them. */
export async function* listTree({ root, skip, prefix, after }: TreeQuery): AsyncIterable<string> {
  yield* below('')

  async function* below(parent: string): AsyncIterable<string> {
    for (const entry of await levels(join(root, parent))) {
      const key = parent + entry
      if (key === `${skip}/`) continue
      if (entry.endsWith('/')) {
        if (mayHold(key)) yield* below(key)
      } else if (key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0)) {
        yield key
      }
    }
  }

  /** Whether a key below this level can have the prefix and sort after `after`. */
  function mayHold(level: string): boolean {
    const inPrefix = level.startsWith(prefix) || prefix.startsWith(level)
    return inPrefix && (after === undefined || after.startsWith(level) || byBytes(level, after) > 0)
  }
}

/** A directory's name gets its `/` before sorting: in a bucket `a.txt` stands before `a/b`. */
async function levels(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  })
  return entries
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort(byBytes)
}

/** JavaScript compares UTF-16 units, which orders characters past U+FFFF before U+E000. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
