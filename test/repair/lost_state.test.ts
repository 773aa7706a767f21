import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { frameType } from '../../src/journal/frame.ts'
import { writeRepaired } from '../../src/journal/repair.ts'
import { scanSegment } from '../../src/journal/scan.ts'
import { framesOf } from '../../src/journal/segment_frames.ts'
import { planRepair } from '../../src/repair/plan.ts'
import { problemsOf } from '../archive_check.ts'
import { until } from '../journal/harness.ts'
import { copyOf, linesIn, newWorld, run, storesOf, type World } from './world.ts'

/*
 * A journal that has delivered most of what it had is one or two segments long: when the states at
 * their beginnings are lost, the frames before them that could tell are gone as well.
 */

const delivered = Array.from(
  { length: 30 },
  (_, index) => `${index}:${['a', 'ab', 'b'][index % 3]}`
)
const carried = ['30:-', '31:-']
const sealed = ['32:ab', '33:-', '34:b', '35:a']
const read = ['36:a', '37:b']

/** All states that are left are damaged; `puts` of what was sealed last are stored. */
async function withoutState(puts: number): Promise<World> {
  const world = await newWorld()
  const first = await run(world, { notSlow: true })
  for (const line of [...delivered, ...carried]) {
    await first.send(line)
    await first.settled()
  }
  await first.settled(true)
  await until(() => first.journal.segments()[0]!.first > delivered.length)
  await first.close()
  world.store.left = puts
  const halt = (line: string) => read.includes(line.trim())
  const second = await run(world, { notSlow: true, halt })
  for (const line of sealed) {
    await second.send(line)
    await second.settled()
  }
  for (const line of read) await second.send(line)
  await until(() => second.slow.includes(read.at(-1)!))
  await second.close()
  const copy = await copyOf(world)
  for (const name of (await readdir(copy.directory)).filter((one) => one.endsWith('.wal'))) {
    await damageState(join(copy.directory, name), Number(name.slice(0, 8)))
  }
  return copy
}

async function damageState(path: string, number: number): Promise<void> {
  const scanned = (await scanSegment(number, path))!
  expect(scanned.firstLsn).toBeGreaterThan(1)
  const bytes = await readFile(path)
  for await (const { frame, at } of framesOf(scanned, scanned.size)) {
    if (frame.type === frameType.snapshot) bytes[at + 40]! ^= 1
  }
  await writeFile(path, bytes)
}

const to = (bucket: string) =>
  [...delivered, ...sealed, ...read, '98:a', '99:b'].filter((line) =>
    line.split(':')[1]!.includes(bucket)
  )

test.each([0, 1, 2, 3])(
  'A11: no state and no birth is left: numbers, commits and name come from the store, %i answers after the last known one',
  async (puts) => {
    const world = await withoutState(puts)
    const plan = await planRepair(world.directory, storesOf(world))
    expect(plan.doubts).toEqual([])
    expect(plan.gaps).toEqual([])
    await writeRepaired(plan.survey, plan.state, plan.gaps)
    const running = await run(world, { notSlow: true })
    for (const line of ['98:a', '99:b']) await running.send(line)
    await running.settled(true)
    await running.close()
    for (const bucket of ['a', 'b']) {
      expect(linesIn(world.buckets[bucket]!)).toEqual(to(bucket))
      expect(problemsOf(world.buckets[bucket]!)).toEqual([])
    }
  }
)

test('A11: when no store tells either, the lane is in doubt: a number must not be given again', async () => {
  const world = await withoutState(0)
  const silent = { ...world, store: { left: 0 } }
  const plan = await planRepair(world.directory, {
    ...storesOf(silent),
    nameOf: async () => undefined,
    configured: () => undefined
  })
  expect(plan.doubts).toMatchObject([
    {
      reason: expect.stringMatching(/^s3:\/\/a was sealed for, and neither the journal nor a store/)
    }
  ])
})
