import { duration } from '../config/fields.ts'
import type { LetterFilter, LetterHead } from '../journal/letter_file.ts'

/** Whether a letter is among those that are meant. */
export function passes(head: LetterHead, filter: LetterFilter): boolean {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter
  const { reason = '', receiver = head.receiver, lane = head.laneName } = filter
  return (
    head.time >= since &&
    head.time < until &&
    head.reason.includes(reason) &&
    head.receiver === receiver &&
    head.laneName === lane
  )
}

/** `2026-11-23T10:00:00Z`, or so long ago: `90m`. Undefined when the text is neither. */
export function timeFrom(text: string, now: number): number | undefined {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)) {
    const time = Date.parse(text)
    return Number.isNaN(time) ? undefined : time
  }
  const ago = duration().safeParse(text)
  return ago.success && ago.data >= 0 ? now - ago.data : undefined
}
