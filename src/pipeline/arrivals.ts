import type { Arrival } from '../journal/state.ts'
import type { Log } from '../telemetry/log.ts'
import { spanText } from '../telemetry/span.ts'

/** What is known of a receiver's arrivals; the one place that the log, commands and counts read. */
export interface Arrivals {
  /** Something has arrived. */
  heard(): void
  status(): ArrivalStatus
  stop(): void
}

export interface ArrivalStatus {
  /** When something arrived last, milliseconds since the epoch; undefined: nothing yet. */
  readonly last: number | undefined
  /** Milliseconds since then, or since it is waited for. */
  readonly waiting: number
  /** It has lasted longer than it should. */
  readonly silent: boolean
  /** Silences of this run. */
  readonly silences: number
}

export interface ArrivalOptions {
  readonly log: Log
  /** Milliseconds; undefined: nothing is expected, and nothing reported. */
  readonly every: number | undefined
  /** Why nothing arrives, most of the time. */
  readonly cause: string | undefined
  /** What the journal knows of earlier runs. */
  readonly before: Arrival | undefined
}

/** Senders that kept what they had while nobody listened come again within that time. */
const graceMs = 60_000
/** A silence that lasts is said again so often, or as rarely as something is expected. */
const repeatMs = 3_600_000
/** A timer takes no more than 24 days. */
const timerMaxMs = 86_400_000

/**
 * Watches how long nothing has arrived. The run's own time is monotonic: setting the clock neither makes
 * a silence nor ends one. Only what lies before the start is told by the time of day.
 */
export function watchArrivals({ log, every, cause, before }: ArrivalOptions): Arrivals {
  const started = performance.now()
  const known = before === undefined ? 0 : Math.max(0, Date.now() - before.at)
  let last = before?.awaited ? undefined : before?.at
  let heardAt = started - known
  /** When it was said that nothing arrives; undefined: there is no silence. */
  let said: number | undefined
  let silences = 0
  let timer: NodeJS.Timeout | undefined
  if (every !== undefined) look(every)

  return {
    heard() {
      const waiting = performance.now() - heardAt
      last = Date.now()
      heardAt += waiting
      if (said !== undefined) end(waiting)
    },
    status: () => ({
      ...{ last, silences },
      waiting: performance.now() - heardAt,
      silent: said !== undefined
    }),
    stop: () => clearTimeout(timer)
  }

  function look(every: number): void {
    const now = performance.now()
    if (now >= dueAt(every)) say(every, now)
    timer = setTimeout(look, Math.min(Math.ceil(dueAt(every) - now), timerMaxMs), every)
    timer.unref()
  }

  function dueAt(every: number): number {
    return said === undefined
      ? Math.max(heardAt + every, started + Math.min(every, graceMs))
      : said + Math.max(every, repeatMs)
  }

  function say(every: number, now: number): void {
    const waiting = now - heardAt
    if (said === undefined) silences++
    said = now
    log.warn('nothing arrives', {
      for: spanText(waiting),
      expect_every: spanText(every),
      since: textOf(Date.now() - waiting),
      last_record: last === undefined ? 'never' : textOf(last),
      usual_cause: cause
    })
  }

  function end(silence: number): void {
    said = undefined
    log.info('records arrive again', { silent_for: spanText(silence) })
    clearTimeout(timer)
    look(every!)
  }
}

function textOf(time: number): string {
  return new Date(time).toISOString()
}
