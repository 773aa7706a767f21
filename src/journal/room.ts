import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeAll } from '../disk.ts'

/** What lanes may still write when the disk is full: settlements and numbers, some hundred bytes each. */
const reserveBytes = 4 * 2 ** 20

/** Watches the free space of the journal's disk, and keeps a reserve for the lanes (J10). */
export interface Room {
  /** Why nothing more is taken in, or undefined. */
  shortage(): string | undefined
  /** So many bytes are about to be written: the disk is looked at only now and then. */
  taken(bytes: number): void
  /** A write met a full disk: intake stops, the reserve is let go. Resolves when writing may be tried again. */
  use(): Promise<void>
  close(): void
}

const checkMs = 1000

/** The reserve is written zeros, not a hole: only blocks that are really taken can be given back. */
export async function watchRoom(directory: string, minFree: number): Promise<Room> {
  const path = reservePath(directory)
  let free = Number.POSITIVE_INFINITY
  let reserved = false
  let checking: Promise<void> | undefined

  /** Looks at the disk, and restores the reserve when there is space for it. */
  const check = async () => {
    const disk = await statfs(directory)
    free = disk.bavail * disk.bsize
    if (!reserved && free >= minFree + reserveBytes) reserved = await restore(path)
  }

  const checkOnce = () =>
    check()
      .catch(() => undefined)
      .finally(() => {
        checking = undefined
      })

  await check()
  const timer = setInterval(() => {
    checking ??= checkOnce()
  }, checkMs)
  timer.unref()

  return {
    shortage: () => {
      if (free < minFree) {
        return `the journal's disk has ${mebibytes(free)} free, min_free is ${mebibytes(minFree)}`
      }
      return reserved ? undefined : "the journal's disk is full: the lanes' reserve is in use"
    },
    taken: (bytes) => {
      free -= bytes
    },
    use: async () => {
      const kept = reserved
      reserved = false
      // It may be on its way back just now: let go of half-way, it would count as kept.
      await checking
      if (!kept && !reserved) return sleep(checkMs)
      reserved = false
      await releaseReserve(directory)
    },
    close: () => clearInterval(timer)
  }
}

/** Gives the reserve's blocks back to the disk. */
export async function releaseReserve(directory: string): Promise<void> {
  await rm(reservePath(directory), { force: true }).catch(() => undefined)
}

function reservePath(directory: string): string {
  return join(directory, 'reserve')
}

async function restore(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'w', 0o600)
    try {
      await writeAll(file, [Buffer.alloc(reserveBytes)], 0)
      await file.datasync()
    } finally {
      await file.close()
    }
    return true
  } catch {
    await rm(path, { force: true })
    return false
  }
}

function mebibytes(bytes: number): string {
  return `${Math.max(0, Math.floor(bytes / 2 ** 20))} MiB`
}
