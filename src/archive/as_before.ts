import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { directoryOf } from './subjects.ts'

/**
 * The configured directory in the words of the lane's archive that lies there already. `./archive` and
 * `/srv/archive` may be one directory, and a second archive in it would begin with the first one's
 * numbers, meet its objects, and take them for those of a copied journal (A1).
 */
export async function asBefore(bucket: string, archives: Iterable<string>): Promise<string> {
  if (!bucket.startsWith('file:')) return bucket
  const wanted = await real(bucket)
  for (const name of archives) {
    if (name.startsWith('file:') && (await real(name)) === wanted) return name
  }
  return bucket
}

async function real(bucket: string): Promise<string> {
  const path = resolve(directoryOf(bucket))
  return await realpath(path).catch(() => path)
}
