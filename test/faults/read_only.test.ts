import { join } from 'node:path'
import { expect, onTestFailed, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend, quickRetries } from '../e2e/backend.ts'
import { pipelineOf, sendEach } from '../e2e/pipeline.ts'
import { archivedIds, send } from '../e2e/records.ts'
import { fileSystemIn, run, skipUnlessMounts, smallDisk } from './mounts.ts'
import { filesOf } from './once.ts'

const timeout = 60_000

/** A journal on a file system of its own, which holds three records that wait. */
async function journalOnDisk() {
  const { image, at } = fileSystemIn(newDir())
  const backend = createBackend('fail')
  const service = `  journal: { directory: ${join(at, 'journal')}, min_free: 0 }`
  const config = pipelineOf({ backend: `${backend.keys}, ${quickRetries}` }, { service })
  const auditcol = await start({ config })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  await sendEach(auditcol, ['a', 'b', 'c'])
  return { auditcol, backend, image, at }
}

/** ext4 does this by itself when it finds its disk wrong: from one moment to the next nothing can be written. */
test('J6: a journal whose file system turns read-only refuses its sender and ends the program; the next start has everything', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no file system turned read-only', 'mkfs.ext4', 'losetup')
  const { auditcol, backend, image, at } = await journalOnDisk()
  run('mount', '-o', 'remount,abort', at)
  // What a lane has to write may meet it first: then nobody listens any more.
  const heard = await send(auditcol.http, ['refused']).catch(() => undefined)
  if (heard) expect(heard).toMatchObject({ status: 503, retryAfter: '5' })
  expect(await auditcol.exit).toBe(1)
  expect(auditcol.output()).toMatch(/error stopping error=".*journal.*: (EROFS|EIO): /)

  run('umount', at)
  run('mount', '-o', 'loop', image, at)
  backend.become('take')
  const next = await start({ dir: auditcol.dir })
  await until(() => backend.taken().length >= 3)
  expect(await stop(next)).toBe(0)
  expect(backend.taken().slice(0, 3)).toEqual(['a', 'b', 'c'])
})

test('a journal in a read-only directory refuses the start, names it, and changes nothing', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no file system was read-only', 'mkfs.ext4', 'losetup')
  const { auditcol, backend, at } = await journalOnDisk()
  expect(await stop(auditcol)).toBe(0)
  run('mount', '-o', 'remount,ro', at)
  const refused = await runToEnd({ dir: auditcol.dir })
  expect(refused.code).toBe(1)
  expect(refused.output).toMatch(/^auditcol: opening the journal .*journal: .*read-?only/im)

  run('mount', '-o', 'remount,rw', at)
  backend.become('take')
  const next = await start({ dir: auditcol.dir })
  await until(() => backend.taken().length >= 3)
  expect(await stop(next)).toBe(0)
  expect(backend.taken()).toEqual(['a', 'b', 'c'])
})

test('an archive whose directory is read-only waits, says so, and goes on by itself; at a start it is refused', {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no file system was read-only')
  const disk = smallDisk(16 * 2 ** 20)
  const archive = join(disk, 'archive')
  const s3uploader = `s3uploader: { region: us-east-1, s3_bucket: "file:${archive}", s3_partition_format: "" }`
  const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'
  const auditcol = await start({ config: pipelineOf({ awss3: `${quick}, ${s3uploader}` }) })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  const isStored = (count: number) => () => archivedIds(archive).length === count
  await sendEach(auditcol, ['a'])
  await until(isStored(1))
  const remount = (how: string) =>
    until(() => tries(() => run('mount', '-o', `remount,${how}`, disk)), 'nobody to write')
  await remount('ro')
  await sendEach(auditcol, ['b', 'c'])
  const waits = () => /storing in file:.* failed.*a read-only file system/.test(auditcol.output())
  await until(waits, 'the archive to wait', auditcol.output)
  await remount('rw')
  await until(isStored(3), 'the rest', auditcol.output)
  expect(await stop(auditcol)).toBe(0)
  expect(problemsOf(filesOf(archive))).toEqual([])
  expect(archivedIds(archive)).toEqual(['a', 'b', 'c'])

  await remount('ro')
  const refused = await runToEnd({ dir: auditcol.dir })
  expect(refused.code).toBe(1)
  expect(refused.output).toMatch(/opening the archive file:.*: a read-only file system/)
})

function tries(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
