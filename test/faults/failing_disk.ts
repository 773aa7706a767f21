import { existsSync } from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/*
 * A disk that fails where a test says, under the program's own calls: node:fs/promises with some of them
 * answered by an error. Imported by a test for what runs in its own process, and with `--import` by a
 * process of its own, where AUDITCOL_FAULT is a Fault as JSON.
 */

export interface Fault {
  readonly code: 'EIO' | 'ENOSPC'
  /** `create`: new names, as of open, mkdir, rename, link; `write`: bytes; `sync`: of files and directories. */
  readonly on: readonly ('create' | 'write' | 'sync')[]
  /** A regular expression that finds something in the path. */
  readonly path: string
  /** So many go well before, and so many fail then. */
  readonly skip?: number
  readonly times?: number
  /** Nothing fails before there is such a file. */
  readonly armedBy?: string
}

export interface FailingDisk {
  /** What the fault was asked for, in order, each failed or not: `write …/00000001.wal`. */
  readonly seen: readonly string[]
  readonly failed: number
  /** From now on all goes well. */
  mend(): void
}

type Check = (what: Fault['on'][number], path: string) => void

const checks = new Set<Check>()
let installed = false

/** Until it is mended, or has failed often enough. */
export function breakDisk(fault: Fault): FailingDisk {
  install()
  const { code, on, skip = 0, times = 1, armedBy } = fault
  const path = new RegExp(fault.path)
  const seen: string[] = []
  let failed = 0
  const check: Check = (what, at) => {
    if (!on.includes(what) || !path.test(at)) return
    if (armedBy !== undefined && !existsSync(armedBy)) return
    seen.push(`${what} ${at}`)
    if (seen.length <= skip || failed >= times) return
    failed++
    const error = new Error(`${code}: ${code === 'EIO' ? 'i/o error' : 'no space left on device'}`)
    throw Object.assign(error, { code, path: at })
  }
  checks.add(check)
  return {
    seen,
    get failed() {
      return failed
    },
    mend: () => void checks.delete(check)
  }
}

const ask: Check = (what, path) => {
  for (const check of checks) check(what, path)
}

function install(): void {
  if (installed) return
  installed = true
  const { open, mkdir, rename, link } = promises
  Object.assign(promises, {
    open: async (path: string, flags: string, mode?: number) => {
      if (/[wa]/.test(flags)) ask('create', path)
      return failing(await open(path, flags, mode), { path })
    },
    mkdir: async (path: string, ...rest: [object?]) => {
      if (!existsSync(path)) ask('create', path)
      return mkdir(path, ...rest)
    },
    rename: async (from: string, to: string) => {
      ask('create', to)
      await rename(from, to)
      for (const place of places) if (place.path === from) place.path = to
    },
    link: async (from: string, to: string) => {
      ask('create', to)
      return link(from, to)
    }
  })
  syncBuiltinESMExports()
}

/** Where open files lie by now. */
const places = new Set<{ path: string }>()

function failing(file: FileHandle, place: { path: string }): FileHandle {
  const { writev, writeFile, sync, datasync, close } = file
  places.add(place)
  return Object.assign(file, {
    close: async () => {
      places.delete(place)
      return close.call(file)
    },
    // Half of it is there when the error comes: that is how a disk becomes full.
    writev: async (parts: Uint8Array[], at: number) => {
      try {
        ask('write', place.path)
      } catch (error) {
        await writev.call(file, [parts[0]!.subarray(0, parts[0]!.length / 2)], at)
        throw error
      }
      return writev.call(file, parts, at)
    },
    writeFile: async (body: Uint8Array) => {
      ask('write', place.path)
      return writeFile.call(file, body)
    },
    sync: async () => {
      ask('sync', place.path)
      return sync.call(file)
    },
    datasync: async () => {
      ask('sync', place.path)
      return datasync.call(file)
    }
  })
}

if (process.env.AUDITCOL_FAULT !== undefined) breakDisk(JSON.parse(process.env.AUDITCOL_FAULT))
