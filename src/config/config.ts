import { componentRoot, type Factory } from '../load.ts'
import type { Delivery } from './delivery.ts'
import { checkDocument } from './document.ts'
import { ConfigErrors, type Note } from './errors.ts'
import { expand } from './expand.ts'
import type { JournalConfig } from './journal.ts'
import type { MapNode } from './node.ts'
import { createReport } from './report.ts'
import { readSources } from './sources.ts'
import type { Telemetry } from './telemetry.ts'

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
  const { node, notes, problems } = await expand(written, env)
  const report = createReport(problems, notes)
  const config = await checkDocument(node as MapNode, logsOnly, root, report)
  if (config === undefined || problems.length > 0) throw new ConfigErrors(problems)
  return { config, notes }
}

/** A checked configuration: every component's options are parsed, nothing is built. */
export interface Config {
  readonly receivers: ReadonlyMap<string, Component>
  readonly processors: ReadonlyMap<string, Component>
  readonly exporters: ReadonlyMap<string, Component>
  readonly extensions: ReadonlyMap<string, Component>
  /** Logs pipelines; each id in a list is configured and stands there once. */
  readonly pipelines: PipelineConfig[]
  /** `service.extensions`, in the order to start them. */
  readonly extensionsInUse: string[]
  readonly journal: JournalConfig | false
  readonly telemetry: Telemetry
}

export interface PipelineConfig {
  readonly id: string
  readonly receivers: string[]
  readonly processors: string[]
  readonly exporters: string[]
}

export type Kind = 'receiver' | 'processor' | 'exporter' | 'connector' | 'extension'

export interface Component {
  readonly id: string
  readonly kind: Kind
  /** The component's present name, whatever alias the id uses; of one outside the tree its module. */
  readonly type: string
  /** Checked, with defaults; without the delivery keys that the exporter does not state itself. */
  readonly options: unknown
  /** Of exporters, and they always have it. */
  readonly delivery?: Delivery
  /** Bytes it may hold, as far as it says. */
  readonly memory: number
  readonly create: Factory
  /** `pipeline.yaml:14:3`. */
  readonly place: string
}
