import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repairJournal } from '../../src/journal/repair.ts'
import { append, listen, newDirectory, open, textOf, until } from './harness.ts'

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

test('J7: a damaged frame is named and lost, every other one is delivered, the damaged files are kept', async () => {
  const directory = await written()
  await damage(join(directory, '00000002.wal'), 'request 4')
  const before = await readFile(join(directory, '00000002.wal'))
  await expect(open(directory)).rejects.toThrow(/00000002.wal is damaged/)
  const { lost, kept, aside } = await repairJournal(directory)
  expect(lost).toEqual(['frame 6, in or before 00000002.wal'])
  expect(kept).toBe(7)
  expect(await readFile(join(aside, '00000002.wal'))).toEqual(before)
  expect(await waiting(directory)).toEqual([1, 2, 3, 5, 6, 7, 8].map((n) => `request ${n}`))
})

test('a segment whose header does not read is named whole, the others are kept', async () => {
  const directory = await written()
  await damage(join(directory, '00000002.wal'), 'AUDITCOL')
  await expect(open(directory)).rejects.toThrow(/00000002.wal is no segment .*`auditcol repair`/)
  const { lost } = await repairJournal(directory)
  expect(lost[0]).toMatch(/^all of 00000002.wal: .* is no segment of a journal$/)
  expect(lost[1]).toMatch(/^frames \d+ to \d+, in or before 00000003.wal$/)
  const rest = await waiting(directory)
  expect(rest).toContain('request 1')
  expect(rest).toContain('request 8')
})

test('a journal without damage is the same after it', async () => {
  const directory = await written()
  const { lost } = await repairJournal(directory)
  expect(lost).toEqual([])
  expect(await waiting(directory)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `request ${n}`))
  expect((await readdir(directory)).filter((name) => name.startsWith('damaged-')).length).toBe(1)
})

test('J11: a segment that a later version wrote is no damage, and is left where it is', async () => {
  const directory = await written()
  const path = join(directory, '00000002.wal')
  const bytes = await readFile(path)
  bytes.writeUInt32LE(2, 8)
  await writeFile(path, bytes)
  const before = await readdir(directory)
  await expect(repairJournal(directory)).rejects.toThrow(/has version 2, .* start the version that/)
  expect(await readdir(directory)).toEqual(before)
})

test('a segment that is missing is named at the start, and by repair what it had', async () => {
  const directory = await written()
  await rm(join(directory, '00000002.wal'))
  await expect(open(directory)).rejects.toThrow(/a segment is missing.*`auditcol repair`/)
  const { lost } = await repairJournal(directory)
  expect(lost).toEqual([expect.stringMatching(/^frames \d+ to \d+, in or before 00000003.wal$/)])
  expect(await waiting(directory)).toContain('request 8')
})
