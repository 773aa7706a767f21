import type { Log } from './log.ts'
import { reasonOf } from './reason.ts'

/** One line when an outage begins, one a minute while it lasts, one when it is over. */
export function watchOutage(log: Log, doing = 'exporting') {
  let since = 0
  let said = 0
  let failures = 0
  return {
    get failing() {
      return since > 0
    },
    seen: (error: Error, wait: number) => {
      failures++
      const now = Date.now()
      if (since > 0 && now - said < 60_000) return
      since ||= now
      said = now
      log.warn(`${doing} failed, nothing is lost, trying again`, {
        error: reasonOf(error),
        failures,
        again_in_s: Math.round(wait / 100) / 10
      })
    },
    over: () => {
      if (since === 0) return
      log.info(`${doing} works again`, {
        failures,
        outage_s: Math.round((Date.now() - since) / 1000)
      })
      since = said = failures = 0
    }
  }
}
