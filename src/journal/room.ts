import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAll } from './segment.ts'

/** What lanes may still write when the disk is full: settlements and numbers, some hundred bytes each. */
const reserveBytes = 4 * 2 ** 20

/** Watches the free space of the journal's disk, and keeps a reserve for the lanes (J10). */
export interface Room {
  /** Why nothing more is taken in, or undefined. */
  shortage(): string | undefined
  /** Looks at the disk again, and restores the reserve when there is space for it. */
  check(): Promise<void>
  /** A write met a full disk: intake stops, the reserve is let go. Resolves when writing may be tried again. */
  use(): Promise<void>
  close(): void
}

const checkMs = 1000

/** The reserve is written zeros, not a hole: only blocks that are really taken can be given back. */
export async function watchRoom(directory: string, minFree: number): Promise<Room> {
  const path = join(directory, 'reserve')
  let free = Number.POSITIVE_INFINITY
  let reserved = false

  const check = async () => {
    const disk = await statfs(directory)
    free = disk.bavail * disk.bsize
    if (!reserved && free >= minFree + reserveBytes) reserved = await restore(path)
  }

  await rm(path, { force: true })
  await check()
  const timer = setInterval(() => void check().catch(() => undefined), checkMs)
  timer.unref()

  return {
    shortage: () => {
      if (free < minFree) {
        return `the journal's disk has ${mebibytes(free)} free, min_free is ${mebibytes(minFree)}`
      }
      return reserved ? undefined : "the journal's disk is full: the lanes' reserve is in use"
    },
    check,
    use: async () => {
      if (!reserved) await new Promise((resolve) => setTimeout(resolve, checkMs))
      reserved = false
      await rm(path, { force: true })
    },
    close: () => clearInterval(timer)
  }
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
  return `${Math.floor(bytes / 2 ** 20)} MiB`
}
