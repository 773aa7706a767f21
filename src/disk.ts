import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Writes all parts at `position` and returns where they end: a short write is no error in Node, so it is looped over (J1). */
export async function writeAll(
  file: FileHandle,
  parts: readonly Uint8Array[],
  position: number
): Promise<number> {
  let rest = parts.filter((part) => part.length > 0)
  let at = position
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at)
    at += bytesWritten
    rest = without(rest, bytesWritten)
  }
  return at
}

/** A file of these parts, and nothing else, synced; its directory is not. */
export async function writeSynced(
  path: string,
  flags: 'w' | 'wx',
  parts: readonly Uint8Array[]
): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await writeAll(file, parts, 0)
    await file.datasync().catch((cause) => {
      throw new SyncFailed(path, cause)
    })
  } finally {
    await file.close()
  }
}

function without(parts: Uint8Array[], written: number): Uint8Array[] {
  let index = 0
  let left = written
  while (index < parts.length && left >= parts[index]!.length) left -= parts[index++]!.length
  if (index === parts.length) return []
  return [parts[index]!.subarray(left), ...parts.slice(index + 1)]
}

/** What is on the disk is unknown: nothing may be written after it, the program must end (J6). */
export class SyncFailed extends Error {
  override name = 'SyncFailed'
  constructor(path: string, cause: unknown) {
    super(`syncing ${path}`, { cause })
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw new SyncFailed(directory, cause)
  }
}

/**
 * Makes a directory, and those above it that are not there, each synced where it stands: what is acknowledged
 * in it must not go with its name. So is one that is there: an earlier start may have been killed in between.
 */
export async function makeDirectory(directory: string): Promise<void> {
  const path = resolve(directory)
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  if (made === undefined) return syncDirectory(dirname(path)).catch(unlessForeign)
  for (let at = path; at.length >= made.length; at = dirname(at)) await syncDirectory(dirname(at))
}

/** One may write in a directory whose parent one may not read, or that is mounted in a system that syncs none. */
function unlessForeign(error: SyncFailed): void {
  const { code = '' } = error.cause as NodeJS.ErrnoException
  if (!['EACCES', 'EINVAL'].includes(code)) throw error
}

/** The disk fails under a write: what it holds is as unknown as after a failed sync (J6). */
export function isBroken(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'EIO' || (cause !== undefined && isBroken(cause))
}

/** The disk is full, or the quota is: something may be done about it. */
export function isFull(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}
