import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newDir, root, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend, quickRetries } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { send } from '../e2e/records.ts'
import { expectOnce, filesOf } from './once.ts'
import { missingOf, startSenders } from './sender.ts'

const timeout = 60_000
const hour = 3_600_000

/** A clock of its own for a process, and the hand that sets it. */
function newClock() {
  const path = join(newDir(), 'clock')
  const set = (off: number) => {
    // A reader must never see half a number.
    writeFileSync(`${path}.new`, String(off))
    renameSync(`${path}.new`, path)
  }
  set(0)
  const env = {
    NODE_OPTIONS: `--import=${join(root, 'test/faults/other_clock.ts')}`,
    AUDITCOL_CLOCK: path
  }
  return { set, env }
}

test('a clock set back and forward by hours, under load and between lives: every record once, in its folder of the time', {
  timeout
}, async () => {
  const clock = newClock()
  const other = createBackend('take')
  const archive =
    's3uploader: { region: us-east-1, s3_bucket: "file:./archive", s3_partition_format: "hour=%Y%m%d%H" }'
  const processors = 'batch: { timeout: 50ms, send_batch_size: 100 }'
  const config = pipelineOf({ awss3: archive, other: other.keys }, { processors })
  let auditcol = await start({ config, env: clock.env })
  const { dir } = auditcol
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 2,
    recordsPerRequest: 5,
    padding: 100,
    pause: 2
  })
  const more = () => {
    const before = senders.acknowledged.size
    return until(() => senders.acknowledged.size > before + 200)
  }
  const hours = [0, -3, 5, -26, 0, 24 * 400, -1]
  for (const [index, off] of hours.entries()) {
    clock.set(off * hour)
    await more()
    if (index % 2 === 0) continue
    // Now and then the clock is another one when the next life begins.
    auditcol.signal('SIGKILL')
    await auditcol.exit
    clock.set((hours[index + 1] ?? 0) * hour)
    auditcol = await start({ dir, env: clock.env })
  }
  await senders.stop()
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).not.toContain('wait in the journal')
  const objects = filesOf(join(dir, 'archive'))
  expectOnce(`a clock set ${hours.length} times`, objects, senders)
  expect(missingOf(senders.acknowledged, other.taken())).toEqual([])
  const folders = [...objects.keys()].flatMap((key) => /hour=\d+/.exec(key)?.[0] ?? [])
  expect(new Set(folders).size).toBeGreaterThanOrEqual(new Set(hours).size)
})

test('a clock set forward spends nothing of the time that a batch may be tried', {
  timeout
}, async () => {
  const clock = newClock()
  const backend = createBackend('fail')
  const limited = quickRetries.replace('{ ', '{ max_elapsed_time: 1m, ')
  const auditcol = await start({
    config: pipelineOf({ backend: `${backend.keys}, ${limited}` }),
    env: clock.env
  })
  expect(await send(auditcol.http, ['a'])).toMatchObject({ status: 200 })
  const attempts = () => backend.calls().filter(({ what }) => what === 'failed').length
  await until(() => attempts() > 1)
  clock.set(5 * hour)
  const before = attempts()
  await until(() => attempts() > before + 2, 'more attempts', auditcol.output)
  backend.become('take')
  await until(() => backend.taken().length === 1)
  expect(await stop(auditcol)).toBe(0)
})
