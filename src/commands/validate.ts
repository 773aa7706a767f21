import { type LoadOptions, loadConfig } from '../config/load_config.ts'

/** `auditcol validate`: prints nothing when the configuration is good, throws ConfigErrors when not. */
export async function validate(options: LoadOptions): Promise<void> {
  await loadConfig(options)
}
