import { type LoadOptions, loadConfig } from '../config/load_config.ts'

/** The directory of the journal that this configuration uses. */
export async function journalDirectory(options: LoadOptions): Promise<string> {
  const { config } = await loadConfig(options)
  if (config.journal) return config.journal.directory
  throw new Error('the configuration has `service.journal: false`: there is no journal')
}
