import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, until } from '../e2e/auditcol.ts'
import { send } from '../e2e/records.ts'
import { archiveIn, type Engine, idsInLetters, startEngine } from './engine.ts'
import { breakDisk, type FailingDisk } from './failing_disk.ts'
import { idsOfRecords } from './once.ts'

/*
 * The whole program in this process, many times at once, each on a disk of its own that has no room for one
 * of its writes: files made, bytes, names. The disk of the first run has room for all, and counts them.
 */

/** `npm run faults -- --writes 1` tries every write, this every so many-th. */
const stride = Number(process.env.AUDITCOL_WRITES ?? 6)
const timeout = 60_000 + 600_000 / stride
const atOnce = 48

/** More than what a segment of the smallest journal takes: what comes next goes to a new one. */
const padding = { a: 0, b: 0, big: 600_000, c: 0 }
const ids = Object.keys(padding)

test(`J10: a disk that has no room for any one of all writes, or from there on for a while, loses nothing and needs no hand`, {
  timeout
}, async () => {
  const counted = await run({ times: 0 })
  const writes = counted.seen.length
  expect(counted.seen.filter((one) => one.endsWith('.wal.new')).length).toBeGreaterThan(4)
  const faults: { skip: number; times: number }[] = []
  for (let skip = Math.floor(Math.random() * stride); skip < writes; skip += stride) {
    faults.push({ skip, times: 1 }, { skip, times: Number.POSITIVE_INFINITY })
  }
  let failed = 0
  await eachAtOnce(faults, async (fault) => {
    const disk = await run(fault)
    failed += disk.failed
  })
  process.stderr.write(
    `faults: ${writes} writes, ${faults.length} runs on a full disk, ${failed} writes failed, 0 records lost\n`
  )
  expect(failed).toBeGreaterThanOrEqual(faults.length)
})

/** One whole life: start, records until all are answered with 200, delivery, stop. */
async function run({ skip = 0, times }: { skip?: number; times: number }): Promise<FailingDisk> {
  const dir = newDir()
  writeFileSync(join(dir, 'mode'), 'refuse')
  const disk = breakDisk({
    ...{ code: 'ENOSPC', on: ['create', 'write'], path: `^${dir}/`, skip, times }
  })
  const mending = mendLater(disk)
  const told = () => `${skip} of ${disk.seen.length}: ${disk.seen[skip]}`
  let engine = await startAgain(dir)
  let ended: Error | undefined
  engine.failed.catch((error: Error) => {
    ended = error
  })
  const holds = (what: string, condition: () => boolean | Promise<boolean>) =>
    until(() => {
      if (ended) throw new Error(`write ${told()} has ended the program`, { cause: ended })
      return condition()
    }, `${what}, write ${told()}`)
  for (const [id, more] of Object.entries(padding)) {
    await holds(id, async () => (await send(engine.http, [id], more)).status === 200)
  }
  await holds('the letters', () => idsInLetters(join(dir, 'journal')).length >= ids.length)
  await holds('the objects', () => idsOfRecords(archiveIn(dir)).length >= ids.length)
  const behind = () => [...engine.journal!.lanes.values()].map(({ behind: { records } }) => records)
  const healed = disk.failed > 0
  if (healed) {
    disk.mend()
    // A try that failed just now is made again by itself; a stop would leave it to the next start.
    await holds('all is delivered', () => behind().every((records) => records === 0))
  }
  await engine.stop(AbortSignal.timeout(20_000))
  disk.mend()
  clearInterval(mending)
  if (healed) expect({ at: told(), left: behind() }).toEqual({ at: told(), left: [0, 0] })
  if (engine.lanes.some(({ stopped }) => stopped)) throw new Error(`${told()}: a lane has stopped`)
  // What a full disk did not take at the stop is left to the next start.
  engine = await startAgain(dir)
  await engine.stop(AbortSignal.timeout(20_000))
  const archive = archiveIn(dir)
  expect({ at: told(), problems: problemsOf(archive) }).toEqual({ at: told(), problems: [] })
  expect({ at: told(), ids: idsOfRecords(archive).sort() }).toEqual({
    at: told(),
    ids: ids.toSorted()
  })
  expect(new Set(idsInLetters(join(dir, 'journal')))).toEqual(new Set(ids))
  return disk
}

/** A disk that stays full has room again 300 ms after its first refusal. */
function mendLater(disk: FailingDisk): NodeJS.Timeout {
  let since: number | undefined
  return setInterval(() => {
    if (disk.failed > 0) since ??= performance.now()
    if (since !== undefined && performance.now() - since > 300) disk.mend()
  }, 20)
}

/** A start on a full disk is refused; who started it does so again. */
async function startAgain(dir: string): Promise<Engine> {
  for (let tries = 0; ; tries++) {
    try {
      return await startEngine(dir)
    } catch (error) {
      if (tries > 20) throw error
      await sleep(50)
    }
  }
}

async function eachAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
