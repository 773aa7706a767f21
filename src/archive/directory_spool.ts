import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { SyncFailed, syncDirectory, writeAll } from '../disk.ts'
import type { IntentFrame, SpooledObject } from '../journal/archive_frames.ts'
import { counted } from '../telemetry/counted.ts'
import { sha256Of } from './sha256.ts'
import { type Spool, SpoolDamaged, type SpoolFile } from './spool.ts'

/*
 * A spool file: the objects' bytes one after the other, then the intent as JSON, its length (u32),
 * crc32 of both (u32), magic (8). The intent stands at the end, so that bodies are written as they
 * are sealed and one of them is in memory at a time; the file is synced before the intent's frame
 * all the same. The copy of the intent is for `repair` (A11).
 */
const magic = Buffer.from('AUDITSPL')
const footerBytes = 16
/** An object takes half a KiB of it. */
const intentMaxBytes = 16 * 2 ** 20

/** The spool of one lane. Files that no uncommitted object refers to were never sealed, and go. */
export async function openDirectorySpool(
  directory: string,
  lane: string,
  used: ReadonlySet<string>
): Promise<Spool> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const name of await readdir(directory)) {
    if (name.startsWith(`${lane}-`) && !used.has(name)) await rm(join(directory, name))
  }
  await syncDirectory(directory)
  await syncDirectory(dirname(directory))

  return {
    begin: () => begin(directory, `${lane}-${randomBytes(8).toString('hex')}.spool`),
    read: async (name, object) => {
      const path = join(directory, name)
      const body = await readAt(path, object)
      const sha256 = await sha256Of(body)
      if (Buffer.from(sha256).toString('hex') === object.sha256) return body
      throw damaged(object, `${path}, bytes ${object.at} to ${object.at + object.size}`)
    },
    remove: (name) => rm(join(directory, name), { force: true }),
    putAside: (name, object, reason) => putAside(join(directory, name), lane, object, reason)
  }
}

/** Copies an object's bytes out of the spool file to where an operator finds them, `<journal>/dead`, for good. */
export async function putAside(
  spoolFile: string,
  lane: string,
  object: SpooledObject,
  reason: string
): Promise<string> {
  const body = await readAt(spoolFile, object)
  const dead = join(dirname(dirname(spoolFile)), 'dead')
  await mkdir(dead, { recursive: true, mode: 0o700 })
  // Each archive of the lane has its own object 1.
  const of = createHash('sha256').update(object.archive).digest('hex').slice(0, 8)
  const path = join(dead, `${lane}-${of}-object-${String(object.number).padStart(12, '0')}`)
  await writeNew(path, body)
  const told = { ...object, lane, reason }
  await writeNew(`${path}.json`, Buffer.from(`${JSON.stringify(told)}\n`))
  await syncDirectory(dead)
  await syncDirectory(dirname(dead))
  return path
}

async function begin(directory: string, name: string): Promise<SpoolFile> {
  const path = join(directory, name)
  const file = await open(path, 'wx', 0o600)
  let end = 0
  return {
    name,
    append: async (body) => {
      const at = end
      end = await writeAll(file, [body], at)
      return at
    },
    finish: async (intent) => {
      const text = Buffer.from(JSON.stringify(intent))
      const footer = Buffer.alloc(footerBytes)
      footer.writeUInt32LE(text.length, 0)
      footer.writeUInt32LE(crc32(footer.subarray(0, 4), crc32(text)), 4)
      magic.copy(footer, 8)
      await writeAll(file, [text, footer], end)
      await file.datasync().catch((cause) => {
        throw new SyncFailed(path, cause)
      })
      await file.close()
      await syncDirectory(directory)
    },
    discard: async () => {
      await file.close().catch(() => {})
      await rm(path, { force: true })
    }
  }
}

/**
 * The intent of a spool file, for `repair` (A11). 'none': sealing never came to it; 'damaged': it was
 * being written, and may have been sealed.
 */
export async function intentIn(path: string): Promise<IntentFrame | 'none' | 'damaged'> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size < footerBytes) return 'none'
    const footer = Buffer.alloc(footerBytes)
    await file.read(footer, 0, footerBytes, size - footerBytes)
    const length = footer.readUInt32LE(0)
    if (footer.subarray(8).equals(magic) && length <= size - footerBytes) {
      const text = Buffer.alloc(length)
      await file.read(text, 0, length, size - footerBytes - length)
      const crc = crc32(footer.subarray(0, 4), crc32(text))
      if (crc === footer.readUInt32LE(4)) return JSON.parse(text.toString())
    }
    return (await hasTail(file, size, basename(path))) ? 'damaged' : 'none'
  } finally {
    await file.close()
  }
}

/** One of the two reads after any small damage: how a file ends, or its name, with which every intent begins. */
async function hasTail(file: FileHandle, size: number, name: string): Promise<boolean> {
  const tail = Buffer.alloc(Math.min(size, intentMaxBytes))
  await file.read(tail, 0, tail.length, size - tail.length)
  return tail.subarray(-magic.length).equals(magic) || tail.includes(`"spool":"${name}"`)
}

/** Bytes that are missing read as zeros, and the hash tells. */
async function readAt(path: string, object: SpooledObject): Promise<Uint8Array> {
  const { at, size } = object
  const file = await open(path, 'r').catch((cause) => {
    if (cause.code !== 'ENOENT') throw cause
    throw damaged(object, `${path}, which is missing`)
  })
  try {
    const body = Buffer.alloc(size)
    let have = 0
    while (have < size) {
      const { bytesRead } = await file.read(body, have, size - have, at + have)
      if (bytesRead === 0) break
      have += bytesRead
    }
    return body
  } finally {
    await file.close()
  }
}

function damaged({ number, key, records }: SpooledObject, where: string): SpoolDamaged {
  return new SpoolDamaged(
    `object ${number} (${key}, ${counted(records, 'record')}) does not read from ${where}: restore the file ` +
      `from a copy and start again, or give the object up with \`auditcol void ${number}\``
  )
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await writeAll(file, [bytes], 0)
    await file.sync().catch((cause) => {
      throw new SyncFailed(path, cause)
    })
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
