import { createHash } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openIdFiles } from '../../src/dedup/id_files.ts'
import { createKnown, type Known } from '../../src/dedup/known.ts'
import { newDirectory } from '../journal/harness.ts'

const printsOf = (n: number) => createHash('sha256').update(`${n}`).digest()
const scopeOf = (known: Known) => new Map([['a', known]])
const namesIn = async (directory: string) => (await readdir(join(directory, 'dedup'))).sort()

/** Which of the first so many a start knows. */
async function knownIn(directory: string, count: number): Promise<number[]> {
  const known = createKnown(1000, 1000)
  await openIdFiles(directory, scopeOf(known))
  return Array.from({ length: count }, (_, n) => n).filter((n) => known.hasContent(printsOf(n), 0))
}

test('a file has the frames up to its lsn, and the next one those above', async () => {
  const directory = await newDirectory()
  const known = createKnown(1000, 1000)
  const { keep } = await openIdFiles(directory, scopeOf(known))
  for (let n = 0; n < 6; n++) known.add(printsOf(n), 0, 0, n)
  await keep(2)
  expect(await knownIn(directory, 6)).toEqual([0, 1, 2])
  await keep(2)
  expect(await namesIn(directory)).toEqual(['00000001.ids'])
  await keep(5)
  expect(await namesIn(directory)).toEqual(['00000001.ids', '00000002.ids'])
  expect(await knownIn(directory, 6)).toEqual([0, 1, 2, 3, 4, 5])
})

test('many files become one, and what they told is known', async () => {
  const directory = await newDirectory()
  const known = createKnown(1000, 1000)
  const { keep } = await openIdFiles(directory, scopeOf(known))
  for (let n = 0; n < 32; n++) {
    known.add(printsOf(n), 0, 0, n)
    await keep(n)
  }
  expect((await namesIn(directory)).length).toBe(32)
  known.add(printsOf(32), 0, 0, 32)
  await keep(32)
  expect(await namesIn(directory)).toEqual(['00000033.ids'])
  expect((await knownIn(directory, 33)).length).toBe(33)
})

test('what is forgotten, and a scope that nobody names, goes with its file', async () => {
  const directory = await newDirectory()
  const [known, other] = [createKnown(2, 1000), createKnown(2, 1000)]
  const { keep } = await openIdFiles(
    directory,
    new Map([
      ['a', known],
      ['b', other]
    ])
  )
  known.add(printsOf(0), 0, 0, 0)
  await keep(0)
  other.add(printsOf(1), 0, 0, 1)
  await keep(1)
  const next = createKnown(2, 1000)
  const again = await openIdFiles(directory, scopeOf(next))
  expect(next.hasContent(printsOf(0), 0)).toBe(true)
  for (let n = 2; n < 4; n++) next.add(printsOf(n), 0, 0, n)
  await again.keep(3)
  expect(await namesIn(directory)).toEqual(['00000003.ids'])
})

test('a file that was being written is none', async () => {
  const directory = await newDirectory()
  await openIdFiles(directory, new Map())
  await writeFile(join(directory, 'dedup', '00000001.ids.new'), 'half')
  await openIdFiles(directory, new Map())
  expect(await namesIn(directory)).toEqual([])
})
