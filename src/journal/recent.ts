import type { Meta } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import type { Place } from './writer.ts'

/** A durable records frame whose buffers are still at hand, shared by all lanes (J5). */
export interface RecentFrame {
  readonly place: Place
  readonly bytes: number
  readonly lanes: readonly number[]
  readonly logs: Logs
  readonly meta: Meta
}

/** Kept for lanes that are briefly full; a lane further behind reads from the disk. */
export const recentBytesMax = 8 * 2 ** 20

export interface Recent {
  add(frame: RecentFrame): void
  /** Every records frame from this lsn on is here. */
  readonly floor: number
  /** The first frame with this lsn or a later one. */
  from(lsn: number): RecentFrame | undefined
  /** Lets go of what all lanes have read. */
  trim(read: number): void
}

export function createRecent(floor: number): Recent {
  // What is dropped is let go at once: a frame may hold megabytes.
  let frames: (RecentFrame | undefined)[] = []
  let first = 0
  let bytes = 0

  const drop = () => {
    const dropped = frames[first]!
    frames[first++] = undefined
    bytes -= dropped.bytes
    floor = dropped.place.lsn + 1
    if (first > 1024 && first * 2 > frames.length) {
      frames = frames.slice(first)
      first = 0
    }
  }

  const indexFrom = (lsn: number): number => {
    let low = first
    let high = frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (frames[middle]!.place.lsn < lsn) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add: (frame) => {
      frames.push(frame)
      bytes += frame.bytes
      while (bytes > recentBytesMax) drop()
    },
    get floor() {
      return floor
    },
    from: (lsn) => frames[indexFrom(lsn)],
    trim: (read) => {
      while (first < frames.length && frames[first]!.place.lsn < read) drop()
      if (first === frames.length) {
        frames = []
        first = 0
      }
    }
  }
}
