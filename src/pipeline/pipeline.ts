import { aborted } from '../aborted.ts'
import type { Batch } from '../component.ts'
import type { Config } from '../config/config.ts'
import { createDedup, type Dedup } from '../dedup/dedup.ts'
import { refuseForgotten } from '../journal/elsewhere.ts'
import { type Journal, openJournal } from '../journal/journal.ts'
import { noLogs } from '../logs/logs.ts'
import type { Log } from '../telemetry/log.ts'
import { openAdmission } from './admission.ts'
import type { Lane } from './lane.ts'
import { settleOrphans } from './orphans.ts'
import { type Receiving, startReceiver } from './receiving.ts'
import { entryTo, openWays, type Way, waysFrom } from './ways.ts'

export interface Pipeline {
  readonly journal: Journal | undefined
  readonly lanes: readonly Lane[]
  readonly receivers: readonly Receiving[]
  /** Of receivers whose records have ids. */
  readonly dedup: Dedup | undefined
  /** Rejects when a receiver or the journal fails; the program must end. */
  readonly failed: Promise<never>
  /** Answers what is in flight and delivers what there is, until `limit` aborts; the rest stays in the journal. */
  stop(limit: AbortSignal): Promise<void>
}

/** Joins the configured components and lets records flow. Rejects with one sentence when one cannot start. */
export async function startPipeline(config: Config, log: Log): Promise<Pipeline> {
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const stopping = new AbortController()
  const admission = openAdmission()
  const ways: Way[] = []
  const receivers: Receiving[] = []
  const broken = new AbortController()
  const dedup = dedupOf(config, log)

  await startExtensions(config, log, stopping.signal)
  await refuseForgotten(config.journal ? config.journal.directory : undefined)
  const journal = config.journal
    ? await openJournal({
        directory: config.journal.directory,
        maxSize: config.journal.max_size,
        minFree: config.journal.min_free,
        maxDeadLetters: config.journal.max_dead_letters,
        ...(dedup && { index: dedup.index }),
        settled: admission.settled,
        fatal: (error) => {
          broken.abort()
          failure.reject(error)
        }
      })
    : undefined

  const start = async () => {
    if (journal) await settleOrphans(config, journal, log)
    await openWays(config, journal, log, {
      add: (way) => void ways.push(way),
      fatal: failure.reject
    })
    for (const { lane } of ways) lane.start()
    for (const [id, component] of config.receivers) {
      const taken = waysFrom(id, ways)
      if (taken.length === 0) continue
      const limits = taken.flatMap(({ limit }) => limit ?? [])
      const enter = entryTo(taken, journal)
      const admit = (batch: Batch, stored?: (lsn: number) => void) =>
        admission.take(batch, limits, (admitted) => enter(admitted, stored))
      const mark = (batch: Batch) => (journal ? journal.append(batch, []) : batch.settle())
      const take = dedup?.sieve(id, { pass: admit, mark }) ?? admit
      if (component.expectEvery !== undefined && journal) beginWait(journal, id)
      const receiver = await startReceiver(component, {
        log,
        stopping: stopping.signal,
        resume: journal?.resume(id),
        arrived: journal?.arrivals.get(id),
        take: (batch) => (batch.logs.records === 0 ? mark(batch) : take(batch)),
        failed: failure.reject
      })
      receivers.push(receiver)
    }
  }

  const stop = async (limit: AbortSignal) => {
    stopping.abort()
    // Who waits for room would wait for an exporter that may be away until the limit.
    admission.close()
    const flushing = journal ? undefined : hurry(ways)
    const ended = Promise.all(receivers.map((receiver) => receiver.ended))
    await Promise.race([ended, aborted(limit)])
    clearInterval(flushing)
    for (const receiver of receivers) receiver.unsubscribe()
    // What a lane delivers after the journal has failed would be delivered again at the next start (J6).
    const lanesLimit = AbortSignal.any([limit, broken.signal])
    await Promise.all(ways.map(({ lane }) => lane.stop(lanesLimit)))
    await journal?.close()
  }

  try {
    await start()
  } catch (error) {
    await stop(AbortSignal.abort())
    throw error
  }
  const lanes = ways.map(({ lane }) => lane)
  return { journal, lanes, receivers, dedup, failed: failure.promise, stop }
}

/** How long a receiver has waited for its first record must outlive a restart as well. */
function beginWait(journal: Journal, receiver: string): void {
  if (journal.arrivals.has(receiver)) return
  // Where there is no room the wait begins with this run, and the next start tries again.
  const settle = () => {}
  journal.append({ logs: noLogs, meta: { receiver, arrived: Date.now() }, settle }, [])
}

/** Receivers in use whose records have ids. */
function dedupOf({ receivers, pipelines }: Config, log: Log): Dedup | undefined {
  const inUse = new Set(pipelines.flatMap((pipeline) => pipeline.receivers))
  const some = [...receivers.values()].flatMap(({ id, dedup }) =>
    dedup && inUse.has(id) ? [{ id, dedup }] : []
  )
  return some.length > 0 ? createDedup(some, log) : undefined
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

/** Without a journal senders wait for deliveries: holders send what they hold, and nothing is tried twice. */
function hurry(ways: readonly Way[]): NodeJS.Timeout {
  for (const { lane } of ways) lane.finish()
  return setInterval(() => {
    for (const { lane } of ways) lane.flush()
  }, 20)
}
