import type { Config } from '../config.ts'
import { type LanePath, pathsOf } from '../paths.ts'
import type { Audited, Finding } from './audit.ts'
import { placeOf } from './place_of.ts'

/** Processors that leave records out. */
const dropping = new Set(['filter'])

/** Exporters behind which records may be nowhere, each with what it does. */
const keepsNothing: ReadonlyMap<string, string> = new Map([
  ['debug', 'keeps nothing'],
  ['nop', 'keeps nothing'],
  ['otel_sdk', 'does not say what its far side has refused']
])

/** What a filter drops must come somewhere else. */
export function filters({ config, pipelines }: Audited): Finding[] {
  const ways = waysOf(config)
  return pipelines.flatMap(({ id, processors }) =>
    processors
      .filter((one) => dropping.has(config.processors.get(one.id)!.type))
      .flatMap(({ id: processor, place }) => {
        const receivers = ways.lacking(({ legs }) => legs.some(({ pipeline }) => pipeline === id))
        if (receivers.length === 0) return []
        const message = `processor "${processor}" drops records that nothing else keeps: add a pipeline with receivers [${receivers.join(', ')}], no filter and an exporter that keeps them, or take it out`
        return { place, path: `service::pipelines::${id}`, message }
      })
  )
}

/** What no route takes must come somewhere else. */
export function routes({ config, sections }: Audited): Finding[] {
  const ways = waysOf(config)
  return [...config.connectors.values()].flatMap(({ id, targets }) => {
    if (!targets?.dropsOthers) return []
    const receivers = ways.lacking(({ legs }) => legs.some(({ connector }) => connector === id))
    if (receivers.length === 0) return []
    const place = placeOf(sections.connectors.declared.get(id)!, [])
    const message = 'drops what no route takes: add default_pipelines'
    return { place, path: `connectors::${id}`, message }
  })
}

/** A pipeline whose exporters keep nothing needs another one that keeps the same records. */
export function exporters({ config, pipelines }: Audited): Finding[] {
  const ways = waysOf(config)
  return pipelines.flatMap(({ id, exporters: [first, ...others] }) => {
    if (first === undefined) return []
    const why = [first, ...others].map((one) =>
      keepsNothing.get(config.exporters.get(one.id)?.type ?? '')
    )
    const receivers = ways.lacking(({ legs }) => legs.some(({ pipeline }) => pipeline === id))
    if (why.includes(undefined) || receivers.length === 0) return []
    const message = `exporter "${first.id}" ${why[0]}, and no other gets all records of [${receivers.join(', ')}]: add one that keeps them, such as awss3`
    return { place: first.place, path: `service::pipelines::${id}`, message }
  })
}

function waysOf(config: Config) {
  const lanes = [...pathsOf(config)]
  const kept = new Set(
    lanes.filter((lane) => isWhole(lane, config)).flatMap(({ receivers }) => receivers)
  )
  return {
    /** Receivers of these lanes that have no lane which keeps all of their records. */
    lacking(uses: (lane: LanePath) => boolean): string[] {
      const receivers = lanes.filter(uses).flatMap((lane) => lane.receivers)
      return [...new Set(receivers)].filter((id) => !kept.has(id))
    }
  }
}

/** No filter, no choice of routes, and an exporter that keeps what it gets. */
function isWhole({ legs, exporter }: LanePath, config: Config): boolean {
  if (keepsNothing.has(config.exporters.get(exporter)!.type)) return false
  return legs.every(
    ({ processors, connector }) =>
      !processors.some((id) => dropping.has(config.processors.get(id)!.type)) &&
      (connector === undefined || config.connectors.get(connector)!.targets === undefined)
  )
}
