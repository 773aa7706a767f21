import type { ArchiveState } from '../journal/archive_frames.ts'
import { commitKey } from './commit.ts'
import type { Store } from './store.ts'

/**
 * Who writes under our ids, as far as the commits tell that are not ours (A5): the newest leaf there
 * that names its host. Undefined when nothing can be read.
 */
export async function rivalOf(store: Store, state: ArchiveState): Promise<string | undefined> {
  try {
    const text = await store.read(commitKey(state.root, state.commit))
    if (text === undefined || Buffer.from(text).toString() === state.pending?.text) return undefined
    const leaves = Buffer.from(text).toString().trimEnd().split('\n')
    for (const line of leaves.reverse()) {
      const { host, sealed, at } = JSON.parse(line)
      if (typeof host === 'string') {
        return `commit ${state.commit} is there from host ${JSON.stringify(host)}, ${new Date(sealed ?? at).toISOString()}`
      }
    }
  } catch {
    // Not readable, or not a commit of ours: then nobody can be named.
  }
  return undefined
}
