import { z } from 'zod'
import { folders } from '../load.ts'
import { auditSchema } from './audit/schema.ts'
import type { Place } from './errors.ts'
import { hintFor } from './hints.ts'
import { journalSchema } from './journal.ts'
import { emptyMap, isNull, type MapNode, plain } from './node.ts'
import { pipelineSchema, type Reference, readReferences } from './pipelines.ts'
import { typeText } from './problems.ts'
import type { Report } from './report.ts'
import { levelsOf } from './schema_walk.ts'
import { telemetrySchema } from './telemetry.ts'

export const serviceSchema = z.strictObject({
  extensions: z.array(z.string()).default([]).describe('Extensions to start, in this order.'),
  pipelines: z.record(z.string(), pipelineSchema).describe('The ways records take, by id.'),
  telemetry: telemetrySchema.prefault({}).describe('What auditcol says of itself.'),
  journal: journalSchema.prefault({}).describe('Where acknowledged records wait; or false.'),
  audit: auditSchema
})

/** The whole configuration; what stands in the sections is up to each component. */
const documentSchema = z.strictObject({
  ...Object.fromEntries(folders.map((folder) => [folder, z.unknown()])),
  service: serviceSchema
})

const levels = levelsOf(documentSchema)

/** Reports the keys that a level of the document does not have; `homes` knows where more of them belong. */
export function checkKeys(
  node: MapNode,
  path: readonly string[],
  report: Report,
  homes: ReadonlyMap<string, string> = new Map()
): void {
  const known = levels.find((level) => level.path.join() === path.join())!.fields
  for (const [key, { place }] of node.entries) {
    if (known.has(key)) continue
    const home = homes.get(key.split('/')[0]!.trim())
    const hint =
      home === undefined
        ? hintFor(key, path, levels, 'at the top level').text
        : ` (belongs under ${home})`
    report.problem(place, '', `'${path.join('.')}' has invalid keys: ${key}${hint}`)
  }
}

/** A section's map; one without a value is an empty map, one that is no map is reported. */
export function sectionOf(document: MapNode, name: string, report: Report): MapNode {
  const entry = document.entries.get(name)
  if (entry === undefined) return emptyMap(document.place)
  const { node, place } = entry
  if (node.kind === 'map') return node
  if (!isNull(node)) report.problem(node.place, '', `'${name}' ${typeText('record', plain(node))}`)
  return emptyMap(place)
}

/** `service` without its pipelines, each part undefined where it is wrong. */
export function checkService(service: MapNode, place: Place, report: Report) {
  const checkPart = <T extends z.ZodType>(schema: T, name: string) => {
    const entry = service.entries.get(name)
    const node = entry === undefined || isNull(entry.node) ? emptyMap(place) : entry.node
    return report.check(schema, {
      node,
      place: entry?.place ?? place,
      path: `service::${name}`,
      decoded: { path: '', name: `service.${name}` }
    })?.value
  }
  return {
    telemetry: checkPart(telemetrySchema, 'telemetry'),
    journal: checkPart(journalSchema, 'journal'),
    extensions: extensionsIn(service, report),
    audit: auditIn(service, report)
  }
}

function auditIn(service: MapNode, report: Report): 'off' | 'strict' {
  const entry = service.entries.get('audit')
  if (entry === undefined || isNull(entry.node)) return 'off'
  const body = { ...service, entries: new Map([['audit', entry]]) }
  const decoded = { path: '', name: 'service' }
  const only = z.strictObject({ audit: auditSchema })
  const checked = report.check(only, { node: body, place: entry.place, path: 'service', decoded })
  return checked?.value.audit ?? 'off'
}

function extensionsIn(service: MapNode, report: Report): Reference[] {
  const node = service.entries.get('extensions')?.node
  if (node === undefined || isNull(node)) return []
  const decoded = { path: '', name: 'service' }
  const body = { ...service, entries: new Map([['extensions', { place: node.place, node }]]) }
  const only = z.strictObject({ extensions: pipelineSchema.shape.receivers })
  report.check(only, { node: body, place: node.place, path: 'service', decoded })
  return readReferences(node, 'service::extensions', report)
}
