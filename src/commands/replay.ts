import type { ControlRequest } from '../journal/control.ts'
import type { Journal } from '../journal/journal.ts'
import { listLetters } from '../journal/letters.ts'

/**
 * Gives dead letters to their lanes again (L6); no ids: all of them. Letters of which nobody knows
 * which records were refused hold some that have arrived: only when asked to. Returns what to print.
 */
export async function replayLetters(
  journal: Journal,
  { ids, unnamed }: Extract<ControlRequest, { do: 'replay' }>
): Promise<string> {
  const letters = await listLetters(journal.directory)
  const chosen = letters.filter(({ id }) => ids.length === 0 || ids.includes(id))
  const missing = ids.filter((id) => !letters.some((letter) => letter.id === id))
  if (missing.length > 0) throw new Error(`there is no dead letter ${missing.join(', ')}`)
  const known = chosen.filter((letter) => unnamed || letter.unnamed === undefined)
  let records = 0
  for (const { id } of known) records += (await journal.replay(id)).records
  const left = chosen.length - known.length
  const rest = left > 0 ? `; ${left} do not say which records were refused: use --unnamed` : ''
  return `${known.length} dead letters with ${records} records are on their way again${rest}`
}
