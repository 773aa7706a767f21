import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFailed, test } from 'vitest'
import { start, stop, until } from '../e2e/auditcol.ts'
import { createBackend, quickRetries } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { idsOf, send } from '../e2e/records.ts'
import { fill, skipUnlessMounts, smallDisk } from './mounts.ts'
import { missingOf, startSenders } from './sender.ts'

const timeout = 60_000

const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'

/** Sends until it is refused, lets the backend come back, and sends again: what was promised arrives. */
async function fillAndDrain(service: string, reason: RegExp, padding: number) {
  const backend = createBackend('fail')
  const config = pipelineOf({ backend: `${backend.keys}, ${quick}` }, { service })
  const auditcol = await start({ config })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 4,
    recordsPerRequest: 4,
    padding
  })
  await until(() => senders.refused.length > 10, 'the journal to be full', auditcol.output)
  const heard = await send(auditcol.http, ['one-more'], padding * 4)
  expect(heard.status).toBe(503)
  expect(Number(heard.retryAfter)).toBeGreaterThan(0)
  expect(JSON.parse(heard.body).message).toMatch(reason)
  for (const { status, retryAfter } of senders.refused) {
    expect({ status, retryAfter: Number(retryAfter) }).toEqual({ status: 503, retryAfter: 5 })
  }

  const promised = senders.acknowledged.size
  backend.become('take')
  await until(
    () => senders.acknowledged.size > promised + 100,
    'the intake to resume',
    auditcol.output
  )
  await senders.stop()
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).not.toContain('wait in the journal')
  expect(missingOf(senders.acknowledged, backend.taken())).toEqual([])
}

test('a full disk refuses what comes in, and takes more when it was delivered', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no full disk was tried')
  const disk = smallDisk(24 * 2 ** 20)
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  await fillAndDrain(service, /^writing to the journal|^the journal's disk/, 16 * 1024)
})

test('J10: on a disk that others have filled lanes still settle, a restart is possible, and intake resumes with the space', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no full disk was tried')
  const disk = smallDisk(24 * 2 ** 20)
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  const backend = createBackend('fail')
  const config = pipelineOf({ backend: `${backend.keys}, ${quickRetries}` }, { service })
  const auditcol = await start({ config })
  const ids = idsOf('kept', 50)
  for (const id of ids) expect(await send(auditcol.http, [id], 1000)).toMatchObject({ status: 200 })
  fill(join(disk, 'ballast'))
  expect(await send(auditcol.http, ['refused'], 100_000)).toMatchObject({
    status: 503,
    retryAfter: '5'
  })
  backend.become('take')
  await until(() => backend.taken().length >= ids.length)
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).toContain('lane logs/backend: 50 records delivered\n')

  const next = await start({ dir: auditcol.dir })
  expect(next.output()).toContain('0 records waiting')
  rmSync(join(disk, 'ballast'))
  await until(async () => (await send(next.http, ['after'], 100_000)).status === 200)
  expect(await stop(next)).toBe(0)
  expect(backend.taken()).toEqual([...ids, 'after'])
})

test('min_free refuses before the disk is full', { timeout }, async (context) => {
  skipUnlessMounts(context, 'no small disk was tried')
  const disk = smallDisk(24 * 2 ** 20)
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 8MiB }`
  await fillAndDrain(
    service,
    /^the journal's disk has \d+ MiB free(, of which its lanes may need \d+ MiB)?, min_free is 8 MiB$/,
    4 * 1024
  )
})

test('max_size refuses, and what was delivered makes room', { timeout }, async () => {
  const service = '  journal: { max_size: 4MiB, min_free: 0 }'
  await fillAndDrain(service, /^the journal has reached its max_size of 4194304 bytes$/, 16 * 1024)
})
