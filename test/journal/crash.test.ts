import { rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Journal } from '../../src/journal/journal.ts'
import { append, crashed, listen, newDirectory, open, textOf, until } from './harness.ts'

/** One life of the journal: requests of these sizes, then some are settled, then some are not waited for, then a crash. */
interface Life {
  readonly sizes: readonly number[]
  readonly settled: readonly number[]
  readonly unanswered: number
  /** How much of what was not synced reaches the disk. */
  readonly kept: number
}

const life: fc.Arbitrary<Life> = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 12 }),
  settled: fc.array(fc.nat(20), { maxLength: 8 }),
  unanswered: fc.nat(3),
  kept: fc.double({ min: 0, max: 1, noNaN: true })
})

test('J4, J6: whatever the crashes, what was acknowledged and not settled is given again, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
      let directory = await newDirectory()
      const used = [directory]
      let owed: string[] = []
      let count = 0
      for (const { sizes, settled, unanswered, kept } of lives) {
        const journal = await open(directory, { segmentBytes: 4096 })
        const lane = journal.lanes.get('logs/a') ?? (await journal.bear('logs/a'))
        const acknowledged: string[] = []
        for (const size of sizes) {
          const text = `${count++} `.padEnd(size, 'x')
          await append(journal, text, [lane])
          acknowledged.push(text)
        }
        const seen = listen(lane, 2 ** 24)
        await until(() => seen.batches.length === lane.behind.records)
        const given = seen.batches.map(textOf)
        // Requests whose answer was never waited for may be there; nothing else, and nothing lost.
        expect(given.filter((text) => owed.includes(text))).toEqual(owed)
        expect(given.filter((text) => acknowledged.includes(text))).toEqual(acknowledged)
        owed = given
        for (const index of settled) {
          const batch = seen.batches[index]
          if (!batch) continue
          batch.settle()
          owed = owed.filter((text) => text !== textOf(batch))
        }
        await until(() => lane.behind.records === owed.length)
        const synced = await sizeOfTail(journal, directory)
        for (let i = 0; i < unanswered; i++)
          append(journal, `${count++} unanswered`, [lane]).catch(() => {})
        const next = await crashed(directory)
        await cut(journal, next, synced, kept)
        await journal.close().catch(() => {})
        directory = next
        used.push(next)
      }
      for (const path of used) await rm(path, { recursive: true })
    }),
    { numRuns: 15, endOnFailure: true }
  )
}, 60_000)

async function sizeOfTail(
  journal: Journal,
  directory: string
): Promise<{ path: string; size: number }> {
  const name = `${String(journal.segments().at(-1)!.number).padStart(8, '0')}.wal`
  return { path: name, size: (await stat(join(directory, name))).size }
}

/** What had been written after the last fsync reaches the disk in part. */
async function cut(
  journal: Journal,
  copy: string,
  synced: { path: string; size: number },
  kept: number
): Promise<void> {
  const tail = await sizeOfTail(journal, copy).catch(() => undefined)
  if (!tail || tail.path !== synced.path) return
  await truncate(join(copy, tail.path), synced.size + Math.floor((tail.size - synced.size) * kept))
}
