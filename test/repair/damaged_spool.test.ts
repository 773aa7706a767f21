import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Frame, frameType } from '../../src/journal/frame.ts'
import { writeRepaired } from '../../src/journal/repair.ts'
import { scanSegment } from '../../src/journal/scan.ts'
import { framesOf } from '../../src/journal/segment_frames.ts'
import { planRepair } from '../../src/repair/plan.ts'
import { problemsOf } from '../archive_check.ts'
import { copyOf, leavesIn, linesIn, newWorld, run, storesOf, type World } from './world.ts'

/** `0:a` is committed, `1:a` and `2:a` are sealed; of these two `puts` are stored. */
async function sealed(puts = 0): Promise<World> {
  const world = await newWorld()
  const first = await run(world)
  await first.send('0:a')
  await first.settled(true)
  await first.close()
  world.store.left = puts
  const second = await run(world)
  for (const line of ['1:a', '2:a']) {
    await second.send(line)
    await second.settled()
  }
  await second.close()
  return copyOf(world)
}

/** The spool file of a line, and where its intent begins. */
async function spoolOf({ directory }: World, line: string) {
  for (const name of await readdir(join(directory, 'spool'))) {
    const path = join(directory, 'spool', name)
    const bytes = await readFile(path)
    if (bytes.subarray(0, line.length).toString() !== line) continue
    const footer = bytes.length - 16
    return { name, path, size: bytes.length, intent: footer - bytes.readUInt32LE(footer) }
  }
  throw new Error(`there is no spool file of ${line}`)
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[at]! ^= 1
  await writeFile(path, bytes)
}

type Spooled = Awaited<ReturnType<typeof spoolOf>>

const inTheBody: [string, (file: Spooled) => Promise<void>][] = [
  ['a damaged body', ({ path }) => flip(path, 1)],
  ['a file cut in its body', ({ path }) => truncate(path, 1)],
  ['an empty file', ({ path }) => truncate(path, 0)],
  ['no file', ({ path }) => rm(path)]
]
const inTheIntent: [string, (file: Spooled) => Promise<void>][] = [
  ['a damaged intent', ({ path, intent }) => flip(path, intent + 30)],
  ['a damaged name in it', ({ path, intent }) => flip(path, intent + 12)],
  ['a damaged length of it', ({ path, size }) => flip(path, size - 16)],
  ['a damaged checksum', ({ path, size }) => flip(path, size - 10)],
  ['a damaged end', ({ path, size }) => flip(path, size - 1)],
  ['a file cut in its end', ({ path, size }) => truncate(path, size - 5)]
]

describe('a start with a healthy journal', () => {
  test.each(inTheBody)(
    'A3: %s stops the archive, which names file and object, and goes on behind a void',
    async (_, damage) => {
      const world = await sealed()
      const file = await spoolOf(world, '1:a')
      await damage(file)
      const running = await run(world)
      await expect(running.settled(true)).rejects.toThrow(
        new RegExp(
          `object 2 \\(logs_\\w+-000000000002, 1 record\\) does not read from .*${file.name}.*: restore .* \`auditcol void 2\``
        )
      )
      expect(linesIn(world.buckets.a!)).not.toContain('1:a')
      const at = { archive: 's3://a', number: 2 }
      await running.lane.book.write({ do: 'void', ...at, at: 1, reason: 'it does not read' })
      running.lane.voided(at.archive, at.number)
      await expect.poll(() => running.lane.sealed.objects).toBe(0)
      await running.close()
      expect(linesIn(world.buckets.a!)).toEqual(['0:a', '2:a'])
      expect(problemsOf(world.buckets.a!)).toEqual([])
      expect(leavesIn(world.buckets.a!).map(({ kind }) => kind)).toEqual([
        ...['genesis', 'batch', 'void', 'batch']
      ])
    }
  )

  test.each(inTheBody)(
    '%s of an object that the store has already is nothing to stop for',
    async (_, damage) => {
      const world = await sealed()
      // Its last PUT arrived when nobody was there to hear it.
      const key = [...world.buckets.a!.keys()].find((one) => one.endsWith('-000000000001'))!
      world.buckets.a!.set(key.replace(/1$/, '2'), Buffer.from('1:a\n'))
      await damage(await spoolOf(world, '1:a'))
      const running = await run(world)
      await running.settled(true)
      await running.close()
      expect(linesIn(world.buckets.a!)).toEqual(['0:a', '1:a', '2:a'])
      expect(problemsOf(world.buckets.a!)).toEqual([])
    }
  )

  test.each(inTheIntent)('%s is not looked at: the journal has it', async (_, damage) => {
    const world = await sealed()
    await damage(await spoolOf(world, '1:a'))
    const running = await run(world)
    await running.settled(true)
    await running.close()
    expect(linesIn(world.buckets.a!)).toEqual(['0:a', '1:a', '2:a'])
    expect(problemsOf(world.buckets.a!)).toEqual([])
  })
})

describe('A11: a repair after an intent was lost', () => {
  test.each(inTheBody.slice(0, 1))(
    '%s: the object is taken from the file, and stops its archive at the start',
    async (_, damage) => {
      const world = await sealed()
      await loseIntent(world, '2:a')
      const file = await spoolOf(world, '2:a')
      await damage(file)
      const plan = await planRepair(world.directory, storesOf(world))
      expect(plan).toMatchObject({ adopted: 1, doubts: [] })
      await writeRepaired(plan.survey, plan.state, plan.gaps)
      const running = await run(world)
      await expect(running.settled(true)).rejects.toThrow(`does not read from`)
      expect(linesIn(world.buckets.a!)).not.toContain('2:a')
      await running.close()
    }
  )

  test.each(inTheIntent)(
    '%s: its number may be given, so that the lane is in doubt, and goes on under a new id only',
    async (_, damage) => {
      const world = await sealed(2)
      await loseIntent(world, '2:a')
      const file = await spoolOf(world, '2:a')
      await damage(file)
      const plan = await planRepair(world.directory, storesOf(world))
      expect(plan.doubts).toMatchObject([{ reason: expect.stringContaining(file.name) }])
      // What --without-store accepts: nothing is lost, and no number is given twice.
      const before = new Map(world.buckets.a!)
      await writeRepaired(plan.survey, plan.state, plan.gaps)
      const running = await run(world)
      await running.settled(true)
      await running.close()
      expect(new Set(linesIn(world.buckets.a!))).toEqual(new Set(['0:a', '1:a', '2:a']))
      for (const [key, bytes] of before) expect(world.buckets.a!.get(key)).toEqual(bytes)
    }
  )

  test('a file that sealing never came to the end of is no doubt', async () => {
    const world = await sealed()
    await loseIntent(world, '2:a')
    const { path, intent } = await spoolOf(world, '1:a')
    const half = path.replace(/-\w+\.spool$/, '-0000000000000000.spool')
    await writeFile(half, (await readFile(path)).subarray(0, intent))
    const plan = await planRepair(world.directory, storesOf(world))
    expect(plan).toMatchObject({ adopted: 1, doubts: [] })
  })
})

async function loseIntent({ directory }: World, line: string): Promise<void> {
  const { name } = await spoolOf({ directory } as World, line)
  for (const segment of (await readdir(directory)).filter((one) => one.endsWith('.wal'))) {
    const path = join(directory, segment)
    const scanned = (await scanSegment(Number(segment.slice(0, 8)), path))!
    for await (const { frame, at } of framesOf(scanned, scanned.size)) {
      if (isIntentOf(frame, name)) return await flip(path, at + 28 + 40)
    }
  }
  throw new Error(`no frame has sealed ${name}`)
}

function isIntentOf({ type, payload }: Frame, spool: string): boolean {
  return type === frameType.intent && payload.includes(spool)
}
