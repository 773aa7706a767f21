import type { MonoTypeOperatorFunction, Observable } from 'rxjs'
import type { Book } from './journal/book.ts'
import type { Replay } from './journal/envelope.ts'
import type { Logs } from './logs/logs.ts'
import type { Log } from './telemetry/log.ts'

/** Records that travel, and are answered for, together. */
export interface Batch {
  readonly logs: Logs
  readonly meta: Meta
  /**
   * Call exactly once: with no error when every record is taken over durably or was meant to be
   * dropped; with an error when not. A RefusedError says when to come back, a PermanentError that
   * the same data will fail again. `known` tells a receiver with `dedup` how many of its records were
   * left out because they were stored before.
   */
  settle(error?: Error, known?: number): void
}

/** What is known of a batch besides its records. */
export interface Meta {
  /** Id of the receiver that accepted the records. */
  readonly receiver: string
  /** When they were accepted, milliseconds since the epoch; a replay from the journal keeps it. */
  readonly arrived: number
  /** HTTP headers or gRPC metadata of the sender, lower-case names, when the receiver was asked for them. */
  readonly client?: Readonly<Record<string, readonly string[]>>
  /** The address that the sender's connection came from, without its port. */
  readonly address?: string
  /** Who the sender proved to be. */
  readonly identity?: Readonly<Record<string, string>>
  /** A receiver's own mark; the context gives back the last one at start. A batch without records is for its mark alone. */
  readonly resume?: string
  /** Journal positions this batch answers for, first to last inclusive, in order, without overlap. */
  readonly covers?: readonly (readonly [first: number, last: number])[]
  /** Records accepted in the frames this batch answers for, whatever processors have made of them since. */
  readonly accepted?: number
  /**
   * The largest piece an exporter may be handed. The lane cuts what is larger into attempts; an
   * exporter with `cuts: true` gets the batch whole and cuts it itself (L1).
   */
  readonly piece?: { readonly records?: number; readonly bytes?: number }
  /** Of them, those that connectors on the way have routed to other pipelines only. */
  readonly routed?: number
  /** What was refused of this batch on its way here: kept as dead letters before the exporter sees the rest. Holders join it. */
  readonly refused?: readonly Refused[]
  /** The dead letters written for this batch, durable before the exporter sees it, and their records (L6). */
  readonly letters?: readonly string[]
  readonly dead?: number
  /** These records come from dead letters; those that an exporter refused pass no processor again. */
  readonly replay?: Replay
}

/** Records that will fail again, as they reached what refused them (L5). */
export interface Refused {
  readonly logs: Logs
  readonly reason: string
  /** Id of the component that refused them, and where they would enter the lane again. */
  readonly by: string
  readonly at: 'journal' | 'processors' | 'exporter'
  /** So many of them were refused, and nobody knows which. */
  readonly unnamed?: number
  /** Of the batch that they were in. */
  readonly from: Meta
}

/**
 * Subscribing starts it, unsubscribing stops it at once. When `context.stopping` aborts it takes
 * nothing new, waits until what is in flight has been settled and answered, and completes.
 * An error of the Observable means that it cannot start or go on; the program stops with it.
 */
export type Receiver = Observable<Batch>

/** An rxjs operator from batches to batches, built once per lane. Lift plain functions with `eachBatch`. */
export type Processor = MonoTypeOperatorFunction<Batch>

/**
 * What of the logs goes on into `context.to`, where a lane leads from one pipeline into the next. A throw
 * concerns the records that cause it, as in `eachBatch`.
 */
export type Connector = (logs: Logs, batch: Batch) => Passed

export interface Passed {
  readonly logs: Logs
  /** Records that go to other pipelines only, for which other lanes answer. What is in neither is dropped. */
  readonly elsewhere: number
}

/**
 * One attempt. Resolves when the exporter has taken the records over durably; the lane repeats what
 * rejects, with the same Batch object. `signal` aborts when the attempt has had its `timeout`, and
 * the exporter then rejects: the lane never has two calls open for one batch (L3). An exporter
 * whose schema has `timeout` of its own applies it itself and gets no signal for it.
 */
export type Exporter = ((batch: Batch, signal: AbortSignal) => Promise<void>) & {
  /** It cuts what is larger than `meta.piece` itself. */
  readonly cuts?: boolean
  /** It goes on with what lies sealed in the lane's book. */
  readonly stores?: boolean
}

/** What every component gets beside its checked options. */
export interface Context {
  /** As in pipeline.yaml: `type` or `type/name`; of a processor that its lane has twice with the pipeline: `logs/in+filter`. */
  readonly id: string
  readonly log: Log
  /** Receivers: aborts when no more is to be accepted. Others: aborts when they are to let go of all they hold. */
  readonly stopping: AbortSignal
  /**
   * Receivers say for each listener where it listens (`HTTP 127.0.0.1:4318`), or where they read
   * from, and the start waits for the first; exporters say where they deliver to.
   */
  ready(address: string): void
}

/** For receivers. */
export interface ReceiverContext extends Context {
  /** The last `resume` mark of this receiver that is durable. */
  readonly resume?: string
}

/** For connectors, which are built once for each lane that leads through them. */
export interface ConnectorContext extends LaneContext {
  /** The pipeline that this lane goes on into. */
  readonly to: string
}

/** For processors and exporters, which are built once per lane. */
export interface LaneContext extends Context {
  readonly lane: {
    /** `pipeline/exporter`, e.g. `logs/awss3`; behind connectors `logs/in+routing+logs/eu/awss3`. */
    readonly name: string
    /** Random, from birth, never given twice: 16 hex digits. */
    readonly id: string
    /** The journal's own random id: 16 hex digits. */
    readonly writer: string
    /** Bytes of records that may be under way in the lane at once. */
    readonly window: number
    /** Emits when the lane's window is full and nothing moves: holders send their oldest group. */
    readonly flush: Observable<void>
    /** Where archives write down what they have sealed and committed. */
    readonly book: Book
    /** Part of what lies behind the exporter has stopped for good and says why; its data stays. */
    stopped(error: Error): void
    /** What had stopped with this error goes on again. */
    resumed(error: Error): void
    /** Aborts when a stop has begun: what fails from now on is not repeated. */
    readonly finishing: AbortSignal
    /** What goes on after batches are taken over: called once at stop, when no batch comes any more, until `limit` aborts. */
    drain(finish: (limit: AbortSignal) => Promise<void>): void
    /** So many milliseconds of the attempt with this batch were waiting for room, and are no attempt (A4). */
    waited(batch: Batch, milliseconds: number): void
    /** `retry_on_failure`, in milliseconds; what goes on behind the exporter repeats at these intervals. */
    readonly retry: RetryIntervals
    /** Exports that run at once (`sending_queue.num_consumers`). */
    readonly consumers?: number
    /** Adds to a count of the lane that is shown at stop, e.g. `objects`, `bytes`. */
    readonly count?: (name: string, n: number) => void
  }
}

/** How long to wait before something is tried again, milliseconds. */
export interface RetryIntervals {
  readonly initial_interval: number
  readonly randomization_factor: number
  readonly multiplier: number
  readonly max_interval: number
  /** 0: for ever. */
  readonly max_elapsed_time: number
}

/** The same data will fail again; trying again is useless. */
export class PermanentError extends Error {
  override name = 'PermanentError'
  /** Indices of the records concerned; none: all of them. */
  readonly records: readonly number[] | undefined
  /** What happened to the others: 'again' when nothing was delivered, 'delivered' when they have arrived. */
  readonly rest: 'again' | 'delivered'
  /** So many were refused, and the other side does not say which: all are kept, and replayed only when asked to (L5). */
  readonly unnamed: number | undefined
  constructor(
    message: string,
    options: ErrorOptions & {
      records?: readonly number[]
      rest?: 'again' | 'delivered'
      unnamed?: number
    } = {}
  ) {
    super(message, options)
    this.records = options.records
    this.unnamed = options.unnamed
    this.rest = options.rest ?? 'again'
  }
}

/** Not now: nothing was taken, the sender is to come back. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  /** 'exhausted': a limit of ours (429, RESOURCE_EXHAUSTED). 'unavailable': we cannot store now (503, UNAVAILABLE). */
  readonly reason: 'exhausted' | 'unavailable'
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number
  constructor(
    message: string,
    options: ErrorOptions & { reason: 'exhausted' | 'unavailable'; retryAfter?: number }
  ) {
    super(message, options)
    this.reason = options.reason
    this.retryAfter = options.retryAfter ?? 1
  }
}
