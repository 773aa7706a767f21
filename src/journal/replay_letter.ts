import type { Batch } from '../component.ts'
import type { JournalLane } from './lane.ts'
import { type LetterHead, readLetter, removeLetter } from './letters.ts'

export interface ReplayTo {
  /** The journal's. */
  readonly directory: string
  readonly lanes: ReadonlyMap<string, JournalLane>
  append(batch: Batch, lanes: readonly JournalLane[]): void
}

/**
 * Gives a dead letter's records to its lane again: the frame carries the letter's id, so that a
 * crash between it and the removal of the file makes no second copy (L6).
 */
export async function replayLetter(
  { directory, lanes, append }: ReplayTo,
  id: string
): Promise<LetterHead> {
  const { head, logs } = await readLetter(directory, id)
  const lane = [...lanes.values()].find((one) => one.id === head.lane)
  if (!lane) {
    throw new Error(
      `the dead letter ${id} is of the lane ${head.laneName} (${head.lane}), which is gone: export it instead`
    )
  }
  const { receiver, arrived, client, identity, at } = head
  const meta = {
    ...{ receiver, arrived, replay: { letters: [id], at } },
    ...(client && { client }),
    ...(identity && { identity })
  }
  await new Promise<void>((resolve, reject) => {
    append({ logs, meta, settle: (error) => (error ? reject(error) : resolve()) }, [lane])
  })
  await removeLetter(directory, id)
  return head
}
