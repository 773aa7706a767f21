import { nextInterval, sleep, spread } from '../backoff.ts'
import {
  type Batch,
  type ReceiverContext,
  RefusedError,
  type RetryIntervals
} from '../component.ts'
import { type Logs, noLogs } from '../logs/logs.ts'
import { watchOutage } from '../telemetry/outage.ts'
import type { Connect, Row, Session } from './connection.ts'
import { createFilled } from './filled.ts'
import { isMistake } from './mistake.ts'
import { fromBeginning, fromTime, markOf, type Progress, progressFrom, take } from './progress.ts'
import { type Bounds, findTable, readBounds, readPage, type Table } from './table.ts'

export interface ReadingOptions {
  readonly schema: string
  readonly table: string
  readonly start_at: 'beginning' | 'end'
  /** Milliseconds. */
  readonly poll_interval: number
  readonly min_age: number
  readonly overlap: number
  readonly batch_size: number
  readonly max_row_size: number
}

export interface Reading {
  readonly options: ReadingOptions
  readonly context: ReceiverContext
  readonly connect: Connect
  /** The table has been found, or the server is away and waited for: the start goes on. */
  ready(): void
  records(rows: readonly Row[], arrived: number): Logs
  emit(batch: Batch): void
  /** Aborts when nothing is to be read any more. */
  readonly ending: AbortSignal
}

/** A server that is away is tried again after these times. */
const retry: RetryIntervals = {
  initial_interval: 1_000,
  randomization_factor: 0.5,
  multiplier: 1.5,
  max_interval: 30_000,
  max_elapsed_time: 0
}

/**
 * Looks into the table until `ending`, one batch after another: nothing more is read before a batch is
 * settled. Rejects with what is wrong with the table or the connection when that is so at the start; later
 * it waits, for what else is received must go on.
 */
export async function readTable(reading: Reading): Promise<void> {
  const { options, context, ending } = reading
  const { min_age, poll_interval, start_at } = options
  const outage = watchOutage(context.log, 'reading the table')
  const filled = createFilled(context.log)
  let progress = context.resume === undefined ? undefined : progressFrom(context.resume)
  const quietUntil = performance.now() + min_age
  let interval = retry.initial_interval
  let isStarting = true

  const started = () => {
    if (isStarting) reading.ready()
    isStarting = false
  }

  /** Resolves with the time to wait for the next look. */
  const look = async (session: Session): Promise<number> => {
    const table = await findTable(session, options.schema, options.table)
    const bounds = await readBounds(session, options)
    started()
    progress ??= start_at === 'end' ? await begin(bounds) : fromBeginning
    const quiet = quietUntil - performance.now()
    if (quiet > 0) return quiet
    try {
      progress = await readPages(
        reading,
        session,
        table,
        bounds,
        progress,
        (rows, settled, known) => {
          progress = settled
          filled.add(rows, known)
        }
      )
    } finally {
      filled.sayLook()
    }
    return poll_interval
  }

  /** A mark before the first row: what comes while auditcol is down is after the end that it began at. */
  const begin = async ({ now }: Bounds): Promise<Progress> => {
    const from = fromTime(now)
    await handOn(reading, noLogs, from)
    return from
  }

  for (let wait = 0; !ending.aborted; await sleep(wait, ending)) {
    try {
      wait = await withSession(reading, look)
      outage.over()
      interval = retry.initial_interval
    } catch (error) {
      if (ending.aborted) break
      if (isStarting && isMistake(error)) throw error
      if (error instanceof RefusedError) {
        // While we refuse, LiteLLM's PUTs are refused too: they are to come before their rows again.
        wait = Math.max(error.retryAfter * 1000, min_age)
      } else {
        wait = spread(interval, retry)
        interval = nextInterval(interval, retry)
        outage.seen(error as Error, wait)
      }
    }
    started()
  }
  filled.sayAll()
}

async function withSession<T>(
  { connect, ending }: Reading,
  work: (session: Session) => Promise<T>
): Promise<T> {
  const session = await connect(ending)
  try {
    return await work(session)
  } finally {
    // How it ends is no matter: what was to be known of it is known.
    await session.end().catch(() => {})
  }
}

/** All pages that are old enough. `passed` hears what has become of each page before the next one is read. */
async function readPages(
  reading: Reading,
  session: Session,
  table: Table,
  bounds: Bounds,
  from: Progress,
  passed: (rows: number, progress: Progress, known: number | undefined) => void
): Promise<Progress> {
  const { batch_size, max_row_size } = reading.options
  let progress = from
  for (;;) {
    const page = await readPage(session, table, {
      after: progress.after,
      last: bounds.last,
      without: [...progress.taken.keys()],
      rows: batch_size,
      bytes: max_row_size
    })
    const taken = take(progress, page, bounds)
    if (taken.rows.length > 0) {
      const known = await handOn(reading, reading.records(taken.rows, Date.now()), taken.progress)
      passed(taken.rows.length, taken.progress, known)
    }
    progress = taken.progress
    if (taken.isLast || reading.ending.aborted) return progress
  }
}

/** Resolves when the batch and its mark are durable, with how many of its records were stored before; undefined: nobody knows. */
function handOn(
  { context, emit }: Reading,
  logs: Logs,
  progress: Progress
): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  emit({
    logs,
    meta: { receiver: context.id, arrived: Date.now(), resume: markOf(progress) },
    settle: (error, known) => (error ? reject(error) : resolve(known))
  })
  return promise
}
