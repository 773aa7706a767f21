import type { RetryIntervals } from './component.ts'
import { longestTimeout } from './deadline.ts'

/** The wait around this interval, spread so that many who failed together do not come back together. */
export function spread(interval: number, { randomization_factor }: RetryIntervals): number {
  return interval * (1 + randomization_factor * (Math.random() * 2 - 1))
}

export function nextInterval(interval: number, retry: RetryIntervals): number {
  return Math.min(interval * retry.multiplier, retry.max_interval)
}

/** Resolves after so many milliseconds, or as soon as the signal aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, signal.aborted ? 0 : Math.min(ms, longestTimeout))
    signal.addEventListener('abort', wake)
  })
}
