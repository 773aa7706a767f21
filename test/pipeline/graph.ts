import * as forward from '../../connectors/forward.ts'
import * as routing from '../../connectors/routing/routing.ts'
import * as attributes from '../../processors/attributes.ts'
import * as batch from '../../processors/batch.ts'
import * as filter from '../../processors/filter.ts'
import * as groupbyattrs from '../../processors/groupbyattrs.ts'
import * as redaction from '../../processors/redaction.ts'
import * as resource from '../../processors/resource.ts'
import * as transform from '../../processors/transform.ts'
import type { Component, Config, Kind, PipelineConfig } from '../../src/config/config.ts'
import { deliveryKeys } from '../../src/config/delivery.ts'
import type { ComponentModule } from '../../src/load.ts'

const modules: Readonly<Record<string, ComponentModule>> = {
  attributes,
  batch,
  filter,
  groupbyattrs,
  redaction,
  resource,
  transform,
  forward,
  routing
} as unknown as Record<string, ComponentModule>

/** Pipelines in the test's hand: receivers and exporters are functions, what is between them is real. */
export interface Graph {
  readonly receivers: Readonly<Record<string, Component['create']>>
  readonly processors: Readonly<Record<string, object>>
  readonly connectors: Readonly<Record<string, object>>
  readonly exporters: Readonly<Record<string, Component['create']>>
  readonly pipelines: readonly PipelineConfig[]
  /** Of the journal. */
  readonly directory: string
}

export function configOf(graph: Graph): Config {
  const made = (kind: Kind, of: Graph['receivers']) =>
    new Map(Object.entries(of).map(([id, create]) => [id, component(kind, id, {}, create)]))
  const real = (kind: Kind, of: Graph['processors']) =>
    new Map(
      Object.entries(of).map(([id, options]) => {
        const module = modules[id.split('/')[0]!]!
        return [id, component(kind, id, module.config.parse(options), module.default)]
      })
    )
  return {
    receivers: made('receiver', graph.receivers),
    processors: real('processor', graph.processors),
    connectors: real('connector', graph.connectors),
    exporters: made('exporter', graph.exporters),
    extensions: new Map(),
    extensionsInUse: [],
    pipelines: graph.pipelines,
    journal: {
      directory: graph.directory,
      max_size: 2 ** 30,
      min_free: 0,
      max_dead_letters: 2 ** 30
    }
  } as unknown as Config
}

function component(
  kind: Kind,
  id: string,
  options: unknown,
  create: Component['create']
): Component {
  const delivery = {
    sending_queue: deliveryKeys.sending_queue.parse({ num_consumers: 2 }),
    retry_on_failure: deliveryKeys.retry_on_failure.parse({ initial_interval: '1ms' }),
    timeout: 0
  }
  return { id, kind, type: id, options, memory: () => 0, create, place: '', delivery }
}
