import { z } from 'zod'
import type { Place } from './errors.ts'
import { parseId } from './ids.ts'
import { nearestName } from './nearest.ts'
import { type Entry, emptyMap, isNull, type MapNode, type Node, plain } from './node.ts'
import { typeText } from './problems.ts'
import type { Report } from './report.ts'

/** Not a string schema: as in the Collector, `receivers: a,b` is no list. */
const ids = z
  .array(
    z.custom<string>((id) => typeof id === 'string', {
      error: ({ input }) => typeText('string', input ?? null),
      params: { decoding: true }
    })
  )
  .default([])

export const pipelineSchema = z.strictObject({
  receivers: ids.describe('Where records come from.'),
  processors: ids.describe('What is done with them, in this order.'),
  exporters: ids.describe('Where they go: each gets all of them.')
})

/** A pipeline as written, its ids read. */
export interface WrittenPipeline {
  readonly id: string
  readonly signal: string
  readonly place: Place
  readonly receivers: readonly Reference[]
  readonly processors: readonly Reference[]
  readonly exporters: readonly Reference[]
}

export interface Reference {
  readonly id: string
  readonly place: Place
}

export const roles = ['receivers', 'processors', 'exporters'] as const
export type Role = (typeof roles)[number]

const signals = ['logs', 'metrics', 'traces', 'profiles']

/** `service.pipelines`, with everything reported that is wrong about it by itself. */
export function readPipelines(section: Entry | undefined, report: Report): WrittenPipeline[] {
  const node = section === undefined || isNull(section.node) ? undefined : section.node
  if (node === undefined) return []
  if (node.kind !== 'map') {
    const text = `'service.pipelines' ${typeText('record', plain(node))}`
    report.problem(node.place, '', text)
    return []
  }
  const seen = new Set<string>()
  return [...node.entries].flatMap(([key, entry]) => {
    try {
      const { type: signal, text: id } = parseId(key)
      if (!signals.includes(signal)) throw new Error(unknownSignal(signal))
      if (seen.has(id)) throw new Error(`duplicate name "${key}" after unmarshaling ${id}`)
      seen.add(id)
      return readPipeline(id, signal, entry, report)
    } catch (error) {
      report.problem(entry.place, 'service::pipelines', (error as Error).message)
      return []
    }
  })
}

function unknownSignal(signal: string): string {
  const near = nearestName(signal, signals)
  return `unknown pipeline signal: "${signal}"${near === undefined ? '' : ` (did you mean ${near}?)`}`
}

function readPipeline(
  id: string,
  signal: string,
  { place, node }: Entry,
  report: Report
): WrittenPipeline[] {
  const body = isNull(node) ? emptyMap(place) : node
  if (body.kind !== 'map') {
    const message = `'[${id}]' ${typeText('record', plain(body))}`
    report.problem(body.place, 'service::pipelines', message)
    return []
  }
  const decoded = { path: 'service::pipelines', name: `[${id}]` }
  const path = `service::pipelines::${id}`
  report.check(pipelineSchema, { node: body, place, path, decoded })
  const references = (role: Role) => readReferences(body.entries.get(role)?.node, path, report)
  const pipeline = {
    id,
    signal,
    place,
    receivers: references('receivers'),
    processors: references('processors'),
    exporters: references('exporters')
  }
  for (const role of ['receivers', 'exporters'] as const) {
    // A list that is no list, or has nothing but ids that are none, was reported already.
    if (!isEmptyList(body, role)) continue
    report.problem(place, path, `must have at least one ${role.slice(0, -1)}`)
  }
  return [pipeline]
}

function isEmptyList(body: MapNode, role: Role): boolean {
  const node = body.entries.get(role)?.node
  if (node?.kind === 'scalar' && node.broken) return false
  return isNull(node) || (node?.kind === 'list' && node.items.length === 0)
}

/** Naming a component twice is naming it once, as in the Collector; processors are checked later. */
export function readReferences(node: Node | undefined, path: string, report: Report): Reference[] {
  if (node?.kind !== 'list') return []
  return node.items.flatMap(({ place, ...item }) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') return []
    try {
      return [{ id: parseId(item.value).text, place }]
    } catch (error) {
      report.problem(place, path, (error as Error).message)
      return []
    }
  })
}

/** Whether each pipeline names only what is configured, and no processor twice. */
export function checkReferences(
  pipeline: WrittenPipeline,
  configured: Readonly<Record<Role, ReadonlySet<string>>>,
  report: Report
): void {
  const path = `service::pipelines::${pipeline.id}`
  for (const role of roles) {
    for (const { id, place } of pipeline[role]) {
      if (configured[role].has(id)) continue
      const what = role.slice(0, -1)
      const hint = hintAt(id, role, configured)
      report.problem(place, path, `references ${what} "${id}" which is not configured${hint}`)
    }
  }
  const once = new Set<string>()
  for (const { id, place } of pipeline.processors) {
    if (once.has(id)) report.problem(place, path, `references processor "${id}" multiple times`)
    once.add(id)
  }
}

function hintAt(
  id: string,
  role: Role,
  configured: Readonly<Record<Role, ReadonlySet<string>>>
): string {
  const elsewhere = roles.find((other) => configured[other].has(id))
  if (elsewhere !== undefined) return ` (it is configured under ${elsewhere})`
  const near = nearestName(id, [...configured[role]])
  return near === undefined ? '' : ` (did you mean ${near}?)`
}
