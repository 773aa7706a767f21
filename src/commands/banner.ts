import type { Config } from '../config/config.ts'
import { pathsOf } from '../config/paths.ts'
import { knownBytes } from '../dedup/known.ts'
import type { Counts } from '../dedup/sieve.ts'
import { recentBytesMax } from '../journal/recent.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { windowBytes } from '../pipeline/ways.ts'
import { counted } from '../telemetry/counted.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { version } from '../version.ts'
import { size } from './journal.ts'

/** What a person wants to know when the pipeline has started. */
export function banner(config: Config, pipeline: Pipeline): string[] {
  const lines = [`auditcol ${version}`]
  for (const { id, addresses } of pipeline.receivers) {
    for (const address of addresses) lines.push(`receiver ${id} listens on ${address}`)
  }
  lines.push(journalLine(config, pipeline))
  for (const { name, target } of pipeline.lanes) lines.push(`lane ${name} delivers to ${target}`)
  lines.push(`memory: at most ${size(memoryBound(config, pipeline))}`)
  const http = firstHttp(pipeline)
  if (http) lines.push('send a first event:', firstEvent(http))
  lines.push(
    'Everything is ready. Begin running and processing data. (Ctrl-C delivers what is left and stops.)'
  )
  return lines
}

/** What went where, when the pipeline has stopped. */
export function summary({ receivers, lanes, journal, dedup }: Pipeline): string[] {
  const taken = receivers.map(({ id, accepted, refused, arrivals }) => {
    const { silences } = arrivals.status()
    const not = refused > 0 ? `, ${refused} refused` : ''
    const silent = silences > 0 ? `, silent ${counted(silences, 'time')}` : ''
    return `receiver ${id}: ${counted(accepted, 'record')} accepted${not}${silent}${known(dedup?.counts(id))}`
  })
  const given = lanes.map((lane) => {
    const waiting = journal?.lanes.get(lane.name)?.behind.records ?? 0
    // An archive has delivered what is committed; what is only sealed waits.
    const { records = lane.delivered, ...more } = Object.fromEntries(lane.stored)
    const others = Object.entries(more)
      .map(([what, n]) => `, ${what} ${n}`)
      .join('')
    const rest = waiting > 0 ? `; ${waiting} wait in the journal` : ''
    const why = lane.stopped ? `; stopped: ${reasonOf(lane.stopped)}` : ''
    return `lane ${lane.name}: ${counted(records, 'record')} delivered${others}${rest}${why}`
  })
  const forgotten = (dedup?.scopes ?? [])
    .filter(({ crowded }) => crowded > 0)
    .map(
      ({ scope, crowded }) =>
        `dedup scope ${scope}: ${counted(crowded, 'id')} forgotten in the window`
    )
  return [...taken, ...forgotten, ...given]
}

/** Of the records accepted. */
function known(counts: Readonly<Counts> | undefined): string {
  if (!counts) return ''
  const { repeats, differing, conflicts, withoutId } = counts
  const byId = differing > 0 ? `, ${differing} known by their id alone` : ''
  return `, ${repeats} of them stored before${byId}, ${conflicts} with a known id and other content, ${withoutId} without an id`
}

function journalLine(config: Config, { journal, lanes }: Pipeline): string {
  if (!config.journal || !journal)
    return 'no journal: senders are answered when every lane has delivered'
  const waiting = Math.max(
    0,
    ...lanes.map(({ name }) => journal.lanes.get(name)?.behind.records ?? 0)
  )
  const { directory, max_size } = config.journal
  return `journal ${directory}: at most ${size(max_size)}, ${counted(waiting, 'record')} waiting`
}

/**
 * Node itself, the code and the libraries, with room for garbage not collected yet. Measured with 16
 * senders of bodies of 20 MB: up to 246 MiB above the rest of the sum.
 */
const baseBytes = 320 * 2 ** 20

/** DESIGN 3: base + receiver limits + sum of lane windows + what is being made into objects of them. */
function memoryBound(config: Config, pipeline: Pipeline): number {
  const receivers = [...config.receivers.values()]
    .filter(({ id }) => pipeline.receivers.some((receiver) => receiver.id === id))
    .reduce((sum, { memory }) => sum + memory(0), 0)
  const lanes = [...pathsOf(config)]
    .map(({ exporter }) => config.exporters.get(exporter)!)
    .reduce((sum, { memory }) => sum + windowBytes + memory(windowBytes), 0)
  return baseBytes + recentBytesMax + receivers + lanes + idBytes(pipeline, config)
}

/** One table of ids for each scope. */
function idBytes(pipeline: Pipeline, { receivers }: Config): number {
  const sizes = pipeline.receivers.flatMap(({ id }) => {
    const { dedup } = receivers.get(id)!
    return dedup ? [[dedup.scope, knownBytes(dedup.max_entries)] as const] : []
  })
  return [...new Map(sizes).values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** `host:port`, or with the path where that is not the usual one. */
function firstHttp(pipeline: Pipeline): string | undefined {
  const addresses = pipeline.receivers.flatMap((receiver) => receiver.addresses)
  const found = addresses.map((address) => address.match(/^HTTP ([^/]+:\d+(\/.*)?)$/)?.[1])
  return found.find((address) => address !== undefined)
}

function firstEvent(address: string): string {
  const record = {
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: 'hello' },
    attributes: [{ key: 'user.id', value: { stringValue: 'me' } }]
  }
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }
  const reachable = address.replace(/^(0\.0\.0\.0|\[::\])/, '127.0.0.1')
  const url = `http://${reachable}${address.includes('/') ? '' : '/v1/logs'}`
  return `  curl ${url} -H 'content-type: application/json' -d '${JSON.stringify(request)}'`
}
