import type { Component, PipelineConfig } from './config.ts'

/** One way from receivers to one exporter: each is a lane of its own. */
export interface LanePath {
  /** `pipeline/exporter`; behind connectors with all that lies on the way: `logs/in+routing+logs/eu/awss3`. */
  readonly name: string
  readonly receivers: readonly string[]
  readonly legs: readonly Leg[]
  readonly exporter: string
}

/** What a path has of one pipeline, and the connector that leads on to the next. */
export interface Leg {
  readonly pipeline: string
  readonly processors: readonly string[]
  readonly connector?: string
}

/** What joins the parts of a name: no id can have it, and no shell takes it for its own. */
export const joint = '+'

interface Joined {
  readonly pipelines: readonly PipelineConfig[]
  readonly connectors: ReadonlyMap<string, Pick<Component, 'id'>>
}

/** Every path, in the order of the pipelines that they begin in. The pipelines form no cycle. */
export function* pathsOf(config: Joined): Generator<LanePath, void> {
  for (const pipeline of config.pipelines) {
    const receivers = pipeline.receivers.filter((id) => !config.connectors.has(id))
    if (receivers.length > 0) yield* pathsThrough(pipeline, [], receivers, config)
  }
}

function* pathsThrough(
  { id, processors, exporters }: PipelineConfig,
  before: readonly Leg[],
  receivers: readonly string[],
  config: Joined
): Generator<LanePath, void> {
  const leg = { pipeline: id, processors }
  for (const exporter of exporters) {
    if (!config.connectors.has(exporter)) {
      const legs = [...before, leg]
      yield { name: nameOf(legs, exporter), receivers, legs, exporter }
      continue
    }
    const legs = [...before, { ...leg, connector: exporter }]
    for (const next of config.pipelines) {
      if (next.receivers.includes(exporter)) yield* pathsThrough(next, legs, receivers, config)
    }
  }
}

function nameOf(legs: readonly Leg[], exporter: string): string {
  const parts = legs.flatMap(({ pipeline, connector }) =>
    connector ? [pipeline, connector] : pipeline
  )
  return `${parts.join(joint)}/${exporter}`
}
