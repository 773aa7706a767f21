import type { Declared } from '../components.ts'
import type { Config } from '../config.ts'
import type { Place } from '../errors.ts'
import type { MapNode } from '../node.ts'
import type { WrittenPipeline } from '../pipelines.ts'
import type { Report } from '../report.ts'
import { exporters, filters, routes } from './kept.ts'
import { keyTemplates } from './key_templates.ts'
import { openListeners } from './listeners.ts'
import { boundedRetry, journal } from './memory_only.ts'
import { unverifiedPeers } from './peers.ts'

/** A configuration that is right by itself, and where its parts stand. */
export interface Audited {
  readonly config: Config
  readonly pipelines: readonly WrittenPipeline[]
  readonly sections: Readonly<
    Record<'receivers' | 'exporters' | 'connectors', { declared: ReadonlyMap<string, Declared> }>
  >
  readonly service: MapNode
}

export interface Finding {
  readonly place: Place
  /** As in other messages: `service::pipelines::logs`. */
  readonly path: string
  /** What could happen, and what to do. */
  readonly message: string
}

/** One thing that must not be; a rule stands alone, and a further one is added here. */
type Rule = (audited: Audited) => readonly Finding[]

const rules: readonly Rule[] = [
  filters,
  routes,
  exporters,
  journal,
  boundedRetry,
  keyTemplates,
  openListeners,
  unverifiedPeers
]

/** Reports everything that the strict mode does not allow. */
export function audit(audited: Audited, report: Report): void {
  for (const rule of rules)
    for (const { place, path, message } of rule(audited))
      report.problem(place, path, `${message} (service.audit is strict)`)
}
