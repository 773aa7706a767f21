import type { ControlRequest } from '../journal/control.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalLane } from '../journal/lane.ts'
import { counted } from '../telemetry/counted.ts'
import { giveUp, openIn } from './void.ts'

/**
 * Gives up what a lane has not delivered (L7). While the configuration has the lane, it goes on with a
 * gap in the place of its records, and its archives show that (A9): somebody will store the leaf. A lane
 * that is gone from it ends: nobody has the right to its store any more, so its archive just ends too,
 * and the first leaf of the next lane of its name says what is missing. Returns what to print.
 */
export async function abandonLane(
  journal: Journal,
  lane: JournalLane,
  { configured }: Extract<ControlRequest, { do: 'abandon' }>
): Promise<string> {
  const { records } = lane.behind
  const said = `${lane.name} is abandoned: ${counted(records, 'undelivered record')} given up`
  const archives = [...lane.book.archives.values()]
  if (!configured) {
    await journal.end(lane, 'abandoned')
    const ends = archives.map(({ name, root, commit }) =>
      commit === 1
        ? `nothing in ${name} tells of it`
        : `in ${name} it ends with commit ${commit - 1} below ${root}, and shows no gap`
    )
    return [said, ...ends].join('; ')
  }
  for (const open of openIn(journal, { lane: lane.name })) await giveUp(open, reason)
  await journal.giveUp(lane, reason)
  if (archives.length === 0) return said
  return `${said}; the archive will show a gap in their place when auditcol runs`
}

const reason = 'abandoned by an operator'
