import type { Log } from '../telemetry/log.ts'
import { type Refusal, statuses } from './refusal.ts'

const repeatMs = 60_000

/** A person must mend these, here or at the sender; the others are everyday, such as SlowDown and NoSuchKey. */
const toMend: ReadonlySet<number> = new Set([400, 403, 413])

/**
 * Says that requests are refused which will be again, for each code when it begins and then once a
 * minute. A sender such as LiteLLM repeats them for ever and shows its user no more than the status.
 */
export function createRefused(log: Log): (refusal: Refusal, from: string | undefined) => void {
  const known = new Map<string, { total: number; said: number }>()
  return ({ code, message }, from) => {
    if (!toMend.has(statuses[code])) return
    const { total, said } = known.get(code) ?? { total: 0, said: Number.NEGATIVE_INFINITY }
    const isDue = performance.now() - said >= repeatMs
    known.set(code, { total: total + 1, said: isDue ? performance.now() : said })
    if (isDue) log.warn('a request is refused', { code, reason: message, from, so_far: total + 1 })
  }
}
