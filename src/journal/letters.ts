import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isFull, SyncFailed, syncDirectory, writeSynced } from '../disk.ts'
import type { Logs } from '../logs/logs.ts'
import { encodeLetter, type LetterHead, letterPath, lettersIn } from './letter_file.ts'
import { isSettled } from './position.ts'
import type { Room } from './room.ts'
import type { JournalState } from './state.ts'

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
  readonly room: Pick<Room, 'admit' | 'forBatch'>
  fatal(error: Error): void
}

export async function openLetters(options: LettersOptions, state: JournalState): Promise<Letters> {
  const { room } = options
  const directory = lettersIn(options.directory)
  let used = await recover(directory, state)
  let next = 1

  const write = async (id: string, parts: readonly Uint8Array[], bytes: number) => {
    await room.admit(bytes)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeLetter(letterPath(options.directory, id), parts)
    await syncDirectory(dirname(directory))
  }

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
      const parts = encodeLetter(head, logs)
      const bytes = parts[0]!.length + logs.bytes
      if (used + bytes > options.maxBytes) {
        throw new Error(
          `the dead letters have reached max_dead_letters (${options.maxBytes} bytes)`
        )
      }
      // Counted before it is there, so that two at once do not pass the limit together.
      used += bytes
      try {
        await write(id, parts, bytes).catch(async (cause) => {
          if (!isFull(cause) || !(await room.forBatch())) throw cause
          await write(id, parts, bytes)
        })
      } catch (cause) {
        used -= bytes
        if (cause instanceof SyncFailed) {
          options.fatal(cause)
          throw cause
        }
        throw new Error('writing a dead letter', { cause })
      }
      return id
    },
    remove: async (id) => {
      const path = letterPath(options.directory, id)
      const { size } = await stat(path)
      await rm(path)
      await syncDirectory(directory)
      used -= size
    }
  }
}

/**
 * Removes letters whose end a frame tells, and those whose frames are not settled: the crash came before
 * the intent or position that names them, and their records will be refused again (L6). Returns the
 * bytes of the others.
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
    const ended = state.ended.has(name.slice(0, -'.letter'.length))
    if (unsettled || ended || name.endsWith('.new')) {
      await rm(path, { force: true })
      removed = true
    } else used += (await stat(path)).size
  }
  // Before a lane goes on: a letter that came back would count as settled with the frames of its next.
  if (removed) await syncDirectory(directory)
  state.ended.clear()
  return used
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
