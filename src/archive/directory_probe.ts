import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type DirectoryOptions, openDirectoryStore } from './directory_store.ts'
import type { ProbedStore } from './look.ts'

/** A directory as a probe sees it: its clock is ours, and whoever may write there may delete. */
export async function openDirectoryProbe(options: DirectoryOptions): Promise<ProbedStore> {
  const store = await openDirectoryStore(options)
  return {
    ...store,
    versioning: async () => false,
    objectLock: async () => false,
    ahead: async () => 0,
    remove: (key) => rm(join(resolve(options.directory), key), { force: true })
  }
}
