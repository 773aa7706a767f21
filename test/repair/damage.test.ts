import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Frame, frameType, takesLsn } from '../../src/journal/frame.ts'
import { writeRepaired } from '../../src/journal/repair.ts'
import { scanSegment } from '../../src/journal/scan.ts'
import { framesOf } from '../../src/journal/segment_frames.ts'
import { planRepair } from '../../src/repair/plan.ts'
import { problemsOf } from '../archive_check.ts'
import { until } from '../journal/harness.ts'
import {
  copyOf,
  leavesIn,
  lettersIn,
  linesIn,
  newWorld,
  run,
  storesOf,
  type World
} from './world.ts'

/*
 * No state in the journal reads any more, and one more frame: the state has to come from the frames
 * that are left, from the spool and from the commits. Whatever the frame was, every record is archived
 * once, a lost one that was not delivered stands in a gap, and all counts are exact.
 */

interface Placed {
  readonly name: string
  readonly at: number
  readonly frame: Frame
}

/** Delivered, settled without an object, and refused; then sealed while no store answers; then read and no more. */
const delivered = ['a', 'ab', '-', 'b', 'x', 'ab', '-', 'a']
const sealed = ['ab', '-', 'b']
const read = ['a', 'x', 'b']
const lines = [...delivered, ...sealed, ...read].map((to, index) => `${index}:${to} `)

/** `puts` are answered of what is sealed: the two objects of the first intent, or nothing. */
async function history(puts: 0 | 2): Promise<World> {
  const world = await newWorld()
  const first = await run(world)
  for (const line of lines.slice(0, 5)) {
    await first.send(line)
    await first.settled(true)
  }
  await first.close()
  const second = await run(world, { halt: (line) => lines.indexOf(`${line.trim()} `) >= 11 })
  for (const [index, line] of lines.slice(5).entries()) {
    if (index === 3) world.store.left = puts
    await second.send(line)
    if (index < 6) await second.settled(index < 3)
    const archives = [...second.lane.book.archives.values()]
    if (index === 3 && puts === 2)
      await until(() => archives.every(({ pending }) => pending !== undefined))
  }
  // Behind the last frame stands one that knows it to be synced: it is no torn tail.
  await second.close()
  return copyOf(world)
}

async function framesIn({ directory }: World): Promise<Placed[]> {
  const placed: Placed[] = []
  for (const name of (await readdir(directory)).filter((one) => one.endsWith('.wal')).sort()) {
    const scanned = (await scanSegment(Number(name.slice(0, 8)), join(directory, name)))!
    for await (const { frame, at } of framesOf(scanned, scanned.size)) {
      placed.push({ name, at, frame: { ...frame, payload: Buffer.from(frame.payload) } })
    }
  }
  return placed
}

async function damage({ directory }: World, { name, at, frame }: Placed): Promise<void> {
  const bytes = await readFile(join(directory, name))
  bytes[at + 28 + Math.floor(frame.payload.length * 0.6)]! ^= 1
  await writeFile(join(directory, name), bytes)
}

const lineOf = ({ frame }: Placed) =>
  frame.payload
    .subarray(4 + frame.payload.readUInt32LE(0))
    .toString()
    .trim()

describe.each(['archive', 'intent', 'settled', 'commit', 'committed', 'records'] as const)(
  'A11: all states are lost, and %s',
  (type) => {
    test.each([
      ['first', 2],
      ['third', 2],
      ['middle', 2],
      ['last', 2],
      ['fifth', 0]
    ] as const)('the %s of it', async (which, puts) => {
      const made = await history(puts)
      const all = await framesIn(made)
      const candidates = all.filter(({ frame }) => frame.type === frameType[type])
      const end = candidates.length - 1
      const at = {
        first: 0,
        third: Math.min(2, end),
        fifth: Math.min(4, end),
        middle: (end + 1) >> 1,
        last: end
      }
      const hit = candidates[at[which]]!
      for (const one of all) if (one.frame.type === frameType.snapshot) await damage(made, one)
      await damage(made, hit)

      const plan = await planRepair(made.directory, storesOf(made))
      expect(plan.doubts).toEqual([])
      if (type === 'intent') expect(plan.adopted).toBe(objectsOf(hit))
      await writeRepaired(plan.survey, plan.state, plan.gaps)
      const running = await run(made)
      await running.settled(true)
      for (const line of ['98:a', '99:b', '100:ab']) {
        await running.send(line)
        await running.settled(true)
      }
      await running.close()

      const lost = type === 'records' ? lineOf(hit) : undefined
      const found = ['a', 'b'].flatMap((bucket) =>
        linesIn(made.buckets[bucket]!).map((line) => `${line.split(':')[0]}${bucket}`)
      )
      const wanted = [...lines, '98:a', '99:b', '100:ab'].flatMap((line) => {
        const [id, to = ''] = line.trim().split(':')
        const there = found.includes(`${id}a`) || found.includes(`${id}b`)
        if (line.trim() === lost && !there) return []
        return [...to].filter((one) => one === 'a' || one === 'b').map((one) => `${id}${one}`)
      })
      expect(found.sort()).toEqual(wanted.sort())
      const letters = await lettersIn(made)
      expect(letters).toBe(lost?.endsWith(':x') && letters === 1 ? 1 : 2)
      for (const bucket of ['a', 'b']) expectExact(made, bucket, all, hit)
    })
  }
)

function objectsOf({ frame }: Placed): number {
  return JSON.parse(frame.payload.toString()).objects.length
}

/** Gaps are the lost record and nothing else, leaves count what every other frame had. */
function expectExact(world: World, bucket: string, all: readonly Placed[], hit: Placed): void {
  const objects = world.buckets[bucket]!
  expect(problemsOf(objects)).toEqual([])
  const leaves = leavesIn(objects)
  const gaps = leaves.flatMap(({ kind, covers = [] }) => (kind === 'gap' ? covers : []))
  const inGap = (lsn: number) => gaps.some(([first, last]) => first <= lsn && lsn <= last)
  for (const { frame } of all) {
    if (frame.type !== frameType.records || !inGap(frame.lsn)) continue
    expect(frame.lsn).toBe(hit.frame.lsn)
  }
  const after = (leaves[0] as { after?: number }).after!
  const byLsn = new Map(
    all.filter(({ frame }) => takesLsn(frame.type)).map((one) => [one.frame.lsn, one])
  )
  const counts = { in: 3, dead: 0, out: 2, elsewhere: 2, dropped: 0 }
  for (const [lsn, one] of byLsn) {
    if (one.frame.type !== frameType.records || lsn <= after) continue
    if (inGap(lsn)) continue
    const [, to = ''] = lineOf(one).split(':')
    counts.in++
    if (to === 'x') counts.dead++
    counts.out += to.includes(bucket) ? 1 : 0
    counts.elsewhere += to.includes(bucket === 'a' ? 'b' : 'a') ? 1 : 0
  }
  counts.dropped = counts.in - counts.dead - counts.out - counts.elsewhere
  const told = { in: 0, dead: 0, out: 0, elsewhere: 0, dropped: 0 }
  for (const leaf of leaves) {
    for (const name of ['in', 'dead', 'out', 'elsewhere', 'dropped'] as const) {
      told[name] += leaf.counts?.[name] ?? 0
    }
  }
  expect(told).toEqual(counts)
}
