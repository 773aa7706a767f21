import type { Batch } from '../component.ts'
import { senderOf } from '../sender.ts'
import type { ControlFrames } from './control_frames.ts'
import { frameType } from './frame.ts'
import type { JournalLane } from './lane.ts'
import { type LetterHead, readHead, readLetter } from './letter_file.ts'
import type { Letters } from './letters.ts'
import { isSettled } from './position.ts'
import type { JournalState, Removed } from './state.ts'

export interface LetterEndsOptions {
  /** The journal's. */
  readonly directory: string
  readonly state: JournalState
  readonly lanes: ReadonlyMap<string, JournalLane>
  readonly letters: Letters
  readonly frames: Pick<ControlFrames, 'write'>
  append(batch: Batch, lanes: readonly JournalLane[]): void
}

/**
 * 'gone': somebody else has ended it. 'under way': the frames that it came from are not settled, so
 * they may be read again, and with them its records. 'no lane': its lane has ended. 'unreadable': no
 * component could read its bytes.
 */
export type Replayed = 'replayed' | 'gone' | 'under way' | 'no lane' | 'unreadable'

/** Undefined where a damaged head does not tell how many records there were. */
export type GivenUp = { readonly records: number | undefined } | 'gone' | 'under way'

/**
 * The two ends of a dead letter, one letter at a time. A frame tells of it before the file goes: a
 * crash in between makes no second copy, and brings nothing back that was given up (L6).
 */
export interface LetterEnds {
  /** Gives its records to its lane again and removes it; twice is once. */
  replay(id: string): Promise<Replayed>
  /** Removes it for good, and counts it. */
  giveUp(id: string): Promise<GivenUp>
}

export function createLetterEnds(options: LetterEndsOptions): LetterEnds {
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }
  return {
    replay: (id) => inTurn(() => replay(options, id)),
    giveUp: (id) => inTurn(() => giveUp(options, id))
  }
}

async function replay(options: LetterEndsOptions, id: string): Promise<Replayed> {
  const { directory, state } = options
  const letter = await readLetter(directory, id)
  if (letter === undefined) return 'gone'
  const { head, logs } = letter
  const lane = laneOf(options, id)
  if (lane === undefined) return 'no lane'
  if (!isSettled(state.lanes.get(lane.index)!, lastFrameOf(id))) return 'under way'
  if (head.at === 'journal') return 'unreadable'
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error) => (error ? reject(error) : resolve())
    options.append({ logs, meta: metaOf(head), settle }, [lane])
  })
  await remove(options, id)
  return 'replayed'
}

async function giveUp(options: LetterEndsOptions, id: string): Promise<GivenUp> {
  const { directory, state, frames } = options
  const head = await readHead(directory, id)
  if (head === undefined) return 'gone'
  const lane = laneOf(options, id)
  if (lane && !isSettled(state.lanes.get(lane.index)!, lastFrameOf(id))) return 'under way'
  const records = head === 'damaged' ? undefined : head.records
  const frame: Removed = { letter: id, at: Date.now(), ...(records !== undefined && { records }) }
  await frames.write(frameType.removed, frame)
  await remove(options, id)
  return { records }
}

async function remove({ letters, state }: LetterEndsOptions, id: string): Promise<void> {
  await letters.remove(id)
  state.ended.delete(id)
}

function metaOf({ id, receiver, arrived, at, by, ...sender }: LetterHead) {
  const replay = { letters: [id], at: at as 'processors' | 'exporter', by }
  return { receiver, arrived, replay, ...senderOf(sender) }
}

/** The lane that the id names, `<lane id>-<lsn>-<n>`: a damaged letter has no more than that. */
function laneOf({ lanes }: LetterEndsOptions, id: string): JournalLane | undefined {
  return [...lanes.values()].find((lane) => lane.id === id.split('-')[0])
}

function lastFrameOf(id: string): number {
  return Number(id.split('-')[1])
}
