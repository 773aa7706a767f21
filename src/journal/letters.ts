import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Meta } from '../component.ts'
import { isFull, SyncFailed, syncDirectory, writeAll } from '../disk.ts'
import type { Logs } from '../logs/logs.ts'
import { isSettled, type Range } from './position.ts'
import type { JournalState } from './state.ts'

/** What will fail again, kept with the reason (L5). A file: this as one line of JSON, then the records as OTLP bytes. */
export interface LetterHead {
  readonly v: 1
  /** `<lane id>-<lsn>-<n>`. */
  readonly id: string
  readonly lane: string
  readonly laneName: string
  /** The component that refused the records, and where they would enter again. */
  readonly by: string
  readonly at: 'processors' | 'exporter'
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
      const line = Buffer.from(`${JSON.stringify(head)}\n`)
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
        if (cause instanceof SyncFailed) options.fatal(cause)
        if (isFull(cause)) await options.makeRoom()
        throw new Error('writing a dead letter', { cause })
      }
      return id
    }
  }
}

export function lettersIn(journal: string): string {
  return join(journal, 'dead')
}

/** The heads of all letters, oldest first. */
export async function listLetters(journal: string): Promise<LetterHead[]> {
  const heads: LetterHead[] = []
  for (const name of await letterNames(lettersIn(journal))) {
    heads.push((await readLetter(journal, name.slice(0, -'.letter'.length))).head)
  }
  return heads.sort((a, b) => a.time - b.time)
}

export async function readLetter(
  journal: string,
  id: string
): Promise<{ head: LetterHead; logs: Logs }> {
  if (!/^[0-9a-f]{16}-\d{16}-[0-9a-z]+$/.test(id))
    throw new Error(`${id} is no id of a dead letter`)
  const path = join(lettersIn(journal), `${id}.letter`)
  const content = await readFile(path).catch((cause) => {
    throw new Error(`reading the dead letter ${id}`, { cause })
  })
  const line = content.indexOf(10)
  const head: LetterHead = JSON.parse(content.toString('utf8', 0, line))
  const bytes = content.subarray(line + 1)
  if (bytes.length !== head.bytes) throw new Error(`the dead letter ${id} is damaged: ${path}`)
  return { head, logs: { chunks: [bytes], bytes: bytes.length, records: head.records } }
}

export async function removeLetter(journal: string, id: string): Promise<void> {
  await rm(join(lettersIn(journal), `${id}.letter`), { force: true })
  await syncDirectory(lettersIn(journal))
}

/**
 * Removes letters that stand in a frame again, and those whose frames are not settled: the crash came before the intent or position that
 * names them, and their records will be refused again (L6). Returns the bytes of the others.
 */
async function recover(directory: string, state: JournalState): Promise<number> {
  const lanes = new Map([...state.lanes.values()].map((lane) => [lane.id, lane]))
  let used = 0
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name)
    const [id = '', lsn] = name.split('-')
    const lane = lanes.get(id)
    const unsettled = name.endsWith('.letter') && lane && !isSettled(lane, Number(lsn))
    const replayed = state.replayed.has(name.slice(0, -'.letter'.length))
    if (unsettled || replayed || name.endsWith('.new')) await rm(path, { force: true })
    else used += (await stat(path)).size
  }
  if (state.replayed.size > 0) await syncDirectory(directory)
  state.replayed.clear()
  return used
}

async function letterNames(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => name.endsWith('.letter'))
}

async function writeLetter(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(`${path}.new`, 'wx', 0o600)
  try {
    await writeAll(file, parts, 0)
    await file.datasync().catch((cause) => {
      throw new SyncFailed(path, cause)
    })
  } catch (cause) {
    await rm(`${path}.new`, { force: true })
    throw cause
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  await syncDirectory(dirname(path))
}
