import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readLetter } from '../../src/journal/letter_file.ts'
import { reasonOf } from '../../src/telemetry/reason.ts'
import { problemsOf } from '../archive_check.ts'
import { newDir, until } from '../e2e/auditcol.ts'
import { idsOf, send } from '../e2e/records.ts'
import { archiveIn, type Engine, idsInLetters, startEngine } from './engine.ts'
import { breakDisk } from './failing_disk.ts'
import { idsOfRecords } from './once.ts'
import { type Place, placesIn } from './places.ts'

/** Of each field of each kind of frame; `npm run faults -- --flips 50` asks for more. */
const flips = Number(process.env.AUDITCOL_FLIPS ?? 1)
const timeout = 60_000 + flips * 120_000

const delivered = idsOf('delivered', 3)
const refused = idsOf('refused', 2)
const waiting = idsOf('waiting', 4)
const all = [...delivered, ...refused, ...waiting].sort()

test('a flipped bit anywhere in a journal: every record comes out whole, or it is named', {
  timeout
}, async () => {
  const dir = newDir()
  await leaveJournal(dir)
  const places = placesIn(join(dir, 'kept/journal'), flips)
  const outcomes = { refused: 0, whole: 0, 'stopped for an object': 0, 'letter refused': 0 }
  for (const place of places) {
    putBack(dir)
    flip(join(dir, 'journal', place.file), place)
    const { at, bit, what, file } = place
    const told = `${what}: bit ${bit} of byte ${at} of ${file}`
    try {
      outcomes[await outcomeOf(dir, place)]++
    } catch (error) {
      throw new Error(told, { cause: error })
    }
  }
  process.stderr.write(`faults: ${places.length} flipped bits: ${JSON.stringify(outcomes)}\n`)
  for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(0)
})

/**
 * What a process has left that is gone: two segments, in them records, births, settlements, an archive with
 * intents and commits, a snapshot of all that; two objects in the spool, two dead letters, four records that wait.
 */
async function leaveJournal(dir: string): Promise<void> {
  const become = (mode: string) => writeFileSync(join(dir, 'mode'), mode)
  const take = async (engine: Engine, ids: readonly string[]) => {
    for (const id of ids) expect(await send(engine.http, [id])).toMatchObject({ status: 200 })
  }
  const stored = (count: number) => until(() => idsOfRecords(archiveIn(dir)).length === count)
  become('take')
  const first = await startEngine(dir)
  await take(first, delivered)
  await stored(3)
  become('refuse')
  await take(first, refused)
  await until(() => idsInLetters(join(dir, 'journal')).length === 2)
  become('fail')
  await take(first, waiting.slice(0, 2))
  await stored(7)
  await first.stop(AbortSignal.timeout(10_000))

  const second = await startEngine(dir)
  const full = breakDisk({
    ...{ code: 'ENOSPC', on: ['write'], path: `^${dir}/archive/` },
    times: Number.POSITIVE_INFINITY
  })
  await take(second, waiting.slice(2))
  await until(() => second.journal!.lanes.get('logs/awss3')!.sealed.objects === 2)
  await second.stop(AbortSignal.abort())
  full.mend()
  mkdirSync(join(dir, 'kept'))
  for (const name of ['journal', 'archive']) renameSync(join(dir, name), join(dir, 'kept', name))
}

/** What was kept, as links: nothing writes into a file that is there. */
function putBack(dir: string): void {
  for (const name of ['journal', 'archive'])
    rmSync(join(dir, name), { recursive: true, force: true })
  const files = readdirSync(join(dir, 'kept'), { recursive: true, withFileTypes: true })
  for (const { name, parentPath } of files.filter((entry) => entry.isFile())) {
    if (name === 'lock' || name === 'reserve') continue
    const to = join(parentPath, name).replace('/kept/', '/')
    mkdirSync(dirname(to), { recursive: true })
    linkSync(join(parentPath, name), to)
  }
  rmSync(join(dir, 'calls'), { force: true })
  writeFileSync(join(dir, 'mode'), 'take')
}

function flip(path: string, { at, bit }: Place): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 1 << bit
  rmSync(path)
  writeFileSync(path, bytes)
}

async function outcomeOf(dir: string, place: Place) {
  const before = sizesIn(dir)
  const engine = await startEngine(dir).catch((error: Error) => error)
  if (engine instanceof Error) {
    expectNamed(reasonOf(engine), place)
    expect(sizesIn(dir)).toEqual(before)
    return 'refused'
  }
  await engine.stop(AbortSignal.timeout(10_000))
  const archive = archiveIn(dir)
  expect(problemsOf(archive)).toEqual([])
  if (place.what === 'spool body') {
    const { stopped } = engine.lanes[0]!
    expect(stopped?.message).toContain(`does not read from ${join(dir, 'journal', place.file)}`)
    expect(idsOfRecords(archive).length).toBeGreaterThanOrEqual(7)
    return 'stopped for an object'
  }
  expect(idsOfRecords(archive).sort()).toEqual(all)
  expect(takenIn(dir)).toEqual(waiting)
  if (!place.what.startsWith('letter')) return 'whole'
  const id = basename(place.file, '.letter')
  await expect(readLetter(join(dir, 'journal'), id)).rejects.toThrow(
    `the dead letter ${id} is damaged: restore`
  )
  return 'letter refused'
}

/** The message has the file, the bytes, and what stood there. */
function expectNamed(message: string, { file, at, what }: Place): void {
  expect(message).toContain(file)
  if (what.startsWith('header')) {
    expect(message).toMatch(/the header of|is no segment/)
    return
  }
  const [, from, end] = /at byte (\d+) to (\d+): /.exec(message) ?? []
  expect({ message, holds: Number(from) <= at && at < Number(end) }).toEqual({
    message,
    holds: true
  })
  expect(message).toMatch(/the acknowledged frames? \d+( to \d+)? do(es)? not read; |no records/)
}

/** What the backend has taken over. */
function takenIn(dir: string): string[] {
  const lines = readFileSync(join(dir, 'calls'), 'utf8').trimEnd().split('\n')
  return lines
    .map((line) => JSON.parse(line))
    .flatMap(({ what, ids }) => (what === 'taken' ? ids : []))
}

function sizesIn(dir: string): [string, number][] {
  const segments = readdirSync(join(dir, 'journal')).filter((name) => /\.wal/.test(name))
  return segments.map((name) => [name, statSync(join(dir, 'journal', name)).size])
}
