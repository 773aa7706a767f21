import { appendFile, cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { append, crashed, listen, newDirectory, open, textOf, until } from './harness.ts'

test('J1: stale frames of another segment in the place of the next one are no frames: each segment has a salt', async () => {
  const directory = await newDirectory()
  const journal = await open(directory)
  await append(journal, 'before', [await journal.bear('logs/a')])
  await journal.close()
  const twin = await newDirectory()
  await cp(directory, twin, { recursive: true })

  // Both go on in a second segment of the same number, with the same lsns at the same places.
  const [own, other] = await Promise.all([open(directory), open(twin)])
  const end = own.segments().at(-1)!.bytes
  expect(other.segments().at(-1)!.bytes).toBe(end)
  await append(other, 'stale', [other.lanes.get('logs/a')!])
  await other.close()
  const left = await crashed(directory)
  await own.close()
  const name = '00000002.wal'
  await appendFile(join(left, name), (await readFile(join(twin, name))).subarray(end))

  const next = await open(left)
  const seen = listen(next.lanes.get('logs/a')!)
  await append(next, 'after', [next.lanes.get('logs/a')!])
  await until(() => seen.batches.length === 2)
  expect(seen.batches.map(textOf)).toEqual(['before', 'after'])
  await next.close()
})
