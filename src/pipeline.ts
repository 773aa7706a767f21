import type { Observable, Subscription } from 'rxjs'
import type { Batch, Receiver, ReceiverContext } from './component.ts'
import type { Component, Config } from './config/config.ts'
import { createDirectSource, type DirectSource, giveToAll } from './direct.ts'
import { openIntake, type QueueLimit } from './intake.ts'
import { refuseForgotten } from './journal/elsewhere.ts'
import { type Journal, openJournal } from './journal/journal.ts'
import type { JournalLane } from './journal/lane.ts'
import { createLane, type Lane, type LaneSource, laneName } from './lane.ts'
import { type Outcomes, watchOutcomes } from './outcomes.ts'
import type { Log } from './telemetry/log.ts'

/** Bytes of records that a lane may have under way at once (L2). */
export const windowBytes = 64 * 2 ** 20

export interface Pipeline {
  readonly journal: Journal | undefined
  readonly lanes: readonly Lane[]
  readonly receivers: readonly Intaken[]
  /** Rejects when a receiver or the journal fails; the program must end. */
  readonly failed: Promise<never>
  /** Answers what is in flight and delivers what there is, until `limit` aborts; the rest stays in the journal. */
  stop(limit: AbortSignal): Promise<void>
}

/** A receiver that runs. */
export interface Intaken extends Outcomes {
  readonly id: string
  readonly addresses: string[]
}

interface Way {
  readonly lane: Lane
  readonly limit: QueueLimit | undefined
  readonly journalLane: JournalLane | undefined
  readonly direct: DirectSource | undefined
}

/** Joins the configured components and lets records flow. Rejects with one sentence when one cannot start. */
export async function startPipeline(config: Config, log: Log): Promise<Pipeline> {
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {})
  let broken = false
  const intake = openIntake()
  const stopping = new AbortController()
  await startExtensions(config, log, stopping.signal)
  await refuseForgotten(config.journal ? config.journal.directory : undefined)
  const journal = config.journal
    ? await openJournal({
        directory: config.journal.directory,
        maxSize: config.journal.max_size,
        minFree: config.journal.min_free,
        settled: intake.settled,
        fatal: (error) => {
          broken = true
          fail(error)
        }
      })
    : undefined
  const ways = new Map<string, Way>()
  const receivers: Intaken[] = []
  const subscriptions: Subscription[] = []
  let open = 0
  let closed = () => {}

  const start = async () => {
    await settleOrphans(config, journal, log)
    for (const { id: pipeline, processors, exporters } of config.pipelines) {
      for (const exporter of exporters) {
        const way = await openWay(pipeline, processors, config.exporters.get(exporter)!)
        ways.set(way.lane.name, way)
      }
    }
    for (const { lane } of ways.values()) lane.start()
    for (const [id, component] of config.receivers) {
      const chosen = waysOf(config, id, ways)
      if (chosen.length > 0) await subscribe(component, chosen)
    }
  }

  const openWay = async (pipeline: string, processors: string[], exporter: Component) => {
    const name = laneName(pipeline, exporter.id)
    const journalLane = journal && (journal.lanes.get(name) ?? (await journal.bear(name)))
    const direct = journalLane ? undefined : createDirectSource()
    const lane = await createLane({
      pipeline,
      processors: processors.map((id) => config.processors.get(id)!),
      exporter,
      window: windowBytes,
      log,
      source: direct ?? sourceOf(journal!, journalLane!)
    })
    return { lane, journalLane, direct, limit: limitOf(exporter, lane, journalLane) }
  }

  /** One append and one answer, however many pipelines the receiver feeds (DESIGN 3). */
  const subscribe = async (component: Component, chosen: readonly Way[]) => {
    const { id } = component
    const counted: Intaken = { id, addresses: [], accepted: 0, refused: 0 }
    receivers.push(counted)
    const own = log.with({ receiver: id })
    const watched = watchOutcomes(counted, own)
    const lanes = chosen.flatMap(({ journalLane }) => journalLane ?? [])
    const direct = chosen.flatMap((way) => way.direct ?? [])
    const limits = chosen.flatMap(({ limit }) => limit ?? [])
    const resume = journal?.resume(id)
    await new Promise<void>((ready, refuse) => {
      const context: ReceiverContext = {
        id,
        log: own,
        stopping: stopping.signal,
        ready: (address) => {
          counted.addresses.push(address)
          ready()
        },
        ...(resume !== undefined && { resume })
      }
      const fault = (cause: unknown) => {
        const error = new Error(`the receiver ${id}`, { cause })
        refuse(error)
        fail(error)
        end()
      }
      const end = () => {
        open--
        if (open === 0) closed()
      }
      const pass = (batch: Batch) => {
        if (journal) journal.append(batch, lanes)
        else giveToAll(batch, direct)
      }
      const next = (batch: Batch) => intake.take(watched(batch), limits, pass)
      open++
      Promise.resolve(component.create(component.options, context)).then((receiver) => {
        subscriptions.push((receiver as Receiver).subscribe({ next, error: fault, complete: end }))
      }, fault)
    })
  }

  const stop = async (limit: AbortSignal) => {
    stopping.abort()
    // Who waits for room would wait for an exporter that may be away until the limit.
    intake.close()
    // And who waits for a delivery: without a journal it is tried once more at most.
    if (!journal) for (const { lane } of ways.values()) lane.finish()
    const flushing = journal ? undefined : setInterval(() => flushAll(ways), 20)
    await new Promise<void>((resolve) => {
      closed = resolve
      limit.addEventListener('abort', () => resolve())
      if (open === 0 || limit.aborted) resolve()
    })
    clearInterval(flushing)
    for (const subscription of subscriptions) subscription.unsubscribe()
    // What a lane delivers after the journal has failed would be delivered again at the next start (J6).
    const lanesLimit = broken ? AbortSignal.abort() : limit
    await Promise.all([...ways.values()].map(({ lane }) => lane.stop(lanesLimit)))
    await journal?.close()
  }

  try {
    await start()
  } catch (error) {
    await stop(AbortSignal.abort())
    throw error
  }
  return { journal, lanes: [...ways.values()].map(({ lane }) => lane), receivers, failed, stop }
}

/** Extensions come before all others: one of them may make the directory that the journal lies in. */
async function startExtensions(config: Config, log: Log, stopping: AbortSignal): Promise<void> {
  for (const id of config.extensionsInUse) {
    const { create, options } = config.extensions.get(id)!
    try {
      await create(options, { id, log: log.with({ extension: id }), stopping, ready: () => {} })
    } catch (cause) {
      throw new Error(`starting the extension ${id}`, { cause })
    }
  }
}

/**
 * Lanes that the configuration no longer has: one that has delivered everything has ended; one that
 * has not refuses start (L7), or its records would wait unseen for ever.
 */
async function settleOrphans(
  config: Config,
  journal: Journal | undefined,
  log: Log
): Promise<void> {
  if (!journal) return
  const names = new Set(
    config.pipelines.flatMap(({ id, exporters }) => exporters.map((name) => laneName(id, name)))
  )
  const orphans = [...journal.lanes.values()].filter(({ name }) => !names.has(name))
  const owed = orphans.filter(({ behind }) => behind.records > 0)
  if (owed.length > 0) {
    throw new Error(
      owed
        .map(
          ({ name, behind }) =>
            `${behind.records} records undelivered for ${name}: restore it in the configuration, ` +
            `or run \`auditcol journal abandon ${name}\`, or \`auditcol journal rename ${name} <new name>\``
        )
        .join('; ')
    )
  }
  for (const lane of orphans) {
    await journal.end(lane, 'delivered')
    log.info('a lane that the configuration no longer has is closed, everything was delivered', {
      lane: lane.name
    })
  }
}

function waysOf(config: Config, receiver: string, ways: ReadonlyMap<string, Way>): Way[] {
  return config.pipelines
    .filter(({ receivers }) => receivers.includes(receiver))
    .flatMap(({ id, exporters }) => exporters.map((name) => ways.get(laneName(id, name))!))
}

function sourceOf(journal: Journal, lane: JournalLane): LaneSource {
  return {
    id: lane.id,
    writer: journal.writer,
    number: lane.number,
    batches: (events): Observable<Batch> => lane.reader.batches({ window: windowBytes, ...events }),
    full: () => lane.reader.full,
    drain: () => lane.reader.drain()
  }
}

function limitOf(
  exporter: Component,
  lane: Lane,
  journalLane: JournalLane | undefined
): QueueLimit | undefined {
  const { queue_size, sizer, block_on_overflow } = exporter.delivery!.sending_queue
  if (queue_size === undefined) return undefined
  return {
    lane: lane.name,
    size: queue_size,
    sizer,
    block: block_on_overflow,
    // Without a journal a batch is being accepted until it is delivered, so nothing is behind it.
    behind: () => journalLane?.behind ?? { records: 0, bytes: 0 },
    recordsPerBatch: () => lane.recordsPerBatch
  }
}

function flushAll(ways: ReadonlyMap<string, Way>): void {
  for (const { lane } of ways.values()) lane.flush()
}
