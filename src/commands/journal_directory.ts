import { access } from 'node:fs/promises'
import { type LoadOptions, loadConfig } from '../config/load_config.ts'
import { lettersIn } from '../journal/letter_file.ts'
import { listSegments } from '../journal/segment.ts'
import { laneNames } from '../pipeline/orphans.ts'

/** The directory of the journal that this configuration uses. */
export async function journalDirectory(options: LoadOptions): Promise<string> {
  const { config } = await loadConfig(options)
  if (config.journal) return config.journal.directory
  throw new Error('the configuration has `service.journal: false`: there is no journal')
}

/** Names of the lanes that this configuration has. */
export async function configuredLanes(options: LoadOptions): Promise<ReadonlySet<string>> {
  const { config } = await loadConfig(options)
  return laneNames(config)
}

/** Refuses a mistyped path before anything, a lock say, is made in it. */
export async function requireJournal(directory: string): Promise<void> {
  if (await hasSegments(directory)) return
  throw new Error(`there is no journal in ${directory}`)
}

/** Dead letters can be read where all else of a journal is lost. */
export async function requireLetters(directory: string): Promise<void> {
  const letters = await access(lettersIn(directory)).then(
    () => true,
    () => false
  )
  if (!letters) await requireJournal(directory)
}

async function hasSegments(directory: string): Promise<boolean> {
  try {
    return (await listSegments(directory)).length > 0
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (['ENOENT', 'ENOTDIR'].includes(code)) return false
    throw new Error(`reading the journal ${directory}`, { cause })
  }
}
