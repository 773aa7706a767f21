import { componentNames, type Folder, folders } from '../load.ts'
import { audit } from './audit/audit.ts'
import { checkComponent, type Declared, declaredIn } from './components.ts'
import type { Component, Config } from './config.ts'
import { checkConnectors, pipelineOf } from './connectors.ts'
import { checkDedup } from './dedup.ts'
import { leaveOutOthers } from './logs_only.ts'
import { nearestName } from './nearest.ts'
import { childOf, isNull, type MapNode, type Node } from './node.ts'
import {
  checkReferences,
  type Reference,
  readPipelines,
  type WrittenPipeline
} from './pipelines.ts'
import type { Report } from './report.ts'
import { checkKeys, checkService, sectionOf } from './service.ts'
import { agreeOnJournal, type StorageUse } from './storage.ts'

/** The checked configuration, or undefined where a part that the others need is wrong. */
export async function checkDocument(
  document: MapNode,
  logsOnly: boolean,
  root: string,
  report: Report
): Promise<Config | undefined> {
  await checkTopLevel(document, root, report)
  const service = sectionOf(document, 'service', report)
  checkKeys(service, ['service'], report)
  const written = readPipelines(service.entries.get('pipelines'), report)
  const connectors = new Set(sectionOf(document, 'connectors', report).entries.keys())
  const { logs, leftOut } = leaveOutOthers(written, connectors, logsOnly, report)
  const sections = await checkSections(document, leftOut, root, report)
  if (logs.length === 0) reportNoPipeline(document, service, written, report)
  checkUse(logs, sections, report)
  const {
    telemetry,
    journal,
    extensions,
    audit: mode
  } = checkService(service, service.place, report)
  checkExtensions(extensions, sections, report)
  if (journal === undefined || telemetry === undefined) return undefined
  const inUse = new Set(logs.flatMap(({ exporters }) => exporters.map(({ id }) => id)))
  const uses = queuesIn(sections.exporters, inUse, journal === false, report)
  checkIntake(sections.receivers, journal === false, report)
  const listed = new Set(extensions.map(({ id }) => id))
  const { declared, good } = sections.extensions
  const storages = { configured: new Set(declared.keys()), good, listed }
  const config: Config = {
    receivers: sections.receivers.good,
    processors: sections.processors.good,
    exporters: sections.exporters.good,
    extensions: good,
    connectors: sections.connectors.good,
    pipelines: logs.map(pipelineOf),
    extensionsInUse: [...listed],
    journal: agreeOnJournal(journal, uses, storages, report),
    telemetry
  }
  // A rule may take for granted what has been checked so far.
  if (mode === 'strict' && report.problems.length === 0)
    audit({ config, pipelines: logs, sections, service }, report)
  return config
}

async function checkTopLevel(document: MapNode, root: string, report: Report): Promise<void> {
  checkKeys(document, [], report, await componentHomes(root))
  for (const [section, what] of [
    ['receivers', 'receiver'],
    ['exporters', 'exporter']
  ] as const) {
    const entry = document.entries.get(section)
    const node = entry?.node
    if (!isNull(node) && !(node?.kind === 'map' && node.entries.size === 0)) continue
    if (isBroken(node)) continue
    const place = entry?.place ?? { source: document.place.source }
    report.problem(place, '', `no ${what} configuration specified in config`)
  }
}

/** Where a component belongs that lost its indentation. */
async function componentHomes(root: string): Promise<Map<string, string>> {
  const homes = new Map<string, string>()
  for (const folder of folders)
    for (const name of await componentNames(folder, root))
      homes.set(name, homes.has(name) ? `${homes.get(name)} or ${folder}` : folder)
  return homes
}

function isBroken(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.broken === true
}

interface Section {
  readonly declared: ReadonlyMap<string, Declared>
  /** Those without an error. */
  readonly good: ReadonlyMap<string, Component>
}

async function checkSections(
  document: MapNode,
  leftOut: (folder: Folder, id: string) => boolean,
  root: string,
  report: Report
): Promise<Record<Folder, Section>> {
  const sections: [Folder, Section][] = []
  for (const folder of folders) {
    const declared = declaredIn(sectionOf(document, folder, report), folder, report)
    const good = new Map<string, Component>()
    for (const [id, one] of declared) {
      if (leftOut(folder, id)) continue
      const component = await checkComponent(folder, one, root, report)
      if (component) good.set(id, component)
    }
    sections.push([folder, { declared, good }])
  }
  return Object.fromEntries(sections) as Record<Folder, Section>
}

function reportNoPipeline(
  document: MapNode,
  service: MapNode,
  written: readonly WrittenPipeline[],
  report: Report
): void {
  const entry = service.entries.get('pipelines')
  const isEmpty =
    isNull(entry?.node) || (entry?.node.kind === 'map' && entry.node.entries.size === 0)
  if (!isEmpty && written.length === 0) return
  const place = entry?.place ?? document.entries.get('service')?.place
  const message = 'service must have at least one pipeline'
  const why = written.length > 0 ? ', and none of these carries logs' : ''
  if (isBroken(entry?.node)) return
  report.problem(place ?? { source: document.place.source }, 'service::pipelines', message + why)
}

/** What pipelines name must be configured; a connector stands among their receivers and exporters. */
function checkUse(
  pipelines: readonly WrittenPipeline[],
  sections: Record<Folder, Section>,
  report: Report
): void {
  const idsOf = (...names: Folder[]) =>
    new Set(names.flatMap((name) => [...sections[name].declared.keys()]))
  const configured = {
    receivers: idsOf('receivers', 'connectors'),
    processors: idsOf('processors'),
    exporters: idsOf('exporters', 'connectors')
  }
  for (const pipeline of pipelines) checkReferences(pipeline, configured, report)
  checkConnectors(pipelines, sections, report)
}

function checkExtensions(
  listed: readonly Reference[],
  { extensions }: Record<Folder, Section>,
  report: Report
): void {
  for (const { id, place } of listed) {
    if (extensions.declared.has(id)) continue
    const near = nearestName(id, [...extensions.declared.keys()])
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`
    const message = `references extension "${id}" which is not configured${hint}`
    report.problem(place, 'service::extensions', message)
  }
}

function checkIntake({ declared, good }: Section, withoutJournal: boolean, report: Report): void {
  const placeOf = (receiver: string, key?: string) => {
    const { node, place } = declared.get(receiver)!.entry
    const dedup = node.kind === 'map' ? node.entries.get('dedup') : undefined
    return (key && childOf(dedup?.node, key)?.place) || (dedup?.place ?? place)
  }
  checkDedup(good, placeOf, withoutJournal, report)
}

/** The storages that exporters in use name, and what `sending_queue` asks that only a queue could do. */
function queuesIn(
  exporters: Section,
  inUse: ReadonlySet<string>,
  withoutJournal: boolean,
  report: Report
): StorageUse[] {
  return [...exporters.good].flatMap(([id, { delivery }]) => {
    const { node, place } = exporters.declared.get(id)!.entry
    const queue = childOf(node, 'sending_queue')
    const placeOf = (key: string) => childOf(queue, key)?.place ?? place
    const { storage, wait_for_result, enabled } = delivery!.sending_queue
    if (wait_for_result && !withoutJournal)
      report.problem(placeOf('wait_for_result'), `exporters::${id}::sending_queue`, noResult)
    if (!inUse.has(id)) return []
    if (!enabled) report.note('info', placeOf('enabled'), `exporters::${id}: ${stillJournal}`)
    return storage === undefined ? [] : [{ exporter: id, storage, place: placeOf('storage') }]
  })
}

const noResult =
  '`wait_for_result` is not possible with the journal: it answers senders once it has their records safe on disk; ' +
  'leave it out, or set `service.journal: false`'

const stillJournal =
  'sending_queue::enabled false changes nothing: there is no queue beside the journal, which stays on'
