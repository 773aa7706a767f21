import { lockJournal } from './lock.ts'
import { inspectJournal } from './recover.ts'
import { type JournalStatus, statusAtRest } from './status.ts'

/** What a journal says that no process has open; changes nothing. Rejects when there is none, or one has it. */
export async function readAtRest(directory: string): Promise<JournalStatus> {
  const lock = await lockJournal(directory)
  if (!lock) throw new Error(`the journal ${directory} is in use, and its process does not answer`)
  try {
    const found = await inspectJournal(directory)
    if (!found) throw new Error(`there is no journal in ${directory}`)
    return statusAtRest(found)
  } finally {
    lock.release()
  }
}
