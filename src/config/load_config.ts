import { componentRoot } from '../load.ts'
import type { Config } from './config.ts'
import { checkDocument } from './document.ts'
import { ConfigErrors, type Note, type Problem } from './errors.ts'
import { expand } from './expand.ts'
import type { MapNode } from './node.ts'
import { redact } from './redact.ts'
import { createReport } from './report.ts'
import { readSources } from './sources.ts'

export interface LoadOptions {
  /** `--config` values: paths, `file:`, `env:`, `yaml:`; later ones are merged over earlier ones. */
  readonly config: readonly string[]
  /** `--set` values: `a::b=c` or `a.b=c`. */
  readonly set: readonly string[]
  readonly logsOnly: boolean
  readonly env: NodeJS.ProcessEnv
  /** The directory with the folders of components; the program's own when left out. */
  readonly root?: string
}

/** Reads, merges, expands and checks the configuration. Throws ConfigErrors with all that is wrong. */
export async function loadConfig(
  options: LoadOptions
): Promise<{ config: Config; notes: readonly Note[] }> {
  const { env, logsOnly, root = componentRoot } = options
  const written = await readSources(options.config, options.set, env)
  if (written.entries.size === 0)
    throw new ConfigErrors([
      { place: { source: written.place.source }, path: '', message: 'empty configuration file' }
    ])
  const { node, notes, problems, inserted } = await expand(written, env)
  // A variable that is not set is often why something else is missing.
  const unset = notes.filter(({ level }) => level === 'warn').map(problemOf)
  const report = createReport(problems, notes)
  const config = await checkDocument(node as MapNode, logsOnly, root, report)
  if (config === undefined || problems.length > 0)
    throw new ConfigErrors([...problems.map((one) => redact(one, inserted)), ...unset])
  return { config, notes }
}

function problemOf({ place, text }: Note): Problem {
  return { place: { source: place }, path: '', message: text }
}
