import { dirname, join } from 'node:path'
import type { End, Machine } from './machine.ts'

/*
 * A disk in memory that forgets what was not synced: file bytes and directory entries each until
 * their own fsync. A failed fsync leaves pages that count as clean and are not on the disk (J6).
 */

/** The parts of node:fs/promises that journal and spool use. */
export interface Disk {
  readonly root: string
  readonly machine: Machine
  readonly api: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>
  /** Paths of the files, below the root. */
  files(): string[]
  contentOf(path: string): Buffer
  /** What the next life finds; `torn` chooses what of the unsynced has arrived. */
  after(end: End, torn: () => boolean): DiskImage
  /** A copy of the disk as it would be read now. */
  image(): DiskImage
}

/** What is on a disk, and what its kernel has still to write. */
export interface DiskImage {
  readonly files: ReadonlyMap<string, FileNode>
  readonly synced: ReadonlyMap<string, FileNode>
  readonly pending: readonly Change[]
  readonly directories: ReadonlySet<string>
  /** Those that a power cut leaves. */
  readonly settled: ReadonlySet<string>
}

/** A file, wherever its names are. */
interface FileNode {
  data: Buffer
  /** What a power cut leaves of it. */
  durable: Buffer
  /** Written and not synced. */
  dirty: [start: number, end: number][]
}

/** Names are changed together, as a rename does it. */
interface Change {
  readonly directory: string
  readonly names: readonly (readonly [path: string, file: FileNode | undefined])[]
}

let made = 0
const disks = new Map<string, Disk>()
const never = new Promise<never>(() => {})

/** node:fs/promises, in which some paths lie on disks of memory; what has died there is never answered. */
export function withDisks<T extends object>(real: T): T {
  const dispatched =
    (name: string, own: unknown) =>
    (path: unknown, ...more: never[]) => {
      if (typeof path !== 'string' || !path.startsWith('/simulated-')) {
        return (own as (...args: unknown[]) => unknown)(path, ...more)
      }
      const disk = disks.get(path.split('/')[1]!)
      if (!disk || disk.machine.end) return never
      const call = disk.api[name]
      if (!call) throw new Error(`no disk of memory knows ${name}`)
      return call(path as never, ...more)
    }
  const entries = Object.entries(real).map(([name, own]) => [
    name,
    typeof own === 'function' ? dispatched(name, own) : own
  ])
  return Object.fromEntries(entries)
}

export function createDisk(machine: Machine, from?: DiskImage): Disk {
  const name = `simulated-${made++}`
  const root = `/${name}`
  const nodes = new Map<FileNode, FileNode>()
  const fresh = (node: FileNode): FileNode => {
    const copy = nodes.get(node) ?? {
      data: Buffer.from(node.data),
      durable: Buffer.from(node.durable),
      dirty: node.dirty.map(([start, end]): [number, number] => [start, end])
    }
    nodes.set(node, copy)
    return copy
  }
  const copied = (names: ReadonlyMap<string, FileNode> = new Map()) =>
    new Map([...names].map(([path, node]) => [path, fresh(node)]))
  const files = copied(from?.files)
  const synced = copied(from?.synced)
  let pending = (from?.pending ?? []).map(
    ({ directory, names }): Change => ({
      directory,
      names: names.map(([path, node]) => [path, node && fresh(node)])
    })
  )
  const directories = new Set(from?.directories ?? ['/'])
  const settled = new Set(from?.settled ?? directories)

  const change = (directory: string, names: Change['names']) => {
    for (const [path, file] of names) {
      if (file) files.set(path, file)
      else files.delete(path)
    }
    pending.push({ directory, names })
  }

  const syncNames = (directory: string) => {
    applyTo(
      synced,
      pending.filter((one) => one.directory === directory)
    )
    pending = pending.filter((one) => one.directory !== directory)
    for (const path of directories) if (dirname(path) === directory) settled.add(path)
  }

  const file = (path: string): FileNode => {
    const found = files.get(path)
    if (!found) throw missing(path)
    return found
  }

  const step = (what: string, path: string, effect: () => void, more: object = {}) =>
    machine.step({ what: `${what} ${path}`, on: 'disk', effect, ...more })

  const handleOf = (path: string, node: FileNode) => ({
    read: async (into: Buffer, offset: number, length: number, at: number) => {
      const bytesRead = node.data.copy(into, offset, at, Math.min(node.data.length, at + length))
      return { bytesRead, buffer: into }
    },
    writev: async (parts: Uint8Array[], at: number) => {
      // The reserve is megabytes of zeros, and only its blocks matter.
      if (/\/reserve(-batches)?$/.test(path)) return { bytesWritten: parts[0]!.length }
      const bytes = Buffer.concat(parts)
      const write = (part: Buffer) => writeAt(node, part, at)
      await step('write', path, () => write(bytes), {
        half: () => write(bytes.subarray(0, bytes.length >> 1))
      })
      return { bytesWritten: bytes.length }
    },
    writeFile: async (bytes: Uint8Array) =>
      step('write', path, () => writeAt(node, Buffer.from(bytes), 0)),
    truncate: async (length: number) =>
      step('truncate', path, () => {
        node.data = node.data.subarray(0, length)
        node.dirty.push([length, Number.POSITIVE_INFINITY])
      }),
    datasync: async () => sync(path, node),
    sync: async () => sync(path, node),
    stat: async () => ({ size: node.data.length, isDirectory: () => false, isFile: () => true }),
    close: async () => {}
  })

  const sync = (path: string, node: FileNode) =>
    step('sync', path, () => syncBytes(node), {
      failed: () => {
        node.dirty = []
      }
    })

  const directoryHandle = (path: string) => ({
    sync: async () => step('sync directory', path, () => syncNames(path)),
    stat: async () => ({ isDirectory: () => true, isFile: () => false }),
    close: async () => {}
  })

  const api = {
    open: async (path: string, flags = 'r') => {
      const at = below(root, path)
      if (directories.has(at)) return directoryHandle(at)
      if (flags.startsWith('r')) return handleOf(at, file(at))
      if (files.has(at) && flags === 'wx') throw failure('EEXIST', at)
      const node = { data: Buffer.alloc(0), durable: Buffer.alloc(0), dirty: [] }
      await step('create', at, () => change(dirname(at), [[at, node]]))
      return handleOf(at, node)
    },
    rename: async (from: string, to: string) => {
      const [before, after] = [below(root, from), below(root, to)]
      await step('rename to', after, () =>
        change(dirname(after), [
          [before, undefined],
          [after, file(before)]
        ])
      )
    },
    rm: async (path: string, { force = false } = {}) => {
      const at = below(root, path)
      if (!files.has(at)) {
        if (force) return
        throw missing(at)
      }
      await step('remove', at, () => change(dirname(at), [[at, undefined]]))
    },
    readdir: async (path: string) => {
      const at = below(root, path)
      if (!directories.has(at)) throw missing(at)
      return namesIn(at, [...files.keys(), ...directories])
    },
    mkdir: async (path: string) => {
      const first = addDirectories(directories, below(root, path))
      return first === undefined ? undefined : join(root, first)
    },
    chmod: async () => {},
    stat: async (path: string) => ({ size: file(below(root, path)).data.length }),
    // Enough for the journal's reserve.
    statfs: async () => ({ bavail: 2 ** 20, bsize: 4096 }),
    readFile: async (path: string) => Buffer.from(file(below(root, path)).data),
    access: async (path: string) => void file(below(root, path))
  }

  const disk: Disk = {
    root,
    machine,
    api: api as unknown as Disk['api'],
    files: () => [...files.keys()].sort(),
    contentOf: (path) => file(path).data,
    image: () => ({ files, synced, pending, directories, settled }),
    after: (end, torn) => {
      disks.delete(name)
      // The kernel lives on: what it has not written yet it still has to.
      if (end === 'killed') return disk.image()
      if (end === 'torn') tear(torn)
      const whole = [...directories].filter((path) => isSettled(settled, path))
      const left = new Map([...synced].filter(([path]) => isSettled(settled, dirname(path))))
      for (const node of left.values()) {
        node.data = Buffer.from(node.durable)
        node.dirty = []
      }
      const there = new Set(whole)
      return { files: left, synced: left, pending: [], directories: there, settled: there }
    }
  }
  /** Any part of it has arrived, in whatever order. */
  const tear = (torn: () => boolean) => {
    applyTo(
      synced,
      pending.filter(() => torn())
    )
    for (const path of directories) if (torn()) settled.add(path)
    for (const node of new Set(synced.values())) {
      for (const [start, end] of node.dirty) {
        if (torn()) persist(node, start, torn() ? end : start + ((end - start) >> 1))
      }
    }
  }
  disks.set(name, disk)
  return disk
}

function applyTo(names: Map<string, FileNode>, changes: readonly Change[]): void {
  for (const one of changes) {
    for (const [path, file] of one.names) {
      if (file) names.set(path, file)
      else names.delete(path)
    }
  }
}

function writeAt(node: FileNode, bytes: Buffer, at: number): void {
  const end = at + bytes.length
  const data = Buffer.alloc(Math.max(node.data.length, end))
  node.data.copy(data)
  bytes.copy(data, at)
  node.data = data
  node.dirty.push([at, end])
}

function syncBytes(node: FileNode): void {
  for (const [start, end] of node.dirty) persist(node, start, end)
  node.dirty = []
}

/** What a range has now, on the disk; an end beyond the file cuts it there. */
function persist(node: FileNode, start: number, end: number): void {
  const cut = end === Number.POSITIVE_INFINITY
  const last = Math.min(end, node.data.length)
  const length = cut ? last : Math.max(node.durable.length, last)
  const durable = Buffer.alloc(length)
  node.durable.copy(durable)
  node.data.copy(durable, start, start, last)
  node.durable = durable
}

function isSettled(settled: ReadonlySet<string>, directory: string): boolean {
  return directory === '/' || (settled.has(directory) && isSettled(settled, dirname(directory)))
}

/** Returns the uppermost of those that were made, as Node does. */
function addDirectories(directories: Set<string>, path: string): string | undefined {
  let first: string | undefined
  for (let at = path; !directories.has(at); at = dirname(at)) {
    directories.add(at)
    first = at
  }
  return first
}

function namesIn(directory: string, paths: readonly string[]): string[] {
  const inside = paths.filter((path) => path !== directory && dirname(path) === directory)
  return inside.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort()
}

function below(root: string, path: string): string {
  return join('/', path.slice(root.length))
}

function missing(path: string): Error {
  return failure('ENOENT', path)
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
