import {
  type LetterFilter,
  type LetterHead,
  listLetters,
  readHead,
  readLetter,
  requireLetterId
} from '../journal/letter_file.ts'
import type { Logs } from '../logs/logs.ts'
import { jsonFromLogs } from '../logs/to_json.ts'
import { counted } from '../telemetry/counted.ts'
import { consent } from './consent.ts'
import { journal } from './journal.ts'
import { requireJournal, requireLetters } from './journal_directory.ts'
import { passes } from './letter_filter.ts'

/** `auditcol dead-letters list`: one line a letter, oldest first. */
export async function describeLetters(directory: string, filter: LetterFilter): Promise<string> {
  await requireLetters(directory)
  const { heads, damaged } = await listLetters(directory)
  const lines = heads.filter((head) => passes(head, filter)).map(lineOf)
  lines.push(...damaged.map(damagedLine))
  return lines.length === 0 ? 'no dead letters\n' : `${lines.join('\n')}\n`
}

/** `auditcol dead-letters show ID`: its head, then its records as OTLP/JSON. */
export async function showLetter(directory: string, id: string): Promise<string> {
  await requireLetters(directory)
  const letter = await readLetter(directory, id)
  if (letter === undefined) throw new Error(`there is no dead letter ${id}`)
  return `${JSON.stringify(letter.head, undefined, 2)}\n${jsonOf(letter)}\n`
}

/** `auditcol dead-letters remove`: shows what is about to go, and with consent removes it. Resolves with the exit code. */
export async function removeWithConsent(
  directory: string,
  ids: readonly string[],
  yes: boolean,
  print: (text: string) => void
): Promise<number> {
  await requireJournal(directory)
  print(await describeRemoval(directory, ids))
  const terminal = { input: process.stdin, output: process.stdout }
  if (!(yes || (await consent('remove them for good?', terminal)))) {
    print('nothing was changed: run it with --yes to remove them\n')
    return 1
  }
  print(await journal(directory, { do: 'remove', ids }))
  return 0
}

async function describeRemoval(directory: string, ids: readonly string[]): Promise<string> {
  const lines: string[] = []
  for (const id of ids) {
    requireLetterId(id)
    const head = await readHead(directory, id)
    if (head === 'damaged') lines.push(damagedLine(id))
    else lines.push(head ? lineOf(head) : `${id}  is not there`)
  }
  return `${lines.join('\n')}\n`
}

/** One OTLP/JSON request. Bytes that no component could read are the body of a record that says so. */
export function jsonOf({ head, logs }: { head: LetterHead; logs: Logs }): string {
  if (head.at !== 'journal') return Buffer.concat([...jsonFromLogs(logs)]).toString()
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })
  const record = {
    timeUnixNano: `${head.arrived}000000`,
    body: { bytesValue: Buffer.concat(logs.chunks).toString('base64') },
    attributes: [
      attribute('auditcol.dead_letter', head.id),
      attribute('auditcol.unreadable', head.reason)
    ]
  }
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })
}

export function lineOf(head: LetterHead): string {
  const { id, time, laneName, receiver, by, records, unnamed, reason } = head
  const all = counted(records, 'record')
  const which = unnamed === undefined ? all : `${unnamed} of ${all}, unnamed`
  return `${id}  ${new Date(time).toISOString()}  ${laneName}  from ${receiver}  by ${by}  ${which}  ${reason}`
}

function damagedLine(id: string): string {
  return `${id}  damaged: its file in dead/ is not whole`
}
