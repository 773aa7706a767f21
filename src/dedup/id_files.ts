import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { syncDirectory, writeSynced } from '../disk.ts'
import { entryBytes, type Known } from './known.ts'

/*
 * Ids outlive the segments that their records lay in: before a segment goes, what its frames have
 * told stands in a synced file (J8). So a file tells only of what every lane has delivered, and the
 * frames that are left tell the rest: an id is never known whose record a damaged journal has lost.
 *
 * A file: one line of JSON, the entries of each scope, and the crc32 of all that.
 */

export interface IdFiles {
  /** Resolves when what is known of the frames up to `lsn` is in synced files. */
  keep(lsn: number): Promise<void>
}

interface Head {
  readonly v: 1
  readonly scopes: readonly { readonly scope: string; readonly entries: number }[]
}

interface IdFile {
  readonly path: string
  /** Of each scope: the number behind its last entry in this file. */
  readonly ends: ReadonlyMap<string, number>
}

/** Every start and every segment may leave a file; so many become one. */
const filesMax = 32
const crcBytes = 4

/** Takes what the files of a journal tell into the scopes; entries of other scopes go with their file. */
export async function openIdFiles(
  journal: string,
  scopes: ReadonlyMap<string, Known>
): Promise<IdFiles> {
  const directory = join(journal, 'dedup')
  if (await mkdir(directory, { recursive: true, mode: 0o700 })) await syncDirectory(journal)
  let number = 0
  let files: IdFile[] = []
  for (const name of (await readdir(directory)).sort()) {
    const path = join(directory, name)
    if (name.endsWith('.ids.new')) await rm(path)
    if (!/^\d{8}\.ids$/.test(name)) continue
    files.push({ path, ends: await readIds(path, scopes) })
    number = Number(name.slice(0, 8))
  }
  /** Of each scope: what is in files already. */
  let kept = new Map([...scopes].map(([scope, { next }]) => [scope, next]))

  const removeWhere = async (isNeedless: (file: IdFile) => boolean) => {
    const needless = files.filter(isNeedless)
    for (const { path } of needless) await rm(path, { force: true })
    files = files.filter((file) => !needless.includes(file))
  }

  const isForgotten = ({ ends }: IdFile) =>
    [...ends].every(([scope, end]) => end <= scopes.get(scope)!.first)

  return {
    keep: async (lsn) => {
      await removeWhere(isForgotten)
      const ends = new Map(
        [...scopes].map(([scope, known]) => [scope, known.firstAbove(lsn, kept.get(scope)!)])
      )
      if ([...ends].every(([scope, end]) => end === kept.get(scope))) return
      const all = files.length >= filesMax
      const path = join(directory, `${String(number + 1).padStart(8, '0')}.ids`)
      const parts = [...scopes].map(([scope, known]) => {
        const from = all ? known.first : Math.max(known.first, kept.get(scope)!)
        // A copy: their places are given to others while it is written.
        return { scope, entries: Buffer.concat(known.entries(from, ends.get(scope)!)) }
      })
      await writeIds(path, parts)
      await syncDirectory(directory)
      number++
      kept = ends
      if (all) await removeWhere(() => true)
      files.push({ path, ends })
    }
  }
}

async function readIds(path: string, scopes: ReadonlyMap<string, Known>) {
  const content = await readFile(path)
  const line = content.indexOf(10)
  const end = content.length - crcBytes
  if (line < 0 || end <= line || crc32(content.subarray(0, end)) !== content.readUInt32LE(end)) {
    throw new Error(
      `${path} is damaged. Restore it from a copy, or remove it: what it tells is then not known any more, ` +
        'and a record that comes again is stored twice'
    )
  }
  const { v, scopes: told }: Head = JSON.parse(content.toString('utf8', 0, line))
  if (v !== 1) {
    throw new Error(
      `${path} has version ${v}, this auditcol reads 1: start the version that wrote it`
    )
  }
  const ends = new Map<string, number>()
  let at = line + 1
  for (const { scope, entries } of told) {
    const known = scopes.get(scope)
    known?.restore(content.subarray(at, at + entries * entryBytes))
    if (known) ends.set(scope, known.next)
    at += entries * entryBytes
  }
  return ends
}

async function writeIds(path: string, parts: readonly { scope: string; entries: Buffer }[]) {
  const scopes = parts.map(({ scope, entries }) => ({
    scope,
    entries: entries.length / entryBytes
  }))
  const head: Head = { v: 1, scopes }
  const written = [Buffer.from(`${JSON.stringify(head)}\n`), ...parts.map(({ entries }) => entries)]
  const crc = Buffer.alloc(crcBytes)
  crc.writeUInt32LE(written.reduce((sum, part) => crc32(part, sum), 0))
  await writeSynced(`${path}.new`, 'w', [...written, crc])
  await rename(`${path}.new`, path)
}
