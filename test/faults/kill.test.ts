import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Auditcol, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { archivedIds } from '../e2e/records.ts'
import { missingOf, startSenders } from './sender.ts'

const kills = 6

test(`killed ${kills} times under load: nothing acknowledged is lost`, {
  timeout: 120_000
}, async () => {
  const other = createBackend('take')
  const archive =
    's3uploader: { region: eu-central-1, s3_bucket: "file:./archive", s3_partition_format: "" }'
  const config = pipelineOf(
    { awss3: archive, other: other.keys },
    { processors: 'batch: { timeout: 50ms, send_batch_size: 200 }' }
  )
  let auditcol: Auditcol = await start({ config })
  const { dir } = auditcol
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 4,
    recordsPerRequest: 5,
    padding: 300
  })
  for (let kill = 0; kill < kills; kill++) {
    const before = senders.acknowledged.size
    await until(() => senders.acknowledged.size > before + 100)
    // Somewhere within a group, an upload, a settlement: at another place each time.
    await sleep(Math.random() * 100)
    auditcol.signal('SIGKILL')
    expect(await auditcol.exit).toBe(-1)
    auditcol = await start({ dir })
  }
  await senders.stop()
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).not.toContain('wait in the journal')
  expect(missingOf(senders.acknowledged, archivedIds(join(dir, 'archive')))).toEqual([])
  expect(missingOf(senders.acknowledged, other.taken())).toEqual([])
  expect(senders.acknowledged.size).toBeGreaterThan(kills * 100)
})
