import type { z } from 'zod'
import {
  type ComponentModule,
  componentNames,
  type Folder,
  loadComponent,
  loadModule
} from '../load.ts'
import type { Component, Kind } from './config.ts'
import { deliveryKeys, takeDelivery } from './delivery.ts'
import { type Place, showPlace } from './errors.ts'
import { type Id, parseId } from './ids.ts'
import { intakeKeys, takeIntake } from './intake.ts'
import { nearestName } from './nearest.ts'
import { type Entry, emptyMap, isNull, type MapNode, type Node, plain } from './node.ts'
import { typeText } from './problems.ts'
import { renames } from './renames.ts'
import type { Report } from './report.ts'

/** A component as written: its id is good, nothing else is known. */
export interface Declared {
  readonly id: Id
  readonly entry: Entry
}

/** The components of a section by id; ids that are none are reported. */
export function declaredIn(
  section: MapNode,
  folder: Folder,
  report: Report
): Map<string, Declared> {
  const declared = new Map<string, Declared>()
  for (const [key, entry] of section.entries) {
    try {
      const id = parseId(key)
      if (declared.has(id.text))
        throw new Error(`duplicate name "${key}" after unmarshaling ${id.text}`)
      declared.set(id.text, { id, entry })
    } catch (error) {
      report.problem(entry.place, folder, (error as Error).message)
    }
  }
  return declared
}

/** Finds a declared component's module and checks its options; reports and gives undefined when it cannot be. */
export async function checkComponent(
  folder: Folder,
  { id, entry }: Declared,
  root: string,
  report: Report
): Promise<Component | undefined> {
  const { place } = entry
  const kind = folder.slice(0, -1) as Kind
  const body = isNull(entry.node) ? emptyMap(place) : entry.node
  if (entry.node.kind === 'scalar' && entry.node.broken) return undefined
  if (body.kind !== 'map') {
    report.problem(body.place, folder, `'[${id.text}]' ${typeText('record', plain(body))}`)
    return undefined
  }
  try {
    const found = await find(folder, id, body, place, root, report)
    if (found === undefined) return undefined
    const { module, node, type } = found
    return checkOptions(
      { id: id.text, kind, type, place },
      module,
      node,
      `${folder}::${id.text}`,
      report
    )
  } catch (error) {
    report.problem(place, `${folder}::${id.text}`, (error as Error).message)
    return undefined
  }
}

interface Found {
  readonly module: ComponentModule
  readonly node: MapNode
  readonly type: string
}

async function find(
  folder: Folder,
  id: Id,
  body: MapNode,
  place: Place,
  root: string,
  report: Report
): Promise<Found | undefined> {
  const own = await loadComponent(folder, id.type, root)
  if (own) return { module: own, node: body, type: id.type }
  const named = body.entries.get('type')?.node
  if (named?.kind === 'scalar' && typeof named.value === 'string')
    return findModule(folder, named.value, body, root)
  const renamed = (renames[folder] as Record<string, string>)[id.type]
  const module = renamed && (await loadComponent(folder, renamed, root))
  if (module) {
    report.note('warn', place, `"${id.type}" is now called "${renamed}": please use the new name`)
    return { module, node: body, type: renamed }
  }
  report.problem(place, folder, await unknownType(folder, id, root))
  return undefined
}

/** `type: ./my_exporter.ts`, an npm package, or `module#Export` for an exporter of the OpenTelemetry SDK. */
async function findModule(
  folder: Folder,
  type: string,
  body: MapNode,
  root: string
): Promise<Found | undefined> {
  const hash = type.indexOf('#')
  if (hash >= 0) return findClass(folder, type.slice(0, hash), type.slice(hash + 1), body, root)
  const loaded = await loadModule(type)
  if ('exported' in loaded) return findClass(folder, type, loaded.exported, body, root)
  return { module: loaded.component, node: without(body, 'type'), type }
}

async function findClass(
  folder: Folder,
  module: string,
  exported: string,
  body: MapNode,
  root: string
): Promise<Found> {
  if (folder !== 'exporters')
    throw new Error(`"${module}#${exported}": only an exporter can be a class of a module`)
  const adapter = await loadComponent('exporters', 'otel_sdk', root)
  if (!adapter) throw new Error('loading exporters/otel_sdk: it is missing')
  const { place } = body.entries.get('type')!
  const text = (value: string): Entry => ({ place, node: { kind: 'scalar', place, value } })
  const entries = new Map(without(body, 'type').entries)
  entries.set('module', text(module)).set('export', text(exported))
  return { module: adapter, node: { ...body, entries }, type: 'otel_sdk' }
}

function without(body: MapNode, key: string): MapNode {
  const entries = new Map(body.entries)
  entries.delete(key)
  return { ...body, entries }
}

async function unknownType(folder: Folder, id: Id, root: string): Promise<string> {
  if (folder === 'exporters' && id.type === 'logging')
    return 'the logging exporter has been deprecated, use the debug exporter instead'
  const names = await componentNames(folder, root)
  const near = nearestName(id.type, names)
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  return `unknown type: "${id.type}" for id: "${id.text}" (valid values: [${names.join(' ')}])${hint}`
}

function checkOptions(
  about: { id: string; kind: Kind; type: string; place: Place },
  module: ComponentModule,
  node: Node,
  path: string,
  report: Report
): Component | undefined {
  const own = new Set(Object.keys(module.config.shape))
  const schema = withKeys(module.config, engineKeys[about.kind] ?? {}, own)
  const checked = report.check(schema, { node, place: about.place, path })
  if (checked === undefined) return undefined
  const delivered = about.kind === 'exporter' ? takeDelivery(checked.value, own) : undefined
  const taken = about.kind === 'receiver' ? takeIntake(about.id, checked.value, own) : undefined
  const options = delivered?.options ?? taken?.options ?? checked.value
  return {
    ...about,
    place: showPlace(about.place),
    options,
    create: module.default,
    memory: memoryOf(about.kind, module, options),
    ...(delivered && { delivery: delivered.delivery }),
    ...taken?.intake,
    ...(module.silence !== undefined && { silence: module.silence }),
    ...(module.targets && { targets: module.targets(options as never) })
  }
}

/** An exporter that does not say may hold the records once more, in its own format. */
function memoryOf(kind: Kind, { memory }: ComponentModule, options: unknown) {
  return (window: number) =>
    memory?.(options as never, window) ?? (kind === 'exporter' ? window : 0)
}

/** What the engine reads beside a component's own keys. */
const engineKeys: Partial<Record<Kind, Record<string, z.ZodType>>> = {
  receiver: intakeKeys,
  exporter: deliveryKeys
}

/** What a component states itself it also means itself: `timeout` of one PUT, say. */
function withKeys(
  config: ComponentModule['config'],
  keys: Record<string, z.ZodType>,
  own: ReadonlySet<string>
) {
  const more = Object.entries(keys).filter(([key]) => !own.has(key))
  return config.safeExtend(Object.fromEntries(more)) as ComponentModule['config']
}
