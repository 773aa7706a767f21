import type { Log } from './log.ts'
import { reasonOf } from './reason.ts'

/** One line when an outage begins, one a minute while it lasts, one when it is over. */
export function watchOutage(log: Log, doing = 'exporting') {
  let since: number | undefined
  let said = 0
  let failures = 0
  return {
    get failing() {
      return since !== undefined
    },
    seen: (error: Error, wait: number) => {
      failures++
      const now = performance.now()
      if (since !== undefined && now - said < 60_000) return
      since ??= now
      said = now
      log.warn(`${doing} failed, nothing is lost, trying again`, {
        error: reasonOf(error),
        failures,
        again_in_s: Math.round(wait / 100) / 10
      })
    },
    over: () => {
      if (since === undefined) return
      log.info(`${doing} works again`, {
        failures,
        outage_s: Math.round((performance.now() - since) / 1000)
      })
      since = undefined
      said = failures = 0
    }
  }
}
