import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, link, lstat, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PermanentError } from '../component.ts'
import { makeDirectory, SyncFailed } from '../disk.ts'
import { KeyBlocked, type Store, type StoredObject } from './store.ts'
import { listTree } from './tree.ts'

export interface DirectoryOptions {
  /** As configured, e.g. `./archive`; relative to the working directory. */
  readonly directory: string
  /** Who writes here, unique among all writers: leftovers under this name are ours to remove. */
  readonly writer: string
}

/** Temp files lie in the tree itself: link(2) does not cross file systems. No key starts with it. */
const tempDirectory = '.tmp'
const day = 86_400_000
const { O_RDONLY, O_NOFOLLOW, W_OK } = constants

/**
 * An archive in a directory: the same keys and bytes as in a bucket. An object is written to a temp
 * file, fsynced, and linked to its name: link(2) never overwrites, so of racing creators one wins,
 * and the name never shows a part. Then the directories down to it are fsynced, the new ones too.
 */
export async function openDirectoryStore({ directory, writer }: DirectoryOptions): Promise<Store> {
  const root = resolve(directory)
  const name = `file:${directory}`
  const temp = join(root, tempDirectory)
  await prepare()

  const durable = new Set<string>()
  let broken: SyncFailed | undefined

  async function create(key: string, object: StoredObject, signal?: AbortSignal) {
    const path = pathOf(key)
    if (broken) throw broken
    signal?.throwIfAborted()
    const written = join(temp, `${writer}-${randomBytes(8).toString('hex')}`)
    try {
      await write(written, object.body)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      signal?.throwIfAborted()
      const created = await linkNew(written, path)
      if (!created && (await lstat(path).catch(noneIfAbsent))?.isDirectory())
        throw new KeyBlocked(`storing ${name}/${key}: a directory stands where a file is needed`)
      await syncDown(dirname(path))
      return created ? 'created' : 'exists'
    } catch (cause) {
      if (cause instanceof SyncFailed || cause instanceof KeyBlocked) throw cause
      signal?.throwIfAborted()
      const message = `storing ${name}/${key}: ${reason(cause)}`
      // No other key helps where the directory itself has become a file.
      const isBlocked =
        ['ENOTDIR', 'EEXIST'].includes(codeOf(cause) ?? '') &&
        (await lstat(root).catch(noneIfAbsent))?.isDirectory()
      throw isBlocked ? new KeyBlocked(message, { cause }) : new Error(message, { cause })
    } finally {
      // The object is there or it is not: a temp file that stays changes neither, and goes at the next start.
      await rm(written, { force: true }).catch(() => undefined)
    }
  }

  /** The whole way from the root: another creator may have made a level and not have synced it yet. */
  async function syncDown(path: string) {
    await syncDirectory(path)
    for (let at = path; at !== root && !durable.has(at); at = dirname(at)) {
      await syncDirectory(dirname(at))
      if (durable.size >= 10_000) durable.clear()
      durable.add(at)
    }
  }

  /**
   * A sync that failed is not tried again: the second one may succeed with the data lost, so the
   * program ends (J6). A directory that cannot be opened now, for too many open files say, is another matter.
   */
  async function syncDirectory(path: string) {
    await sync(path, (cause) => {
      broken = new SyncFailed(path, cause)
      return broken
    })
  }

  function pathOf(key: string): string {
    const levels = key.split('/')
    const first = levels[0]
    if (first === tempDirectory || levels.some(isNoName)) {
      throw new PermanentError(`storing ${JSON.stringify(key)}: a directory cannot hold this key`)
    }
    return join(root, ...levels)
  }

  async function prepare() {
    try {
      await makeDirectory(root)
      await mkdir(temp, { recursive: true, mode: 0o700 })
      await removeLeftovers(temp, writer)
      await tryLink(temp, writer)
      await sync(root)
    } catch (cause) {
      throw new Error(`opening the archive ${name}: ${reason(cause)}`, { cause })
    }
  }

  return {
    name,
    create,
    async head(key) {
      const found = await lstat(pathOf(key)).catch(noneIfAbsent)
      return found?.isFile() ? { size: found.size } : undefined
    },
    async read(key) {
      return await readFile(pathOf(key), { flag: O_RDONLY | O_NOFOLLOW }).catch(noneIfAbsent)
    },
    list: (prefix, after) => listTree({ root, skip: tempDirectory, prefix, after }),
    async confirm() {},
    async reach() {
      await access(temp, W_OK).catch((cause) => {
        throw new Error(`opening the archive ${name}: ${reason(cause)}`, { cause })
      })
    },
    close() {}
  }
}

async function write(path: string, body: Uint8Array) {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(body)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  }
}

async function sync(path: string, failed = (cause: unknown) => cause) {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (cause) {
    throw failed(cause)
  } finally {
    await directory.close()
  }
}

/** Ours from an earlier life at once; those of other writers only when nobody can still be at them. */
async function removeLeftovers(temp: string, writer: string) {
  for (const file of await readdir(temp)) {
    const path = join(temp, file)
    const found = await stat(path).catch(noneIfAbsent)
    const old = found !== undefined && found.mtimeMs < Date.now() - day
    if (old || file.startsWith(`${writer}-`)) await rm(path, { force: true })
  }
}

async function tryLink(temp: string, writer: string) {
  const one = join(temp, `${writer}-try-${randomBytes(8).toString('hex')}`)
  try {
    await write(one, new Uint8Array(1))
    await link(one, `${one}-2`)
  } finally {
    await rm(one, { force: true })
    await rm(`${one}-2`, { force: true })
  }
}

function isNoName(level: string): boolean {
  return (
    level === '' ||
    level === '.' ||
    level === '..' ||
    level.includes('\0') ||
    !level.isWellFormed() ||
    Buffer.byteLength(level) > 255
  )
}

const reasons: Record<string, string> = {
  EACCES: 'not writable for this user',
  EPERM: 'not permitted, or a file system without hard links',
  ENOTSUP: 'a file system without hard links',
  EROFS: 'a read-only file system',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a file stands where a directory is needed',
  EEXIST: 'a file stands where a directory is needed'
}

function reason(cause: unknown): string {
  return reasons[codeOf(cause) ?? ''] ?? (cause instanceof Error ? cause.message : String(cause))
}

function codeOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code
}

/** A folder or a symbolic link is no object either. */
const absent = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'])

function noneIfAbsent(cause: unknown): undefined {
  const code = codeOf(cause)
  if (absent.has(code ?? '')) return undefined
  throw cause
}
