import { link, open, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { syncDirectory } from '../disk.ts'
import {
  LetterDamaged,
  type LetterFilter,
  listLetters,
  readLetter
} from '../journal/letter_file.ts'
import { counted } from '../telemetry/counted.ts'
import { jsonOf } from './dead_letters.ts'
import { requireLetters } from './journal_directory.ts'
import { passes } from './letter_filter.ts'

type Write = (text: string) => unknown

/**
 * `auditcol dead-letters export`: the records of all that pass, one OTLP/JSON request a line, on the
 * standard output or in a new file. Rejects at the end when a letter is damaged: the others are out by then.
 */
export async function exportLetters(
  journal: string,
  filter: LetterFilter,
  output: string | undefined,
  print: Write
): Promise<void> {
  await requireLetters(journal)
  const { damaged } =
    output === undefined
      ? await writeLetters(journal, filter, print)
      : await exportToFile(journal, filter, output, print)
  if (damaged.length === 0) return
  throw new Error(
    `${counted(damaged.length, 'dead letter')} could not be exported, damaged: ${damaged.join(', ')}. ` +
      'Restore the files in dead/ from a copy, or give them up with `auditcol dead-letters remove ID`'
  )
}

interface Exported {
  readonly letters: number
  readonly damaged: readonly string[]
}

async function writeLetters(
  journal: string,
  filter: LetterFilter,
  write: Write
): Promise<Exported> {
  const { heads, damaged: headless } = await listLetters(journal)
  const damaged = [...headless]
  let letters = 0
  for (const { id } of heads.filter((head) => passes(head, filter))) {
    const letter = await readLetter(journal, id).catch((error) => {
      if (error instanceof LetterDamaged) return 'damaged' as const
      throw error
    })
    // Ended since it was listed.
    if (letter === undefined) continue
    if (letter === 'damaged') {
      damaged.push(id)
      continue
    }
    await write(`${jsonOf(letter)}\n`)
    letters++
  }
  return { letters, damaged }
}

/** The file is whole and durable, or not there; one that is there, by whomever, is left as it is. */
async function exportToFile(
  journal: string,
  filter: LetterFilter,
  path: string,
  print: Write
): Promise<Exported> {
  const unfinished = `${path}.new`
  const file = await open(unfinished, 'wx', 0o600).catch((cause) => {
    throw isTaken(cause)
      ? new Error(
          `${unfinished} is there: another export is under way, or was cut short; remove it`
        )
      : new Error(`writing ${path}`, { cause })
  })
  try {
    const exported = await writeLetters(journal, filter, (line) => file.appendFile(line))
    await file.datasync()
    // Unlike rename(2) it never takes the place of a file.
    await link(unfinished, path).catch((cause) => {
      throw isTaken(cause)
        ? new Error(`${path} is there already: name another file`)
        : new Error(`writing ${path}, which needs a file system with hard links`, { cause })
    })
    await syncDirectory(dirname(resolve(path)))
    print(`${path} has ${counted(exported.letters, 'dead letter')}\n`)
    return exported
  } finally {
    await file.close()
    await rm(unfinished, { force: true })
  }
}

function isTaken(cause: NodeJS.ErrnoException): boolean {
  return cause.code === 'EEXIST'
}
