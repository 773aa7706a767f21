import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { describeLoss } from '../../src/journal/loss.ts'
import { planRepair } from '../../src/repair/plan.ts'
import { openStores } from '../../src/repair/stores.ts'
import { repaired } from '../repair/repaired.ts'
import { append, crashed, listen, newDirectory, open, textOf, until } from './harness.ts'

/** The step of a repair at which the power goes, counted over all that changes the directory. */
const power = { steps: Number.POSITIVE_INFINITY, left: '' }

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const until =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (power.steps-- <= 0) throw new Error('power cut')
      return call(...args)
    }
  return { ...real, link: until(real.link), mkdir: until(real.mkdir), rename: until(real.rename) }
})

/** Three segments: requests 0 to 8 for one lane, of which the first is settled. */
async function written(): Promise<string> {
  const directory = await newDirectory()
  const journal = await open(directory, { segmentBytes: 4096 })
  const lane = await journal.bear('logs/a')
  for (let i = 0; i < 9; i++) await append(journal, `request ${i} `.padEnd(1000, '.'), [lane])
  const seen = listen(lane)
  await until(() => seen.batches.length === 9)
  seen.batches[0]!.settle()
  await journal.close()
  return directory
}

async function damage(path: string, what: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.indexOf(what)]! ^= 1
  await writeFile(path, bytes)
}

async function waiting(directory: string): Promise<string[]> {
  const journal = await open(directory)
  const lane = journal.lanes.get('logs/a')!
  const seen = listen(lane)
  await until(() => seen.batches.length === lane.behind.records)
  await journal.close()
  return seen.batches.map((batch) => textOf(batch).slice(0, 9))
}

const requests = (...numbers: number[]) => numbers.map((number) => `request ${number}`)
const told = (losses: Parameters<typeof describeLoss>[0][]) =>
  losses.map((loss) => describeLoss(loss, (lane) => `lane ${lane}`))

test('J7: the start names segment, bytes, frames, records and lanes', async () => {
  const directory = await written()
  await damage(join(directory, '00000002.wal'), 'request 4')
  await expect(open(directory)).rejects.toThrow(
    /00000002.wal is damaged at byte \d+ to \d+: the acknowledged frame 6 does not read; 1 record for logs\/a\. Nothing was changed\..*`auditcol repair`/
  )
})

test('J7: a damaged frame is named and lost, every other one is delivered, the damaged file is kept', async () => {
  const directory = await written()
  await damage(join(directory, '00000002.wal'), 'request 4')
  const before = await readFile(join(directory, '00000002.wal'))
  const healthy = await readFile(join(directory, '00000001.wal'))
  const { losses, gaps, aside } = await repaired(directory)
  expect(told([...losses])).toEqual([
    expect.stringMatching(
      /^byte \d+ to \d+: the acknowledged frame 6 does not read; 1 record for lane 1$/
    )
  ])
  expect(gaps.map(({ lane, gap }) => [lane.name, gap.covers, gap.records])).toEqual([
    ['logs/a', [[6, 6]], 1]
  ])
  expect(await readFile(join(aside, '00000002.wal'))).toEqual(before)
  expect(await readFile(join(directory, '00000001.wal'))).toEqual(healthy)
  expect(await waiting(directory)).toEqual(requests(1, 2, 3, 5, 6, 7, 8))
})

test('A9: what is lost stands in the journal as a gap of the lane, for archives that come later too', async () => {
  const directory = await written()
  await damage(join(directory, '00000002.wal'), 'request 4')
  await repaired(directory)
  const journal = await open(directory)
  await journal.close()
  const again = await planRepair(directory, openStores(undefined))
  expect(again.losses).toEqual([])
  expect([...again.state.lanes.values()][0]!.gaps).toEqual([
    {
      kind: 'gap',
      at: expect.any(Number),
      covers: [[6, 6]],
      records: 1,
      reason: 'frames of the journal are damaged or missing'
    }
  ])
})

test('a frame whose length is damaged hides no frame behind it', async () => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  const bytes = await readFile(path)
  // The length stands first in the header of 28 bytes, before the length of the envelope.
  const frame = bytes.indexOf('{"receiver"', bytes.indexOf('request 3')) - 4 - 28
  bytes[frame + 1]! ^= 0x40
  await writeFile(path, bytes)
  const { losses } = await repaired(directory)
  expect(losses.map(({ frames }) => frames)).toEqual([[6, 6]])
  expect(await waiting(directory)).toEqual(requests(1, 2, 3, 5, 6, 7, 8))
})

test.each([
  ['magic', 0],
  ['version', 8],
  ['salt', 20],
  ['writer', 33],
  ['first lsn', 40],
  ['checksum', 61]
])('a header damaged in its %s loses no record: the frames behind it tell it', async (_, at) => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  const bytes = await readFile(path)
  bytes[at]! ^= 4
  await writeFile(path, bytes)
  await expect(open(directory)).rejects.toThrow(/00000002.wal .*`auditcol repair`/)
  const { losses, gaps } = await repaired(directory)
  expect(told([...losses])).toEqual([
    'byte 0 to 64: what the journal says of itself does not read; no records'
  ])
  expect(gaps).toEqual([])
  expect(await waiting(directory)).toEqual(requests(1, 2, 3, 4, 5, 6, 7, 8))
})

test('a segment of which nothing reads is named whole, the others are kept', async () => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  await writeFile(path, Buffer.alloc((await readFile(path)).length))
  const { survey, gaps } = await repaired(directory)
  expect(survey.absent).toEqual([2])
  expect(gaps.map(({ gap }) => [gap.covers, gap.records])).toEqual([[[[5, 7]], undefined]])
  const rest = await waiting(directory)
  expect(rest).toEqual(requests(1, 2, 6, 7, 8))
})

test('the last segment is nothing but zeros: its lsns are not given again', async () => {
  const directory = await written()
  const path = join(directory, '00000003.wal')
  const { length } = await readFile(path)
  await writeFile(path, Buffer.alloc(length))
  const { survey } = await repaired(directory)
  expect(survey.last).toBeGreaterThanOrEqual(11)
  const journal = await open(directory)
  expect(journal.segments().at(-1)!.first).toBeGreaterThan(survey.last)
  await journal.close()
  // That request 0 was settled stood in there, too.
  expect(await waiting(directory)).toEqual(requests(0, 1, 2, 3, 4, 5))
})

test('a segment that is missing is named at the start, and by repair what it had', async () => {
  const directory = await written()
  await rm(join(directory, '00000002.wal'))
  await expect(open(directory)).rejects.toThrow(/a segment is missing.*`auditcol repair`/)
  const { survey, gaps } = await repaired(directory)
  expect(survey.absent).toEqual([2])
  expect(gaps.map(({ gap }) => gap.covers)).toEqual([[[5, 7]]])
  expect(await waiting(directory)).toEqual(requests(1, 2, 6, 7, 8))
})

test('the first segment is missing: what no lane had settled of it is the gap', async () => {
  const directory = await written()
  await rm(join(directory, '00000001.wal'))
  await expect(open(directory)).rejects.toThrow(/an earlier segment is missing.*`auditcol repair`/)
  const { gaps } = await repaired(directory)
  expect(gaps.map(({ gap }) => gap.covers)).toEqual([[[3, 4]]])
  expect(await waiting(directory)).toEqual(requests(3, 4, 5, 6, 7, 8))
})

test('a state that repair could not know is not taken for one when later ones are lost, too', async () => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  await writeFile(path, Buffer.alloc((await readFile(path)).length))
  await repaired(directory)
  await damage(join(directory, '00000003.wal'), '"writer"')
  await damage(join(directory, '00000004.wal'), '"writer"')
  const { nameless } = await repaired(directory)
  expect(nameless).toEqual([])
  expect(await waiting(directory)).toEqual(requests(1, 2, 6, 7, 8))
})

test('the state of the last segment is damaged: the one before it and the frames since give it again', async () => {
  const directory = await written()
  await damage(join(directory, '00000003.wal'), '"writer"')
  await expect(open(directory)).rejects.toThrow(/00000003.wal is damaged at byte 64/)
  const { gaps } = await repaired(directory)
  expect(gaps).toEqual([])
  expect(await waiting(directory)).toEqual(requests(1, 2, 3, 4, 5, 6, 7, 8))
})

test('J3: a lane whose birth is lost keeps its records under a name that asks for one', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  const lane = await journal.bear('logs/a')
  await append(journal, 'request 0', [lane])
  await append(journal, 'request 1', [lane])
  await journal.close()
  await damage(join(directory, '00000001.wal'), '"name":"logs/a"')
  const { nameless } = await repaired(directory)
  expect(nameless.map(({ name }) => name)).toEqual(['lost/1'])
  const opened = await open(directory)
  const lost = opened.lanes.get('lost/1')!
  expect(lost.behind.records).toBe(2)
  await opened.rename(lost, 'logs/a')
  await opened.close()
  expect(await waiting(directory)).toEqual(requests(0, 1))
})

test('J7: a torn tail is no damage', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  const lane = await journal.bear('logs/a')
  await append(journal, 'request 0', [lane])
  const copy = await crashed(directory)
  await journal.close()
  const path = join(copy, '00000001.wal')
  await writeFile(
    path,
    Buffer.concat([await readFile(path), Buffer.from('half a frame'.repeat(9))])
  )
  const plan = await planRepair(copy, openStores(undefined))
  expect(plan.losses).toEqual([])
})

test('J11: a segment that a later version wrote is no damage, and is left where it is', async () => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  const bytes = await readFile(path)
  bytes.writeUInt32LE(2, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  await writeFile(path, bytes)
  const before = await readdir(directory)
  await expect(repaired(directory)).rejects.toThrow(/has version 2, .* start the version that/)
  expect(await readdir(directory)).toEqual(before)
})

test('whenever a repair is cut short, the next one ends with the same records and the same gap', async () => {
  const damaged = await written()
  await damage(join(damaged, '00000002.wal'), 'request 4')
  await damage(join(damaged, '00000003.wal'), 'request 7')
  let cuts = 0
  for (let steps = 0; ; steps++) {
    const directory = await newDirectory()
    await cp(damaged, directory, { recursive: true })
    power.steps = steps
    const done = await repaired(directory).then(
      () => true,
      (error) => {
        expect(error.message).toMatch('power cut')
        return false
      }
    )
    power.steps = Number.POSITIVE_INFINITY
    if (!done) {
      cuts++
      // Either it still refuses, or nothing that it would give is missing.
      const started = await waiting(directory).catch((error) => error.message)
      if (typeof started === 'string') expect(started).toMatch(/is damaged/)
      else expect(started).toEqual(requests(1, 2, 3, 5, 6, 8))
      await repaired(directory)
    }
    expect(await waiting(directory)).toEqual(requests(1, 2, 3, 5, 6, 8))
    const { state } = await planRepair(directory, openStores(undefined))
    const covers = [...state.lanes.values()][0]!.gaps.flatMap((gap) => gap.covers)
    expect(covers).toEqual([
      [6, 6],
      [9, 9]
    ])
    if (done) break
  }
  expect(cuts).toBeGreaterThanOrEqual(6)
})
