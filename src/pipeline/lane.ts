import { setTimeout as sleep } from 'node:timers/promises'
import { type Observable, Subject } from 'rxjs'
import { aborted } from '../aborted.ts'
import type { Batch, Connector, Exporter, LaneContext, Processor } from '../component.ts'
import type { Component } from '../config/config.ts'
import type { Book } from '../journal/book.ts'
import type { Range } from '../journal/position.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { createDeadLetters, type WriteLetter } from './dead_letters.ts'
import { createDelivery } from './delivery.ts'
import { type JunctionOptions, junction } from './junction.ts'
import { refuseUnstored } from './orphans.ts'
import { queueBatch } from './queue_batch.ts'
import { type Stage, throughStages } from './stages.ts'

/** How long an attempt may take to heed its signal; one that does not ends with the process, as in a crash. */
const abortGraceMs = 1_000

/** Where a lane's batches come from: its part of the journal, or the receivers themselves. */
export interface LaneSource {
  readonly id: string
  readonly writer: string
  readonly book: Book
  /** Keeps a dead letter; undefined where there is no journal (L8). */
  readonly letter: WriteLetter | undefined
  /** These frames are about to be settled, and left dead letters (L6). */
  refused(covers: readonly Range[], letters: readonly string[], records: number): void
  /** These frames are about to be settled, and so many of their records went to other pipelines. */
  routed(covers: readonly Range[], records: number): void
  batches(events: { full(): void; stopped(error: Error): void }): Observable<Batch>
  /** Whether nothing more comes until something has been settled. */
  full(): boolean
  /** Completes the batches when all have been read. */
  drain(): void
}

/** One way out of the journal: the processors of its pipelines, connectors between them, then the exporter (DESIGN 3). */
export interface Lane {
  readonly name: string
  /** Where it delivers to, as the exporter says. */
  readonly target: string
  /** Why it has stopped; what it has not delivered stays in the journal. */
  readonly stopped: Error | undefined
  readonly delivered: number
  readonly stored: ReadonlyMap<string, number>
  readonly failing: boolean
  /** Records in each recent batch, on average. */
  readonly recordsPerBatch: number
  start(): void
  /** Sends what holders hold. */
  flush(): void
  /** From now on what fails is not repeated: it goes back to where it came from. */
  finish(): void
  /** Delivers what there is, without repeating what fails, until `limit` aborts. */
  stop(limit: AbortSignal): Promise<void>
}

export interface LaneOptions {
  readonly name: string
  readonly stages: readonly StageComponent[]
  readonly exporter: Component
  readonly window: number
  readonly log: Log
  readonly source: LaneSource
}

/** A processor, or a connector with the pipeline that the lane goes on into. */
export interface StageComponent {
  /** No other stage of the lane has it. */
  readonly name: string
  readonly component: Component
  readonly to?: string
}

/** Builds a lane; nothing flows before it is started. Rejects when a component cannot start. */
export async function createLane(options: LaneOptions): Promise<Lane> {
  const { name, source, window } = options
  const log = options.log.with({ lane: name })
  const flush = new Subject<void>()
  const letGo = new AbortController()
  const finishing = new AbortController()
  const stored = new Map<string, number>()
  const drains: ((limit: AbortSignal) => Promise<void>)[] = []
  let stopped: Error | undefined
  let target = options.exporter.id
  let completed = false
  let recordsPerBatch = 0
  let done = () => {}

  const { delivery: settings } = options.exporter
  const { batch, num_consumers } = settings!.sending_queue

  const contextOf = (component: Component, id = component.id): LaneContext => ({
    id,
    log: log.with({ [component.kind]: id }),
    stopping: letGo.signal,
    ready: (address) => {
      if (component.kind === 'exporter') target = address
    },
    lane: {
      name,
      id: source.id,
      writer: source.writer,
      window,
      consumers: num_consumers,
      flush,
      book: source.book,
      stopped: (error) => {
        stopped ??= error
        log.error('part of the lane has stopped; what it has stays in the journal', {
          error: reasonOf(error)
        })
      },
      resumed: (error) => {
        if (stopped === error) stopped = undefined
      },
      drain: (finish) => void drains.push(finish),
      finishing: finishing.signal,
      waited: (batch, milliseconds) => delivery.waited(batch, milliseconds),
      retry: settings!.retry_on_failure,
      count: (what, n) => void stored.set(what, (stored.get(what) ?? 0) + n)
    }
  })

  const queue = batch && queueBatch(batch, contextOf(options.exporter).lane)
  const letters = source.letter && createDeadLetters(source.letter, log)
  const exporter = (await create(options.exporter, contextOf(options.exporter))) as Exporter
  refuseUnstored(name, exporter, source.book)
  const delivery = createDelivery({
    id: options.exporter.id,
    exporter,
    consumers: num_consumers,
    retry: settings!.retry_on_failure,
    timeout: settings!.timeout,
    log,
    letters,
    refused: source.refused,
    idle: () => {
      // The window is full and nothing moves: what holders hold has to go first (L2).
      if (source.full()) flush.next()
      if (completed || delivery.halted) done()
    }
  })

  const junctions: JunctionOptions = {
    routed: source.routed,
    // What is told of frames is told as they are settled: first what was refused of this one is kept.
    // Else nothing is left to do, and an exporter that is away does not hold it up.
    past: (batch) => (letters?.owes(batch) ? delivery.take(batch) : batch.settle())
  }
  const stages: Stage[] = []
  for (const { name, component, to } of options.stages) {
    const made = await create(component, { ...contextOf(component, name), ...(to && { to }) })
    const processor = to ? junction(made as Connector, junctions) : (made as Processor)
    stages.push({ name, processor })
  }

  const stop = (error: Error) => {
    stopped ??= error
    log.error('the lane has stopped; nothing is lost, its records stay in the journal', {
      error: reasonOf(error)
    })
    delivery.halt()
  }

  const finish = () => {
    finishing.abort()
    delivery.finish()
  }

  /** Without a journal a processor's error goes back to the sender (L8). */
  const processed = (batches: Observable<Batch>): Observable<Batch> =>
    letters
      ? throughStages(batches, { stages, letters, past: delivery.take })
      : stages.reduce((before, { processor }) => before.pipe(processor), batches)

  const start = () => {
    const batches = source.batches({
      full: () => {
        if (delivery.active === 0) flush.next()
      },
      stopped: stop
    })
    const leaving = processed(batches)
    const grouped = queue ? leaving.pipe(queue) : leaving
    grouped.subscribe({
      next: (taken) => {
        recordsPerBatch += (taken.logs.records - recordsPerBatch) / 8
        delivery.take(taken)
      },
      error: stop,
      complete: () => {
        completed = true
        if (delivery.active === 0) done()
      }
    })
  }

  return {
    name,
    get target() {
      return target
    },
    get stopped() {
      return stopped
    },
    get delivered() {
      return delivery.delivered
    },
    get failing() {
      return delivery.failing
    },
    get recordsPerBatch() {
      return recordsPerBatch
    },
    stored,
    start,
    flush: () => flush.next(),
    finish,
    stop: async (limit) => {
      await new Promise<void>((resolve) => {
        done = resolve
        limit.addEventListener('abort', () => resolve())
        finish()
        if (delivery.halted || limit.aborted) return resolve()
        source.drain()
      })
      delivery.halt()
      const givenUp = aborted(limit).then(() => {
        delivery.abort()
        return sleep(abortGraceMs)
      })
      await Promise.race([delivery.finished(), givenUp])
      await Promise.race([Promise.all(drains.map((finish) => finish(limit))), givenUp])
      letGo.abort()
    }
  }
}

async function create(component: Component, context: LaneContext): Promise<unknown> {
  try {
    return await component.create(component.options, context)
  } catch (cause) {
    throw new Error(`${component.place}: starting the ${component.kind} ${component.id}`, { cause })
  }
}
