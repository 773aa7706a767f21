import { type LetterHead, listLetters, readLetter } from '../journal/letters.ts'
import { jsonFromLogs } from '../logs/to_json.ts'

export interface LetterFilter {
  /** Part of the reason. */
  readonly reason?: string | undefined
  readonly lane?: string | undefined
}

/** `auditcol dead-letters list`: one line a letter, oldest first. */
export async function describeLetters(journal: string, filter: LetterFilter): Promise<string> {
  const heads = (await listLetters(journal)).filter((head) => passes(head, filter))
  if (heads.length === 0) return 'no dead letters\n'
  return heads.map((head) => `${lineOf(head)}\n`).join('')
}

/** `auditcol dead-letters show ID`: its head, then its records as OTLP/JSON. */
export async function showLetter(journal: string, id: string): Promise<string> {
  const { head, logs } = await readLetter(journal, id)
  return `${JSON.stringify(head, undefined, 2)}\n${Buffer.concat([...jsonFromLogs(logs)])}\n`
}

/** `auditcol dead-letters export`: the records of all that pass, one OTLP/JSON request a line. */
export async function exportLetters(journal: string, filter: LetterFilter): Promise<string> {
  const lines: string[] = []
  for (const { id } of (await listLetters(journal)).filter((head) => passes(head, filter))) {
    const { logs } = await readLetter(journal, id)
    lines.push(`${Buffer.concat([...jsonFromLogs(logs)])}\n`)
  }
  return lines.join('')
}

function passes(head: LetterHead, { reason, lane }: LetterFilter): boolean {
  return (
    (reason === undefined || head.reason.includes(reason)) &&
    (lane === undefined || head.laneName === lane)
  )
}

function lineOf({ id, time, laneName, receiver, records, unnamed, reason }: LetterHead): string {
  const count = unnamed === undefined ? `${records}` : `${unnamed} of ${records}, unnamed`
  return `${id}  ${new Date(time).toISOString()}  ${laneName}  from ${receiver}  ${count} records  ${reason}`
}
