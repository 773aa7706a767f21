import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * One owner (J9). SQLite's exclusive transaction is an fcntl lock on Linux and macOS: the kernel
 * lets go of it when its process dies, however it dies, and Node has no lock of its own.
 */
export async function lockJournal(directory: string): Promise<{ release(): void } | undefined> {
  try {
    const path = join(directory, 'lock')
    const database = new DatabaseSync(path)
    // Never by opening it here: closing any handle of a file lets go of its process's fcntl locks.
    await chmod(path, 0o600)
    return takeLock(database)
  } catch (cause) {
    throw new Error(`opening the journal ${directory}`, { cause })
  }
}

function takeLock(database: DatabaseSync): { release(): void } | undefined {
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (/locked|busy/i.test((error as Error).message)) return undefined
    throw error
  }
  return { release: () => database.close() }
}
