import { randomBytes } from 'node:crypto'
import { access, constants, open, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { JournalConfig } from '../config/journal.ts'
import { syncDirectory } from '../disk.ts'
import { lockJournal } from '../journal/lock.ts'

export interface JournalCheck {
  readonly check: 'directory' | 'permissions' | 'lock' | 'fsync' | 'file_system' | 'free_space'
  readonly result: 'ok' | 'no' | 'unknown'
  readonly answer: string
}

export interface JournalReport {
  readonly directory: string
  readonly checks: readonly JournalCheck[]
}

type Outcome = Omit<JournalCheck, 'check'>

/** Looks at the journal's directory and its disk, also while a collector has it; leaves it as it was. */
export async function examineJournal(config: JournalConfig): Promise<JournalReport> {
  const { directory } = config
  const there = await nearest(resolve(directory))
  const isThere = there === resolve(directory)
  const checks: JournalCheck[] = [
    { check: 'directory', ...(await writable(there, isThere)) },
    { check: 'permissions', ...(await permissions(there, isThere)) },
    { check: 'lock', ...(await lock(directory, isThere)) },
    { check: 'fsync', ...(await fsync(there)) },
    { check: 'file_system', ...(await fileSystem(there)) },
    { check: 'free_space', ...(await freeSpace(there, config)) }
  ]
  return { directory, checks }
}

/** The directory itself, or the lowest one above it that is there. */
async function nearest(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => undefined)
  if (found || dirname(directory) === directory) return directory
  return await nearest(dirname(directory))
}

async function writable(there: string, isThere: boolean): Promise<Outcome> {
  try {
    if (!(await stat(there)).isDirectory()) return no(`${there} is no directory`)
    await access(there, constants.W_OK | constants.X_OK)
    return ok(isThere ? 'it can be written to' : `it is not there yet and can be made in ${there}`)
  } catch (cause) {
    return no(
      `${there} cannot be written to (${reason(cause)}): give it to the user that runs auditcol`
    )
  }
}

/** The journal holds originals. */
async function permissions(there: string, isThere: boolean): Promise<Outcome> {
  if (!isThere) return ok('it will be made with 0700')
  const mode = (await stat(there)).mode & 0o777
  const shown = `0${mode.toString(8)}`
  return (mode & 0o077) === 0 ? ok(shown) : ok(`${shown}, the next start makes it 0700`)
}

async function lock(directory: string, isThere: boolean): Promise<Outcome> {
  const made = isThere && (await stat(join(directory, 'lock')).catch(() => undefined))
  if (!made) return ok('no journal has been begun')
  try {
    const taken = await lockJournal(directory)
    taken?.release()
    return ok(taken ? 'free' : 'a process has it: a collector is running')
  } catch (cause) {
    return no(reason(cause))
  }
}

/** As the writer does it; what a sender waits for. */
async function fsync(there: string): Promise<Outcome> {
  const path = join(there, `doctor-${randomBytes(8).toString('hex')}`)
  const times: number[] = []
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      for (let i = 0; i < 5; i++) {
        await file.write(Buffer.alloc(4096, i))
        const before = performance.now()
        await file.datasync()
        times.push(performance.now() - before)
      }
    } finally {
      await file.close()
    }
    await syncDirectory(there)
    const middle = times.toSorted((a, b) => a - b)[2]!
    return ok(`works, ${middle.toFixed(1)} ms`)
  } catch (cause) {
    return no(`fails (${reason(cause)}): nothing can be acknowledged here`)
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}

/** Magic numbers of statfs(2) on Linux. */
const forgetful = new Map([
  [0x01021994, 'tmpfs lies in memory: a restart of the machine loses the journal'],
  [0x858458f6, 'ramfs lies in memory: a restart of the machine loses the journal'],
  [0x6969, 'NFS: the journal needs a local disk, whose fsync and locks hold'],
  [0xff534d42, 'CIFS: the journal needs a local disk, whose fsync and locks hold'],
  [0xfe534d42, 'SMB: the journal needs a local disk, whose fsync and locks hold']
])

async function fileSystem(there: string): Promise<Outcome> {
  if (process.platform !== 'linux') return { result: 'unknown', answer: 'not asked on this system' }
  const { type } = await statfs(there)
  const bad = forgetful.get(type)
  return bad === undefined ? ok('local, as far as can be told') : no(bad)
}

async function freeSpace(there: string, { min_free, max_size }: JournalConfig): Promise<Outcome> {
  const { bavail, bsize } = await statfs(there)
  const free = bavail * bsize
  const shown = `${mebibytes(free)} free, min_free is ${mebibytes(min_free)}`
  if (free < min_free) return no(`${shown}: senders are refused until there is more`)
  if (free - min_free >= max_size) return ok(shown)
  return ok(`${shown}; max_size is ${mebibytes(max_size)}: the disk is full before the journal is`)
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`
}

function ok(answer: string): Outcome {
  return { result: 'ok', answer }
}

function no(answer: string): Outcome {
  return { result: 'no', answer }
}

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
