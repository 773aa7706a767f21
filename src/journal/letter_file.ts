import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Meta, Refused } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import type { Range } from './position.ts'

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
  readonly address?: string
  readonly identity?: Meta['identity']
  readonly covers: readonly Range[]
  readonly records: number
  /** So many of the records were refused, and nobody knows which (L5). */
  readonly unnamed?: number
  readonly bytes: number
}

export function lettersIn(journal: string): string {
  return join(journal, 'dead')
}

export function letterPath(journal: string, id: string): string {
  return join(lettersIn(journal), `${id}.letter`)
}

/** Commands get ids from people. */
export function requireLetterId(id: string): void {
  if (/^[0-9a-f]{16}-\d{16}-[0-9a-z]+$/.test(id)) return
  throw new Error(`${id} is no id of a dead letter`)
}

/** A letter whose file is not what was written. */
export class LetterDamaged extends Error {
  override name = 'LetterDamaged'
}

/** The bytes of a letter's file. */
export function encodeLetter(head: LetterHead, { chunks }: Logs): Uint8Array[] {
  const checked = { ...head, crc32: checksumOf(head, chunks) }
  return [Buffer.from(`${JSON.stringify(checked)}\n`), ...chunks]
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
  const names = await readdir(lettersIn(journal)).catch(() => [])
  for (const name of names.filter((name) => name.endsWith('.letter'))) {
    const id = name.slice(0, -'.letter'.length)
    const head = await readHead(journal, id)
    if (head === 'damaged') damaged.push(id)
    else if (head) heads.push(head)
  }
  return { heads: heads.sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1)), damaged }
}

/** Undefined when there is none of that id, or not any more. */
export async function readHead(
  journal: string,
  id: string
): Promise<LetterHead | 'damaged' | undefined> {
  const file = await openLetter(journal, id)
  if (file === undefined) return undefined
  try {
    return (await headIn(file))?.head ?? 'damaged'
  } finally {
    await file.close()
  }
}

/** Undefined when there is none of that id, or not any more; rejects with LetterDamaged. */
export async function readLetter(
  journal: string,
  id: string
): Promise<{ head: LetterHead; logs: Logs } | undefined> {
  requireLetterId(id)
  const file = await openLetter(journal, id)
  if (file === undefined) return undefined
  try {
    const found = await headIn(file)
    const bytes = Buffer.alloc(found?.head.bytes ?? 0)
    if (found) await file.read(bytes, 0, bytes.length, found.end)
    if (found?.head.id !== id || !isWhole(found, bytes)) {
      const path = letterPath(journal, id)
      throw new LetterDamaged(
        `the dead letter ${id} is damaged: restore ${path} from a copy, or move it away`
      )
    }
    const { head } = found
    return { head, logs: { chunks: [bytes], bytes: bytes.length, records: head.records } }
  } finally {
    await file.close()
  }
}

async function openLetter(journal: string, id: string): Promise<FileHandle | undefined> {
  return open(letterPath(journal, id), 'r').catch((cause: NodeJS.ErrnoException) => {
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
