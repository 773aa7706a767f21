import { type LoadOptions, loadConfig } from '../config/load_config.ts'
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
