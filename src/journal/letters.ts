import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Meta, Refused } from '../component.ts'
import { isFull, SyncFailed, syncDirectory, writeSynced } from '../disk.ts'
import type { Logs } from '../logs/logs.ts'
import { isSettled, type Range } from './position.ts'
import type { JournalState } from './state.ts'

/**
 * What will fail again, kept with the reason (L5). A file: this as one line of JSON with the checksum of
 * itself and the records, then the records as OTLP bytes.
 */
export interface LetterHead {
  readonly v: 1
  /** `<lane id>-<lsn>-<n>`. */
  readonly id: string
  readonly lane: string
  readonly laneName: string
  /** The component that refused the records, and where they would enter again; 'journal': they do not read. */
  readonly by: string
  readonly at: Refused['at']
  readonly reason: string
  /** Milliseconds since the epoch: when it was written, and when the oldest record was accepted. */
  readonly time: number
  readonly arrived: number
  readonly receiver: string
  readonly client?: Meta['client']
  readonly identity?: Meta['identity']
  readonly covers: readonly Range[]
  readonly records: number
  /** So many of the records were refused, and nobody knows which (L5). */
  readonly unnamed?: number
  readonly bytes: number
}

export type NewLetter = Omit<
  LetterHead,
  'v' | 'id' | 'lane' | 'laneName' | 'time' | 'bytes' | 'records'
>

/** The dead letters of a journal: durable before the lane moves, and bounded. */
export interface Letters {
  /** Resolves with the letter's id when it is durable; rejects when there is no room for it. */
  write(lane: { id: string; name: string }, letter: NewLetter, logs: Logs): Promise<string>
  /** Resolves when it is gone for good. */
  remove(id: string): Promise<void>
}

export interface LettersOptions {
  /** The journal's. */
  readonly directory: string
  readonly maxBytes: number
  makeRoom(): Promise<void>
  fatal(error: Error): void
}

export async function openLetters(options: LettersOptions, state: JournalState): Promise<Letters> {
  const directory = lettersIn(options.directory)
  let used = await recover(directory, state)
  let next = 1

  return {
    write: async (lane, letter, logs) => {
      const lsn = String(letter.covers.at(-1)?.[1] ?? 0).padStart(16, '0')
      const id = `${lane.id}-${lsn}-${Date.now().toString(36)}${next++}`
      const head: LetterHead = {
        v: 1,
        ...{ id, lane: lane.id, laneName: lane.name, time: Date.now() },
        ...letter,
        ...{ records: logs.records, bytes: logs.bytes }
      }
      const checked = { ...head, crc32: checksumOf(head, logs.chunks) }
      const line = Buffer.from(`${JSON.stringify(checked)}\n`)
      const bytes = line.length + logs.bytes
      if (used + bytes > options.maxBytes) {
        throw new Error(
          `the dead letters have reached max_dead_letters (${options.maxBytes} bytes)`
        )
      }
      // Counted before it is there, so that two at once do not pass the limit together.
      used += bytes
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await writeLetter(join(directory, `${id}.letter`), [line, ...logs.chunks])
        await syncDirectory(dirname(directory))
      } catch (cause) {
        used -= bytes
        if (cause instanceof SyncFailed) {
          options.fatal(cause)
          throw cause
        }
        if (isFull(cause)) await options.makeRoom()
        throw new Error('writing a dead letter', { cause })
      }
      return id
    },
    remove: async (id) => {
      const path = join(directory, `${id}.letter`)
      const { size } = await stat(path)
      await rm(path)
      await syncDirectory(directory)
      used -= size
    }
  }
}

export function lettersIn(journal: string): string {
  return join(journal, 'dead')
}

/** Which letters are meant; what is not said does not matter. Plain JSON: commands send it to the running process. */
export interface LetterFilter {
  /** Milliseconds since the epoch at which they were written: from, and before. */
  readonly since?: number
  readonly until?: number
  /** Part of the reason. */
  readonly reason?: string
  readonly receiver?: string
  readonly lane?: string
}

/** What lies there, oldest first; letters whose file is not whole are named apart. */
export interface LetterList {
  readonly heads: readonly LetterHead[]
  readonly damaged: readonly string[]
}

export async function listLetters(journal: string): Promise<LetterList> {
  const heads: LetterHead[] = []
  const damaged: string[] = []
  for (const name of await letterNames(lettersIn(journal))) {
    const id = name.slice(0, -'.letter'.length)
    const file = await openLetter(journal, id)
    if (file === undefined) continue
    try {
      const found = await headIn(file)
      if (found) heads.push(found.head)
      else damaged.push(id)
    } finally {
      await file.close()
    }
  }
  return { heads: heads.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)), damaged }
}

/** Undefined when there is none of that id, or not any more. */
export async function readLetter(
  journal: string,
  id: string
): Promise<{ head: LetterHead; logs: Logs } | undefined> {
  if (!/^[0-9a-f]{16}-\d{16}-[0-9a-z]+$/.test(id))
    throw new Error(`${id} is no id of a dead letter`)
  const file = await openLetter(journal, id)
  if (file === undefined) return undefined
  try {
    const found = await headIn(file)
    const bytes = Buffer.alloc(found?.head.bytes ?? 0)
    if (found) await file.read(bytes, 0, bytes.length, found.end)
    if (found?.head.id !== id || !isWhole(found, bytes)) {
      const path = pathOf(journal, id)
      throw new Error(
        `the dead letter ${id} is damaged: restore ${path} from a copy, or move it away`
      )
    }
    const { head } = found
    return { head, logs: { chunks: [bytes], bytes: bytes.length, records: head.records } }
  } finally {
    await file.close()
  }
}

function pathOf(journal: string, id: string): string {
  return join(lettersIn(journal), `${id}.letter`)
}

async function openLetter(journal: string, id: string): Promise<FileHandle | undefined> {
  return open(pathOf(journal, id), 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new Error(`reading the dead letter ${id}`, { cause })
  })
}

/** A head is as long as the client metadata in it; a letter may have gigabytes behind it. */
const headBytesMax = 4 * 2 ** 20

interface FoundHead {
  readonly head: LetterHead
  /** The first version had none. */
  readonly crc32: number | undefined
  readonly end: number
}

function isWhole({ head, crc32: checksum }: FoundHead, records: Uint8Array): boolean {
  return checksum === undefined || checksum === checksumOf(head, [records])
}

function checksumOf(head: LetterHead, records: readonly Uint8Array[]): number {
  return records.reduce((sum, chunk) => crc32(chunk, sum), crc32(JSON.stringify(head)))
}

/** The head and where it ends, or undefined when the file has not the length that it says. */
async function headIn(file: FileHandle): Promise<FoundHead | undefined> {
  const { size } = await file.stat()
  for (let length = 4096; ; length *= 16) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(length, size)), {
      position: 0
    })
    const line = buffer.subarray(0, bytesRead).indexOf(10)
    if (line >= 0) {
      const found = parsed(buffer.toString('utf8', 0, line))
      return found?.head.bytes === size - line - 1 ? { ...found, end: line + 1 } : undefined
    }
    if (length >= Math.min(size, headBytesMax)) return undefined
  }
}

function parsed(line: string): Omit<FoundHead, 'end'> | undefined {
  try {
    const { crc32, ...head }: LetterHead & { crc32?: number } = JSON.parse(line)
    return { head, crc32 }
  } catch {
    return undefined
  }
}

/**
 * Removes letters that stand in a frame again, and those whose frames are not settled: the crash came before the intent or position that
 * names them, and their records will be refused again (L6). Returns the bytes of the others.
 */
async function recover(directory: string, state: JournalState): Promise<number> {
  const lanes = new Map([...state.lanes.values()].map((lane) => [lane.id, lane]))
  let used = 0
  let removed = false
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name)
    const [id = '', lsn] = name.split('-')
    const lane = lanes.get(id)
    const unsettled = name.endsWith('.letter') && lane && !isSettled(lane, Number(lsn))
    const replayed = state.replayed.has(name.slice(0, -'.letter'.length))
    if (unsettled || replayed || name.endsWith('.new')) {
      await rm(path, { force: true })
      removed = true
    } else used += (await stat(path)).size
  }
  // Before a lane goes on: a letter that came back would count as settled with the frames of its next.
  if (removed) await syncDirectory(directory)
  state.replayed.clear()
  return used
}

async function letterNames(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => name.endsWith('.letter'))
}

async function writeLetter(path: string, parts: readonly Uint8Array[]): Promise<void> {
  try {
    await writeSynced(`${path}.new`, 'wx', parts)
    await rename(`${path}.new`, path)
  } catch (cause) {
    // A rename that fails may have happened: the lane writes the letter again, under another name.
    for (const left of [`${path}.new`, path]) await rm(left, { force: true }).catch(() => {})
    throw cause
  }
  await syncDirectory(dirname(path))
}
