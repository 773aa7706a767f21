import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { start, stop, until } from '../e2e/auditcol.ts'
import { createBackend, quickRetries } from '../e2e/backend.ts'
import { pipelineOf, sendEach } from '../e2e/pipeline.ts'
import { send } from '../e2e/records.ts'
import { fileSystemIn, fill, run, skipUnlessMounts, smallDisk } from './mounts.ts'

/*
 * The journal's file system lies in a file on a disk that runs full, so what the kernel has taken from
 * a write it cannot put anywhere: fdatasync says EIO once, a second one would say that all is well. (ext4 made without its own journal
 * says that all is well at the first, too: Linux 6.18.)
 */
test('J6: a failed fsync refuses its senders and ends the program; what was acknowledged before is delivered', {
  timeout: 60_000
}, async (context) => {
  skipUnlessMounts(context, 'no fsync failed', 'mkfs.ext4', 'losetup')
  const below = smallDisk(32 * 2 ** 20)
  const { image, at } = fileSystemIn(below)

  const backend = createBackend('fail')
  const service = `  journal: { directory: ${join(at, 'journal')}, min_free: 0 }`
  const config = pipelineOf({ backend: `${backend.keys}, ${quickRetries}` }, { service })
  const auditcol = await start({ config })
  await sendEach(auditcol, ['a', 'b', 'c'])
  fill(join(below, 'ballast'))
  backend.become('hang')
  const heard = await send(auditcol.http, ['not-synced'], 2 ** 20)
  expect(heard).toMatchObject({ status: 503, retryAfter: '5' })
  expect(JSON.parse(heard.body).message).toContain('the journal has failed')
  expect(await auditcol.exit).toBe(1)
  expect(auditcol.output()).toMatch(/error stopping error="syncing .*\.wal: EIO: i\/o error/)

  run('umount', at)
  rmSync(join(below, 'ballast'))
  run('mount', '-o', 'loop', image, at)
  backend.become('take')
  const next = await start({ dir: auditcol.dir })
  await until(() => backend.taken().length >= 3)
  expect(await stop(next)).toBe(0)
  expect(backend.taken().slice(0, 3)).toEqual(['a', 'b', 'c'])
})
