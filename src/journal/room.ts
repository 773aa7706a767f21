import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReserve } from './reserve.ts'

const framesFile = 'reserve'
const batchesFile = 'reserve-batches'
/** For what the journal says of itself: settlements, intents, commits of up to a MiB, the state of a new segment. */
const framesBytes = 4 * 2 ** 20
/** What batches leave of that where it has been let go: small ones go on, and their commits have room. */
const floorBytes = 2 * 2 ** 20
/** Zeros written at once: more would hold up those who wait for the disk. */
const stepBytes = 16 * 2 ** 20
const checkMs = 1000
/** So long what was let go is left to whoever needs it. */
const holdMs = 2000

/**
 * Watches the free space of the journal's disk, and keeps a reserve on it for the lanes (J10), in two
 * parts. Frames have one of their own: what is sealed is freed by its commit, and a spool file must not
 * take the space for that. Spool files and dead letters have the other, which grows with what waits for
 * the lanes: on a disk that others have filled a lane alone can still seal, or keep, what it has read.
 */
export interface Room {
  /** Why so many bytes more are not taken in, or undefined. */
  shortage(bytes: number): string | undefined
  /** So many bytes are about to be written: the disk is looked at only now and then. */
  taken(bytes: number): void
  /** A frame met a full disk: intake stops, the reserve is let go. Resolves when writing may be tried again. */
  forFrame(): Promise<void>
  /** A spool file or a letter did. Resolves with whether something was let go: then the next try is not in vain. */
  forBatch(): Promise<boolean>
  /** Rejects as a full disk does when so many bytes of a spool file or a letter would take what frames need. */
  admit(bytes: number): Promise<void>
  /** What nothing waits for is given back. */
  close(): Promise<void>
}

export interface RoomOptions {
  readonly directory: string
  readonly minFree: number
  /** What the lanes may have to write at once, if so many bytes more wait for them. */
  need(more: number): number
  /** A sync has failed (J6). */
  fatal(error: Error): void
}

export async function watchRoom({ directory, minFree, need, fatal }: RoomOptions): Promise<Room> {
  const frames = await openReserve(join(directory, framesFile))
  const batches = await openReserve(join(directory, batchesFile))
  let free = Number.POSITIVE_INFINITY
  let heldUntil = 0
  let checking: Promise<void> | undefined

  const look = async () => {
    const disk = await statfs(directory)
    free = disk.bavail * disk.bsize
  }

  /** Restores what is missing of the reserve as far as the disk has it, frames first. */
  const check = async () => {
    await look().catch(() => {})
    if (performance.now() < heldUntil) return
    if (frames.bytes < framesBytes) {
      if (free < framesBytes) return
      await frames.grow(framesBytes - frames.bytes)
      await look().catch(() => {})
    }
    const missing = Math.min(need(0) - batches.bytes, stepBytes)
    if (missing > 0 && missing <= free) await batches.grow(missing)
  }

  const checkOnce = () =>
    check()
      .catch(fatal)
      .finally(() => {
        checking = undefined
      })

  /** Once nothing is on its way back just now: let go of half-way, it would count as kept. */
  const letGo = async (part: typeof frames): Promise<boolean> => {
    heldUntil = performance.now() + holdMs
    await checking
    return part.release()
  }

  await check()
  const timer = setInterval(() => {
    checking ??= checkOnce()
  }, checkMs)
  timer.unref()

  return {
    shortage: (bytes) => {
      const missing = Math.max(0, need(bytes) - batches.bytes)
      if (free - missing < minFree || free < missing) {
        const lanes = missing > 0 ? `, of which its lanes may need ${mebibytes(missing)}` : ''
        return `the journal's disk has ${mebibytes(free)} free${lanes}, min_free is ${mebibytes(minFree)}`
      }
      return frames.bytes < framesBytes
        ? "the journal's disk is full: the lanes' reserve is in use"
        : undefined
    },
    taken: (bytes) => {
      free -= bytes
    },
    forFrame: async () => {
      if (!((await letGo(frames)) || (await letGo(batches)))) await sleep(checkMs)
    },
    forBatch: async () => {
      if (await letGo(batches)) return true
      await sleep(checkMs)
      return false
    },
    admit: async (bytes) => {
      if (frames.bytes >= framesBytes) return
      await look()
      if (free - bytes >= floorBytes) return
      throw Object.assign(new Error('ENOSPC: the rest of the disk is kept for frames'), {
        code: 'ENOSPC'
      })
    },
    close: async () => {
      clearInterval(timer)
      await checking
      if (need(0) === 0) await batches.release()
    }
  }
}

/** Gives back what is kept for frames: recovery writes a segment, also on a full disk. */
export async function releaseFrames(directory: string): Promise<void> {
  await (await openReserve(join(directory, framesFile))).release()
}

/** Gives back all of it: a repair writes segments anew. */
export async function releaseReserve(directory: string): Promise<void> {
  await releaseFrames(directory)
  await (await openReserve(join(directory, batchesFile))).release()
}

function mebibytes(bytes: number): string {
  return `${Math.max(0, Math.floor(bytes / 2 ** 20))} MiB`
}
