import { resourceFromAttributes } from '@opentelemetry/resources'
import awss3, { config } from '../../exporters/awss3.ts'
import type { Targets } from '../../src/archive/targets.ts'
import type { Connector, Processor } from '../../src/component.ts'
import type { Component, Config } from '../../src/config/config.ts'
import { eachBatch } from '../../src/each_batch.ts'
import { type Journal, openJournal } from '../../src/journal/journal.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import type { Lane } from '../../src/pipeline/lane.ts'
import { entryTo, openWays, type Way } from '../../src/pipeline/ways.ts'
import { createLog } from '../../src/telemetry/log.ts'
import type { Bucket } from './bucket.ts'
import type { Disk } from './disk.ts'

/*
 * auditcol as it is from journal to store, on one machine: a lane with a processor that drops and a
 * connector that sends records to where no lane of this machine leads, groups of three to four records, cut where a request has more, and an archive in each bucket that is asked for.
 */
export interface Process {
  readonly journal: Journal
  readonly lane: Lane
  /** What ends the process: a sync has failed. */
  readonly fatal: Error | undefined
  /** Rejects when the records are refused; they may be there all the same. */
  send(ids: readonly string[]): Promise<void>
  /** Delivers what there is and closes the journal; does not wait when the journal has failed. */
  stop(): Promise<void>
}

/** `a`, or for another bucket `a@more`. A bucket that is none makes a dead letter. */
export function logsOf(ids: readonly string[]): Logs {
  return encodeLogs(
    ids.map((id) => ({
      resource: resourceFromAttributes({ bucket: id.split('@')[1] ?? 'logs' }),
      instrumentationScope: { name: 'model' },
      hrTime: [1, 0] as [number, number],
      hrTimeObserved: [1, 0] as [number, number],
      body: `event(${id})`,
      attributes: {},
      droppedAttributesCount: 0
    }))
  )
}

/** The ids of records, in order, whatever format they are in. */
export function idsIn(bytes: Uint8Array): string[] {
  return [
    ...Buffer.from(bytes)
      .toString('latin1')
      .matchAll(/event\(([^)]+)\)/g)
  ].map(([, id]) => id!)
}

/** For the mock of targets.ts: the buckets of the machine in place of S3. */
export function targetsOf({ buckets, disk }: Wiring): Targets {
  const storeAt = (place: unknown) => {
    const bucket = buckets.find(({ name }) => name === place)
    if (!bucket) throw new Error(`no bucket ${place}`)
    return bucket.storeOn(disk.machine)
  }
  return {
    open: async (bucket) => ({ name: `s3://${bucket}`, place: bucket }),
    storeAt,
    placeOf: (archive) => archive.slice('s3://'.length),
    close: () => {}
  }
}

export interface Wiring {
  readonly disk: Disk
  readonly buckets: readonly Bucket[]
}

export async function startProcess(wiring: Wiring): Promise<Process> {
  let fatal: Error | undefined
  const limit = new AbortController()
  const fail = (error: Error) => {
    fatal ??= error
    limit.abort()
  }
  const log = createLog({ level: 'error', encoding: 'json', write: () => {} })
  const journal = await openJournal({
    directory: `${wiring.disk.root}/journal`,
    maxSize: 2 ** 30,
    minFree: 0,
    // Some requests fill it: what rotation leaves behind is part of the story.
    segmentBytes: 8 * 1024,
    settled: () => {},
    fatal: fail
  })
  const ways: Way[] = []
  await openWays(configOf(wiring), journal, log, {
    add: (way) => ways.push(way),
    fatal: fail
  })
  const { lane } = ways[0]!
  const enter = entryTo(ways, journal)
  lane.start()
  return {
    journal,
    lane,
    get fatal() {
      return fatal
    },
    send: (ids) =>
      new Promise((resolve, reject) => {
        enter({
          logs: logsOf(ids),
          meta: { receiver: 'otlp', arrived: 1_700_000_000_000 },
          settle: (error) => (error ? reject(error) : resolve())
        })
      }),
    stop: async () => {
      await lane.stop(limit.signal)
      await journal.close()
    }
  }
}

function configOf(wiring: Wiring): Config {
  const exporter = {
    ...{ id: 'awss3', kind: 'exporter', type: 'awss3', place: '', memory: () => 0 },
    options: { ...options, wiring },
    create: awss3,
    delivery: {
      timeout: 0,
      retry_on_failure: { enabled: true, ...retries },
      sending_queue: { enabled: true, num_consumers: 2, block_on_overflow: false, batch }
    }
  } as unknown as Component
  const drop = {
    ...{ id: 'drop', kind: 'processor', type: 'drop', place: '', memory: () => 0 },
    create: dropping
  } as unknown as Component
  const away = {
    ...{ id: 'away', kind: 'connector', type: 'away', place: '', memory: () => 0 },
    create: () => sendingAway
  } as unknown as Component
  return {
    pipelines: [
      { id: 'logs', receivers: ['otlp'], processors: ['drop'], exporters: ['away'] },
      { id: 'logs/out', receivers: ['away'], processors: [], exporters: ['awss3'] }
    ],
    processors: new Map([['drop', drop]]),
    connectors: new Map([['away', away]]),
    exporters: new Map([['awss3', exporter]])
  } as unknown as Config
}

const options = config.parse({
  s3uploader: { region: 'us-east-1', s3_bucket: 'logs', s3_partition_format: '' },
  marshaler: 'otlp_proto',
  resource_attrs_to_s3: { s3_bucket: 'bucket' }
})

const retries = {
  ...{ initial_interval: 5, randomization_factor: 0, multiplier: 1, max_interval: 5 },
  max_elapsed_time: 0
}

const batch = {
  ...{ flush_timeout: 20, min_size: 3, max_size: 4, sizer: 'items' },
  partition: { metadata_keys: [] }
}

/** Records that say so are meant to be dropped. */
function dropping(): Processor {
  return eachBatch((logs) => without(logs, 'drop'))
}

/** Records that say so go to another pipeline. */
const sendingAway: Connector = (logs) => {
  const left = without(logs, 'away')
  return { logs: left, elsewhere: logs.records - left.records }
}

function without(logs: Logs, prefix: string): Logs {
  const ids = logs.chunks.flatMap(idsIn)
  return ids.some((id) => id.startsWith(prefix))
    ? pickRecords(logs, (index) => !ids[index]!.startsWith(prefix))
    : logs
}
