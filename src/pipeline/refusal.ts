import { PermanentError } from '../component.ts'
import { type Logs, noLogs } from '../logs/logs.ts'
import { pickRecords } from '../logs/pick.ts'

/** What an error that is final says of some logs (L5). */
export interface Refusal {
  /** Kept as a dead letter. */
  readonly refused: Logs
  /** So many of them were refused, and nobody knows which. */
  readonly unnamed: number | undefined
  /** The others, when they are to go again. */
  readonly rest: Logs
  /** Records that have arrived. */
  readonly delivered: number
}

/** An error that names no records concerns all of them; so does one that names none of those that are there. */
export function refusalOf(logs: Logs, error: Error): Refusal {
  const { unnamed, records, rest: others = 'again' } = error instanceof PermanentError ? error : {}
  const all = { refused: logs, unnamed, rest: noLogs, delivered: 0 }
  if (unnamed !== undefined) return { ...all, delivered: logs.records - unnamed }
  if (records === undefined) return all
  const chosen = new Set(records)
  const refused = pickRecords(logs, (index) => chosen.has(index))
  if (refused.records === 0) return all
  if (others === 'delivered') return { ...all, refused, delivered: logs.records - refused.records }
  return { ...all, refused, rest: pickRecords(logs, (index) => !chosen.has(index)) }
}
