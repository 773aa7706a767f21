import { open, rm, stat } from 'node:fs/promises'
import { isFull, SyncFailed, writeAll } from '../disk.ts'

/** Blocks of the disk that are kept by a file of written zeros, not by a hole: only those can be given back. */
export interface Reserve {
  /** What it keeps. */
  readonly bytes: number
  /** Adds zeros, synced. Resolves as well where the disk has no room for them; rejects with SyncFailed. */
  grow(bytes: number): Promise<void>
  /** Gives all of it back. Resolves with whether there was any. */
  release(): Promise<boolean>
}

/** Takes over what an earlier process has left. */
export async function openReserve(path: string): Promise<Reserve> {
  let bytes = await stat(path).then(
    ({ size }) => size,
    () => 0
  )

  const grow = async (more: number) => {
    const file = await open(path, bytes === 0 ? 'w' : 'r+', 0o600)
    try {
      await writeAll(file, zerosOf(more), bytes)
      await file.datasync().catch((cause) => {
        throw isFull(cause) ? cause : new SyncFailed(path, cause)
      })
      bytes += more
    } catch (cause) {
      await file.truncate(bytes)
      throw cause
    } finally {
      await file.close()
    }
  }

  return {
    get bytes() {
      return bytes
    },
    grow: (more) =>
      grow(more).catch((cause) => {
        if (cause instanceof SyncFailed) throw cause
      }),
    release: async () => {
      const kept = bytes > 0
      bytes = 0
      await rm(path, { force: true }).catch(() => {})
      return kept
    }
  }
}

const zeros = Buffer.alloc(2 ** 20)

/** The same memory again and again: memory is bounded. */
function zerosOf(bytes: number): Uint8Array[] {
  const whole = Math.floor(bytes / zeros.length)
  return [...Array<Uint8Array>(whole).fill(zeros), zeros.subarray(0, bytes % zeros.length)]
}
