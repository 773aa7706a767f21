import type { ControlRequest } from '../journal/control.ts'
import type { Journal } from '../journal/journal.ts'
import type { Replayed } from '../journal/letter_ends.ts'
import { type LetterHead, listLetters } from '../journal/letter_file.ts'
import { counted } from '../telemetry/counted.ts'
import { passes } from './letter_filter.ts'

/**
 * Gives dead letters to their lanes again (L6): those named, or all that pass. Letters that do not say
 * which of their records were refused hold some that have arrived: only when named. Returns what to print.
 */
export async function replayLetters(
  journal: Journal,
  { ids, filter }: Extract<ControlRequest, { do: 'replay' }>
): Promise<string> {
  const { heads } = await listLetters(journal.directory)
  const missing = ids.filter((id) => !heads.some((letter) => letter.id === id))
  if (missing.length > 0) throw new Error(`there is no dead letter ${missing.join(', ')}`)
  const chosen = heads.filter((head) => isNamed(head, ids) && passes(head, filter))
  const left = new Map<string, number>()
  const leave = (why: string) => left.set(why, (left.get(why) ?? 0) + 1)
  let letters = 0
  let records = 0
  for (const head of chosen) {
    if (head.unnamed !== undefined && ids.length === 0) {
      leave('not said which of the records were refused: name the letter')
      continue
    }
    const done = await journal.letterEnds.replay(head.id)
    if (done !== 'replayed') {
      leave(reasons[done])
      continue
    }
    letters++
    records += head.records
  }
  const done = `on the way again: ${counted(letters, 'dead letter')} with ${counted(records, 'record')}`
  return [done, ...[...left].map(([why, count]) => `${count} left, ${why}`)].join('; ')
}

function isNamed({ id }: LetterHead, ids: readonly string[]): boolean {
  return ids.length === 0 || ids.includes(id)
}

const reasons: Record<Exclude<Replayed, 'replayed'>, string> = {
  gone: 'replayed or removed by somebody else',
  'under way': 'still under way with the rest of the batch: try again later',
  'no lane': 'of a lane that has ended: export it',
  unreadable: 'bytes that no component can read: export them'
}
