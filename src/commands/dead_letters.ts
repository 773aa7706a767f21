import { access, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { syncDirectory } from '../disk.ts'
import { type LetterFilter, type LetterHead, listLetters, readLetter } from '../journal/letters.ts'
import type { Logs } from '../logs/logs.ts'
import { jsonFromLogs } from '../logs/to_json.ts'
import { passes } from './letter_filter.ts'

/** `auditcol dead-letters list`: one line a letter, oldest first. */
export async function describeLetters(journal: string, filter: LetterFilter): Promise<string> {
  const { heads, damaged } = await listLetters(journal)
  const lines = heads.filter((head) => passes(head, filter)).map(lineOf)
  for (const id of damaged) lines.push(`${id}  damaged: its file in dead/ is not whole`)
  return lines.length === 0 ? 'no dead letters\n' : `${lines.join('\n')}\n`
}

/** `auditcol dead-letters show ID`: its head, then its records as OTLP/JSON. */
export async function showLetter(journal: string, id: string): Promise<string> {
  const letter = await readLetter(journal, id)
  if (letter === undefined) throw new Error(`there is no dead letter ${id}`)
  return `${JSON.stringify(letter.head, undefined, 2)}\n${jsonOf(letter)}\n`
}

/** `auditcol dead-letters export`: the records of all that pass, one OTLP/JSON request a line. Returns how many letters. */
export async function exportLetters(
  journal: string,
  filter: LetterFilter,
  write: (line: string) => unknown
): Promise<number> {
  const { heads, damaged } = await listLetters(journal)
  if (damaged.length > 0) throw new Error(`the dead letter ${damaged[0]} is damaged: move it away`)
  let count = 0
  for (const { id } of heads.filter((head) => passes(head, filter))) {
    const letter = await readLetter(journal, id)
    // Replayed since it was listed.
    if (letter === undefined) continue
    await write(`${jsonOf(letter)}\n`)
    count++
  }
  return count
}

/** The same into a file that is either whole and durable or not there. Returns what to print. */
export async function exportToFile(
  journal: string,
  filter: LetterFilter,
  path: string
): Promise<string> {
  // Who exports again must not lose what was exported before.
  if (await isThere(path)) throw new Error(`${path} is there already: name another file`)
  const unfinished = `${path}.new`
  const file = await open(unfinished, 'w', 0o600).catch((cause) => {
    throw new Error(`writing ${path}`, { cause })
  })
  try {
    const count = await exportLetters(journal, filter, (line) => file.appendFile(line))
    await file.datasync()
    await rename(unfinished, path)
    await syncDirectory(dirname(resolve(path)))
    return `${count} dead letters are in ${path}\n`
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}

/** One OTLP/JSON request. Bytes that no component could read are the body of a record that says so. */
function jsonOf({ head, logs }: { head: LetterHead; logs: Logs }): string {
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

function lineOf(head: LetterHead): string {
  const { id, time, laneName, receiver, by, records, unnamed, reason } = head
  const count = unnamed === undefined ? `${records}` : `${unnamed} of ${records}, unnamed`
  return `${id}  ${new Date(time).toISOString()}  ${laneName}  from ${receiver}  by ${by}  ${count} records  ${reason}`
}
