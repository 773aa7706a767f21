import type { Declared } from './components.ts'
import type { Component, PipelineConfig } from './config.ts'
import type { Place } from './errors.ts'
import { nearestName } from './nearest.ts'
import { childOf, type Node } from './node.ts'
import { type LanePath, pathsOf } from './paths.ts'
import type { Reference, Role, WrittenPipeline } from './pipelines.ts'
import type { Report } from './report.ts'

/** Each lane has a window of memory and reads all that its receivers accept: no configuration means so many. */
const lanesMax = 1_000

interface Section {
  readonly declared: ReadonlyMap<string, Declared>
  readonly good: ReadonlyMap<string, Component>
}

type Sections = Readonly<Record<'receivers' | 'exporters' | 'connectors', Section>>

/** Whether the connectors join pipelines as the Collector asks for, and to lanes that can be told apart. */
export function checkConnectors(
  pipelines: readonly WrittenPipeline[],
  sections: Sections,
  report: Report
): void {
  const { declared, good } = sections.connectors
  const ambiguous = checkIds(sections, report)
  for (const id of declared.keys()) {
    if (!ambiguous.has(id)) checkSides(id, pipelines, report)
  }
  for (const [id, component] of good) {
    checkTargets(component, declared.get(id)!.entry.node, pipelines, report)
  }
  const cycle = cycleIn(pipelines, declared)
  if (cycle) report.problem(cycle[0]!.exporter.place, build, cycleText(cycle))
  else checkLanes(pipelines, declared, report)
}

/** Where the Collector finds out: it builds the pipelines to see. */
const build = 'failed to build pipelines'

function checkIds(sections: Sections, report: Report): Set<string> {
  const ambiguous = new Set<string>()
  for (const [id, { entry }] of sections.connectors.declared) {
    for (const kind of ['receiver', 'exporter'] as const) {
      if (!sections[`${kind}s`].declared.has(id)) continue
      const message =
        `ambiguous ID: Found both "${id}" ${kind} and "${id}" connector. Change one of the components' IDs ` +
        `to eliminate ambiguity (e.g. rename "${id}" connector to "${id}/connector")`
      report.problem(entry.place, `connectors::${id}`, message)
      ambiguous.add(id)
    }
  }
  return ambiguous
}

/** A connector that no pipeline names is as good as not there, as with every component. */
function checkSides(id: string, pipelines: readonly WrittenPipeline[], report: Report): void {
  const uses = {
    exporters: usesOf(id, 'exporters', pipelines),
    receivers: usesOf(id, 'receivers', pipelines)
  }
  for (const [role, other] of [
    ['exporters', 'receivers'],
    ['receivers', 'exporters']
  ] as const) {
    const [first] = uses[role]
    if (first === undefined || uses[other].length > 0) continue
    const names = uses[role].map(({ pipeline }) => pipeline).join(' ')
    const message =
      `connector "${id}" used as ${role.slice(0, -1)} in [${names}] pipeline ` +
      `but not used in any supported ${other.slice(0, -1)} pipeline`
    report.problem(first.place, build, message)
  }
}

function usesOf(id: string, role: Role, pipelines: readonly WrittenPipeline[]) {
  return pipelines.flatMap((pipeline) =>
    pipeline[role]
      .filter((reference) => reference.id === id)
      .slice(0, 1)
      .map(({ place }) => ({ pipeline: pipeline.id, place }))
  )
}

/** What a connector names must be a pipeline behind it; a pipeline behind it that none names gets nothing. */
function checkTargets(
  { id, targets }: Component,
  node: Node,
  pipelines: readonly WrittenPipeline[],
  report: Report
): void {
  if (targets === undefined) return
  const behind = usesOf(id, 'receivers', pipelines)
  if (behind.length === 0) return
  const names = behind.map(({ pipeline }) => pipeline)
  for (const { pipeline, path } of targets.named) {
    if (names.includes(pipeline)) continue
    const found = path.reduce<Node | undefined>(childOf, node)
    const near = nearestName(pipeline, names)
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`
    const message = `pipeline not found: "${pipeline}" is no pipeline that has "${id}" among its receivers${hint}`
    report.problem(found?.place ?? node.place, `connectors::${id}`, message)
  }
  for (const { pipeline, place } of behind) {
    if (targets.named.some((target) => target.pipeline === pipeline)) continue
    report.note('warn', place, `${pipeline} gets nothing from "${id}", which does not name it`)
  }
  if (targets.dropsOthers)
    report.note(
      'warn',
      node.place,
      `connectors::${id}: what no route takes is dropped: add default_pipelines`
    )
}

/** From one pipeline through a connector into the next. */
interface Step {
  readonly pipeline: WrittenPipeline
  readonly exporter: Reference
}

/** The steps of a way that comes back to where it began. */
function cycleIn(
  pipelines: readonly WrittenPipeline[],
  connectors: ReadonlyMap<string, unknown>
): Step[] | undefined {
  const done = new Set<WrittenPipeline>()
  const way: Step[] = []
  const search = (pipeline: WrittenPipeline): Step[] | undefined => {
    const from = way.findIndex((step) => step.pipeline === pipeline)
    if (from >= 0) return way.slice(from)
    if (done.has(pipeline)) return undefined
    for (const exporter of pipeline.exporters) {
      if (!connectors.has(exporter.id)) continue
      way.push({ pipeline, exporter })
      for (const next of pipelines) {
        if (!next.receivers.some(({ id }) => id === exporter.id)) continue
        const found = search(next)
        if (found) return found
      }
      way.pop()
    }
    done.add(pipeline)
    return undefined
  }
  for (const pipeline of pipelines) {
    const found = search(pipeline)
    if (found) return found
  }
  return undefined
}

function cycleText(cycle: readonly Step[]): string {
  const [first, ...others] = cycle
  const connector = ({ exporter }: Step) => `connector "${exporter.id}" (logs to logs)`
  // The first step's processors lie behind its connector, once around.
  const steps = [...others, first!].flatMap((step) => [
    ...step.pipeline.processors.map(
      ({ id }) => `processor "${id}" in pipeline "${step.pipeline.id}"`
    ),
    connector(step)
  ])
  return `cycle detected: ${[connector(first!), ...steps].join(' -> ')}`
}

function checkLanes(
  pipelines: readonly WrittenPipeline[],
  connectors: ReadonlyMap<string, Declared>,
  report: Report
): void {
  const places = new Map<string, Place>(pipelines.map(({ id, place }) => [id, place]))
  const placeOf = ({ legs }: LanePath) => places.get(legs[0]!.pipeline)!
  const names = new Set<string>()
  for (const path of lanesIn(pipelines, connectors)) {
    const { name } = path
    if (names.has(name)) {
      const message = `two lanes would have the name ${name}: rename a pipeline or an exporter`
      report.problem(placeOf(path), 'service::pipelines', message)
    }
    names.add(name)
    if (names.size <= lanesMax) continue
    const message = `more than ${lanesMax} ways lead from receivers to exporters, and each would be a lane`
    report.problem(placeOf(path), 'service::pipelines', message)
    return
  }
}

function lanesIn(
  pipelines: readonly WrittenPipeline[],
  declared: ReadonlyMap<string, Declared>
): Iterable<LanePath> {
  const connectors = new Map([...declared.keys()].map((id) => [id, { id }]))
  return pathsOf({ pipelines: pipelines.map(pipelineOf), connectors })
}

/** The pipeline with every id once, as the Collector takes it. */
export function pipelineOf({ id, ...written }: WrittenPipeline): PipelineConfig {
  const ids = (role: Role) => [...new Set(written[role].map((reference) => reference.id))]
  return {
    id,
    receivers: ids('receivers'),
    processors: ids('processors'),
    exporters: ids('exporters')
  }
}
