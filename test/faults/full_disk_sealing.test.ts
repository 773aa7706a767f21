import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFailed, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend, quickRetries } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { archivedIds, idsIn, idsOf, send } from '../e2e/records.ts'
import { startFakeS3 } from '../fake_s3.ts'
import { fill, skipUnlessMounts, smallDisk } from './mounts.ts'
import { filesOf, idsOfRecords, objectsIn } from './once.ts'

const timeout = 120_000
const mebi = 2 ** 20

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'

function archiveIn(directory: string): string {
  return `marshaler: otlp_proto, ${quick}, s3uploader: { region: us-east-1, s3_bucket: "file:${directory}", s3_partition_format: "", compression: none }`
}

test('J10: on a disk that others have filled a lane seals a batch larger than what frames have, also after a restart', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no full disk was tried')
  const disk = smallDisk(128 * mebi)
  const archive = join(newDir(), 'archive')
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  const exporters = { awss3: archiveIn(archive) }
  const config = (flush: string) =>
    pipelineOf(exporters, {
      service,
      processors: `batch: { timeout: ${flush} }`
    })
  const auditcol = await start({ config: config('1h') })
  const ids = idsOf('large', 4)
  for (const id of ids)
    expect(await send(auditcol.http, [id], 3 * mebi)).toMatchObject({ status: 200 })
  const kept = () => sizeOf(join(disk, 'journal/reserve-batches'))
  await until(
    () => kept() >= 12 * mebi,
    'the reserve',
    () => `${kept()}`
  )
  fill(join(disk, 'ballast'))
  auditcol.signal('SIGKILL')
  await auditcol.exit

  const next = await start({ dir: auditcol.dir, config: config('10ms') })
  onTestFailed(() => void process.stdout.write(next.output()))
  await until(() => archivedIds(archive).length === ids.length)
  expect(await stop(next)).toBe(0)
  expect(archivedIds(archive).sort()).toEqual(ids)
  expect(problemsOf(filesOf(archive))).toEqual([])
})

test('J10: where all of the reserve is in use spool files leave room for the commits that free them', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no full disk was tried')
  const disk = smallDisk(96 * mebi)
  const s3 = await startFakeS3()
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  const env = { AWS_ACCESS_KEY_ID: 'akey', AWS_SECRET_ACCESS_KEY: 'skey12345' }
  const awss3 = `marshaler: otlp_proto, sending_queue: { num_consumers: 250 }, ${quick}, s3uploader: { region: us-east-1, s3_bucket: logs, endpoint: "${s3.endpoint}", s3_force_path_style: true, s3_partition_format: "", compression: none }`
  const config = (batch: string) =>
    pipelineOf({ awss3 }, { service, processors: `batch: { ${batch} }` })
  const auditcol = await start({ env, config: config('timeout: 1h') })
  const ids = idsOf('small', 450).sort()
  for (const id of ids)
    expect(await send(auditcol.http, [id], 10_000)).toMatchObject({ status: 200 })
  auditcol.signal('SIGKILL')
  await auditcol.exit
  // Whatever was kept for batches, others have it.
  rmSync(join(disk, 'journal/reserve-batches'), { force: true })
  fill(join(disk, 'ballast'))

  s3.misbehave(() => 'error')
  const next = await start({ dir: auditcol.dir, env, config: config('send_batch_size: 1') })
  onTestFailed(() => void process.stdout.write(next.output()))
  await until(() => next.output().includes('sealing: the disk of the journal is full'))
  s3.misbehave(() => undefined)
  const stored = () => idsOfRecords(objectsIn(s3)).sort()
  await until(() => stored().length === ids.length)
  expect(await stop(next)).toBe(0)
  expect(stored()).toEqual(ids)
  expect(problemsOf(objectsIn(s3))).toEqual([])
  await s3.stop()
})

test('J10: on a full disk a lane keeps a dead letter larger than what frames have', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no full disk was tried')
  const disk = smallDisk(128 * mebi)
  const backend = createBackend('fail')
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  const auditcol = await start({
    config: pipelineOf({ backend: `${backend.keys}, ${quickRetries}` }, { service })
  })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  expect(await send(auditcol.http, ['large'], 9 * mebi)).toMatchObject({ status: 200 })
  const kept = () => sizeOf(join(disk, 'journal/reserve-batches'))
  await until(
    () => kept() >= 9 * mebi,
    'the reserve',
    () => `${kept()}`
  )
  fill(join(disk, 'ballast'))
  backend.become('refuse')
  await until(() => auditcol.output().includes('kept as dead letters'))
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).not.toContain('wait in the journal')
  const letters = [...filesOf(join(disk, 'journal/dead')).values()]
  expect(letters.flatMap((bytes) => idsIn(bytes))).toEqual(['large'])
})
