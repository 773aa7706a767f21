import type { Batch } from '../component.ts'
import type { JournalLane } from './lane.ts'
import { type LetterHead, type Letters, readLetter } from './letters.ts'
import { isSettled } from './position.ts'
import type { JournalState } from './state.ts'

export interface ReplayTo {
  /** The journal's. */
  readonly directory: string
  readonly state: JournalState
  readonly lanes: ReadonlyMap<string, JournalLane>
  readonly letters: Letters
  append(batch: Batch, lanes: readonly JournalLane[]): void
}

/**
 * 'gone': somebody else has replayed it. 'under way': the frames that it came from are not settled, so
 * they may be read again, and with them its records. 'no lane': its lane has ended. 'unreadable': no
 * component could read its bytes.
 */
export type Replayed = 'replayed' | 'gone' | 'under way' | 'no lane' | 'unreadable'

/**
 * Gives a dead letter's records to its lane again, one letter at a time: the frame carries the
 * letter's id, so that a crash between it and the removal of the file makes no second copy (L6).
 */
export function createReplay(to: ReplayTo): (id: string) => Promise<Replayed> {
  let turn: Promise<unknown> = Promise.resolve()
  return (id) => {
    const done = turn.then(() => replayLetter(to, id))
    turn = done.catch(() => {})
    return done
  }
}

async function replayLetter(to: ReplayTo, id: string): Promise<Replayed> {
  const { directory, state, lanes, letters } = to
  const letter = await readLetter(directory, id)
  if (letter === undefined) return 'gone'
  const { head, logs } = letter
  const lane = [...lanes.values()].find((one) => one.id === head.lane)
  if (lane === undefined) return 'no lane'
  if (!isSettled(state.lanes.get(lane.index)!, lastOf(head))) return 'under way'
  if (head.at === 'journal') return 'unreadable'
  const { receiver, arrived, client, identity, at, by } = head
  const meta = {
    ...{ receiver, arrived, replay: { letters: [id], at, by } },
    ...(client && { client }),
    ...(identity && { identity })
  }
  await new Promise<void>((resolve, reject) => {
    to.append({ logs, meta, settle: (error) => (error ? reject(error) : resolve()) }, [lane])
  })
  await letters.remove(id)
  state.replayed.delete(id)
  return 'replayed'
}

function lastOf({ covers }: LetterHead): number {
  return covers.at(-1)?.[1] ?? 0
}
