import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Objects } from '../archive_check.ts'
import { type Auditcol, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { type Fault, startFakeS3 } from '../fake_s3.ts'
import { expectOnce, filesOf, objectsIn } from './once.ts'
import { missingOf, type Senders, startSenders } from './sender.ts'

/** `npm run faults -- --kills 300` asks for more. */
const kills = Number(process.env.AUDITCOL_KILLS ?? 5)
const timeout = 60_000 + kills * 15_000
const batching = { processors: 'batch: { timeout: 50ms, send_batch_size: 200 }' }
const smallJournal = '  journal: { max_size: 2MiB, min_free: 1MiB }'
const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }'

/** Kills it under load, again and again, and at the end delivers what there is. */
async function killed(config: string, env: NodeJS.ProcessEnv = {}) {
  let auditcol: Auditcol = await start({ config, env })
  const { dir } = auditcol
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 4,
    recordsPerRequest: 5,
    padding: 300,
    pause: 1
  })
  for (let kill = 0; kill < kills; kill++) {
    const before = senders.acknowledged.size
    await until(() => senders.acknowledged.size > before + 100)
    // Somewhere within a group, a seal, a PUT, a commit: at another place each time.
    await sleep(Math.random() * 100)
    auditcol.signal('SIGKILL')
    expect(await auditcol.exit).toBe(-1)
    auditcol = await start({ dir, env })
  }
  await senders.stop()
  return { auditcol, dir, senders }
}

test(`killed ${kills} times under load, into a directory: every record once, every leaf right`, {
  timeout
}, async () => {
  const other = createBackend('take')
  const archive = `${quick}, s3uploader: { region: eu-central-1, s3_bucket: "file:./archive", s3_partition_format: "" }`
  const config = pipelineOf({ awss3: archive, other: other.keys }, batching)
  const { auditcol, dir, senders } = await killed(config)
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).not.toContain('wait in the journal')
  expectKilled(filesOf(join(dir, 'archive')), senders)
  expect(missingOf(senders.acknowledged, other.taken())).toEqual([])
})

test(`killed ${kills} times under load, into an S3 that fails in every way: every record once, no object rewritten`, {
  timeout
}, async () => {
  const s3 = await startFakeS3()
  const faults: Fault[] = [
    'slow down',
    'error',
    'error stored',
    'reset',
    'reset stored',
    'conflict'
  ]
  s3.misbehave(() =>
    Math.random() < 0.3 ? faults[Math.floor(Math.random() * faults.length)] : undefined
  )
  const s3uploader =
    `s3uploader: { s3_bucket: logs, endpoint: "${s3.endpoint}", s3_force_path_style: true, ` +
    'retry_mode: nop, compression: zstd, s3_partition_format: "" }'
  const env = {
    AWS_ACCESS_KEY_ID: 'akey',
    AWS_SECRET_ACCESS_KEY: 'skey12345',
    AWS_REGION: 'us-east-1'
  }
  const config = pipelineOf({ awss3: `${quick}, ${s3uploader}` }, batching)
  const { auditcol, senders } = await killed(config, env)
  s3.misbehave(() => undefined)
  expect(await stop(auditcol), auditcol.output()).toBe(0)
  if (auditcol.output().includes('wait in the journal')) {
    // What failed at the stop is left to the next start.
    expect(await stop(await start({ dir: auditcol.dir, env }))).toBe(0)
  }
  expect(s3.rewritten()).toEqual([])
  expectKilled(objectsIn(s3), senders)
  await s3.stop()
})

test(`killed ${kills} times under load, with ids that the receiver knows: what had no answer is there once too`, {
  timeout
}, async () => {
  const archive = `${quick}, s3uploader: { region: eu-central-1, s3_bucket: "file:./archive", s3_partition_format: "" }`
  // Small segments, so that what is known outlives those that it came with (J8).
  const config = pipelineOf({ awss3: archive }, { ...batching, service: smallJournal }).replace(
    'otlp: { ',
    'otlp: { dedup: { id: id }, '
  )
  const { auditcol, dir, senders } = await killed(config)
  expect(await stop(auditcol), auditcol.output()).toBe(0)
  expectOnce(`${kills} kills, ids known`, filesOf(join(dir, 'archive')), senders, true)
  expect(senders.unanswered.size).toBeGreaterThan(0)
  expect(readdirSync(join(dir, 'journal/dedup')).length).toBeGreaterThan(0)
})

test(`killed ${kills} times under load, partitions closed all the while: every object in one manifest`, {
  timeout
}, async () => {
  const s3uploader =
    's3uploader: { region: eu-central-1, s3_bucket: "file:./archive", partition_time: arrival, ' +
    'key_template: "%F/%H/%M/%S/{number}.json", allowed_lateness: 0s }'
  const config = pipelineOf({ awss3: `${quick}, ${s3uploader}` }, batching)
  const { auditcol, dir, senders } = await killed(config)
  expect(await stop(auditcol), auditcol.output()).toBe(0)
  // What is due by then is closed by whoever comes next.
  const last = await start({ dir })
  const files = () => filesOf(join(dir, 'archive'))
  const data = () => [...files().keys()].filter((key) => !key.includes('.auditcol/')).sort()
  await until(() => listedIn(files()).length >= data().length)
  expect(await stop(last)).toBe(0)
  expect(listedIn(files()).sort()).toEqual(data())
  expectKilled(files(), senders)
})

/** Keys that manifests list, as often as they do. */
function listedIn(objects: Objects): string[] {
  return [...objects].flatMap(([key, bytes]) => {
    if (!key.includes('/partitions/')) return []
    const { partition, objects } = JSON.parse(`${bytes}`)
    const keys: string[] = objects.map(({ key }: { key: string }) => key)
    expect(key).toContain(`/partitions/${partition}/`)
    for (const listed of keys) expect(listed.startsWith(`${partition}/`)).toBe(true)
    return keys
  })
}

function expectKilled(objects: Objects, senders: Senders) {
  expectOnce(`${kills} kills`, objects, senders)
  expect(senders.acknowledged.size).toBeGreaterThan(kills * 100)
}
