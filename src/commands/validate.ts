import { type LoadOptions, loadConfig } from '../config/config.ts'

/** `auditcol validate`: prints nothing when the configuration is good, throws ConfigErrors when not. */
export async function validate(options: LoadOptions): Promise<void> {
  await loadConfig(options)
}
