import { heldFrom } from './archives.ts'
import type { JournalLane } from './lane.ts'
import { createRemoval, type RemovalOptions } from './removal.ts'
import type { Segment } from './segment.ts'
import type { JournalState } from './state.ts'

/** Deletes segments that nobody needs any more (J8). */
export interface Delivered {
  /** A position has moved, or a commit is stored. */
  remove(): void
  /** Resolves when nothing is being deleted any more. */
  end(): Promise<void>
}

export interface DeliveredOptions extends RemovalOptions {
  /** In order; those that are deleted leave it at once. */
  readonly segments: Segment[]
  readonly state: JournalState
  readonly lanes: ReadonlyMap<string, JournalLane>
  /** A lane has passed a segment, and no frame says so yet: one is to be written. */
  passed(): void
}

export function watchDelivered(options: DeliveredOptions): Delivered {
  const { segments, state, lanes } = options
  const removal = createRemoval(options)

  return {
    remove: () => {
      while (segments.length > 1 && lowestMark(state) >= segments[0]!.lastLsn) {
        removal.add(segments.shift()!)
      }
      // A lane that had nothing to settle says only now that it has passed the old segments, and says
      // it once: what holds them from then on is an object that waits for its store.
      const old = segments[0]!.lastLsn
      if (segments.length > 1 && lowestSettled(state) < old && lowestHead(lanes.values()) > old) {
        options.passed()
      }
    },
    end: removal.end
  }
}

/** What is settled up to here by all lanes, and not sealed from any more (J8). */
export function lowestMark(state: JournalState): number {
  return Math.min(
    ...[...state.lanes.values()].map((lane) => Math.min(lane.mark, heldFrom(lane) - 1))
  )
}

/** What all lanes have settled, whatever holds it. */
function lowestSettled(state: JournalState): number {
  return Math.min(...[...state.lanes.values()].map(({ mark }) => mark))
}

/** The lowest lsn at which a lane still has something to do. */
function lowestHead(lanes: Iterable<JournalLane>): number {
  const heads = [...lanes].map(({ reader }) => (reader.oldest === undefined ? reader.head : 0))
  return Math.min(...heads)
}
