import { lockJournal } from '../journal/lock.ts'
import { repairJournal } from '../journal/repair.ts'

/** `auditcol repair`: makes a damaged journal readable again, and names what is lost. Returns what to print. */
export async function repair(directory: string): Promise<string> {
  const lock = await lockJournal(directory)
  if (!lock) throw new Error(`the journal ${directory} is in use by another process: stop it first`)
  try {
    const { lost, kept, aside } = await repairJournal(directory)
    const named = lost.map((what) => `  lost: ${what}\n`).join('')
    return (
      `repaired ${directory}: ${kept} frames with records were kept, the files as they were lie in ${aside}\n` +
      (named || '  nothing that was acknowledged is known to be lost\n')
    )
  } finally {
    lock.release()
  }
}
