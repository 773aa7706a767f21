import type { Factory, Targets } from '../load.ts'
import type { DedupConfig } from './dedup.ts'
import type { Delivery } from './delivery.ts'
import type { JournalConfig } from './journal.ts'
import type { Telemetry } from './telemetry.ts'

/** A checked configuration: every component's options are parsed, nothing is built. */
export interface Config {
  readonly receivers: ReadonlyMap<string, Component>
  readonly processors: ReadonlyMap<string, Component>
  readonly exporters: ReadonlyMap<string, Component>
  readonly connectors: ReadonlyMap<string, Component>
  readonly extensions: ReadonlyMap<string, Component>
  /** Logs pipelines; each id in a list is configured and stands there once. Connectors stand among receivers and exporters, and make no cycle. */
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
  /** Checked, with defaults; without the engine's keys that it does not state itself. */
  readonly options: unknown
  /** Of exporters, and they always have it. */
  readonly delivery?: Delivery
  /** Of receivers whose records have ids. */
  readonly dedup?: DedupConfig
  /** Of receivers that are to be given something at least so often, in milliseconds. */
  readonly expectEvery?: number
  /** Of receivers: why nothing arrives, when nothing does. */
  readonly silence?: string
  /** Of connectors that choose where records go. */
  readonly targets?: Targets
  /** Bytes it may hold; of an exporter beside a lane's `window` of records. */
  readonly memory: (window: number) => number
  readonly create: Factory
  /** `pipeline.yaml:14:3`. */
  readonly place: string
}
