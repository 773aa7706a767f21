import type { ControlRequest } from '../journal/control.ts'
import type { Journal } from '../journal/journal.ts'
import { requireLetterId } from '../journal/letter_file.ts'
import { counted } from '../telemetry/counted.ts'
import type { Log } from '../telemetry/log.ts'

/**
 * Gives dead letters up for good. What is not there is told and no error: the same command goes on
 * where a crash has ended it. Returns what to print.
 */
export async function removeLetters(
  journal: Journal,
  { ids }: Extract<ControlRequest, { do: 'remove' }>,
  log?: Log
): Promise<string> {
  let letters = 0
  let known = 0
  const left: string[] = []
  for (const id of new Set(ids)) {
    requireLetterId(id)
    const done = await journal.letterEnds.giveUp(id)
    if (done === 'gone') left.push(`; ${id} is not there`)
    else if (done === 'under way')
      left.push(`; ${id} is still under way with the rest of its batch: try again later`)
    else {
      const { records } = done
      log?.warn('an operator has given up a dead letter', { letter: id, records })
      letters++
      known += records ?? 0
    }
  }
  return `removed for good: ${counted(letters, 'dead letter')} with ${counted(known, 'record')}${left.join('')}`
}
