import { rm } from 'node:fs/promises'
import { isFull, syncDirectory } from '../disk.ts'
import type { FrameIndex } from './frame_index.ts'
import type { Segment } from './segment.ts'

export interface RemovalOptions {
  readonly directory: string
  readonly index: FrameIndex | undefined
  makeRoom(): Promise<void>
  fatal(error: Error): void
}

/** Removes segments one after another: a crash must never leave an older one without the one behind it. */
export interface Removal {
  add(segment: Segment): void
  /** Resolves when all are removed that can be; the others go after the next start. */
  end(): Promise<void>
}

export function createRemoval({ directory, index, makeRoom, fatal }: RemovalOptions): Removal {
  let removed = Promise.resolve()
  let ending = false
  /** No segment is removed any more: the oldest one is still needed, and none may go before it. */
  let stuck = false

  const remove = async ({ path, lastLsn }: Segment) => {
    while (!stuck) {
      try {
        await index?.keep(lastLsn)
        break
      } catch (cause) {
        if (!isFull(cause)) throw new Error(`keeping what is known before ${path} goes`, { cause })
        if (ending) stuck = true
        else await makeRoom()
      }
    }
    if (stuck) return
    await rm(path, { force: true }).catch((cause) => {
      throw new Error(`removing ${path}`, { cause })
    })
    await syncDirectory(directory)
  }

  return {
    add: (segment) => {
      removed = removed
        .then(() => remove(segment))
        .catch((error) => {
          stuck = true
          fatal(error)
        })
    },
    end: () => {
      ending = true
      return removed
    }
  }
}
