import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, test } from 'vitest'
import { newDir, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { type Fault, startFakeS3 } from '../fake_s3.ts'
import { mount, run, skipUnlessMounts } from './mounts.ts'
import { expectOnce, objectsIn } from './once.ts'
import { missingOf, startSenders } from './sender.ts'

/** `npm run faults -- --cuts 50` asks for more. */
const cuts = Number(process.env.AUDITCOL_CUTS ?? 3)
const timeout = 60_000 + cuts * 15_000

/*
 * What a disk holds when the power goes is what has been written to it, and not what the kernel still
 * keeps for later: that is the backing file of a loop device at that moment. The copy is not made in one
 * instant, so it may hold parts that are younger than others; what was synced before it began is in it.
 */
test(`${cuts} power cuts under load: what was acknowledged before is delivered from the disk that is left`, {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no power was cut', 'mkfs.ext4', 'losetup')
  const place = newDir()
  const image = newDisk(place)
  const disk = mounted(image, join(place, 'mounted'))

  const dead = createBackend('fail')
  const auditcol = await start({ config: pipelineTo(dead.keys, disk) })
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 4,
    recordsPerRequest: 3,
    padding: 300,
    pause: 2
  })
  const left: { copy: string; promised: string[] }[] = []
  for (let cut = 0; cut < cuts; cut++) {
    const before = senders.acknowledged.size
    await until(() => senders.acknowledged.size > before + 100)
    await sleep(Math.random() * 50)
    const copy = join(place, `cut-${cut}`)
    const promised = [...senders.acknowledged]
    const [code] = await once(spawn('cp', ['--sparse=always', image, copy]), 'close')
    expect(code).toBe(0)
    left.push({ copy, promised })
  }
  await senders.stop()
  expect(await stop(auditcol)).toBe(0)

  for (const { copy, promised } of left) {
    const backend = createBackend('take')
    const survivor = mounted(copy, `${copy}-mounted`)
    const next = await start({ config: pipelineTo(backend.keys, survivor) })
    expect(await stop(next)).toBe(0)
    expect(next.output()).not.toContain('wait in the journal')
    expect(missingOf(promised, backend.taken())).toEqual([])
  }
  expect(left.at(-1)!.promised.length).toBeGreaterThan(cuts * 100)
})

/*
 * Here the cut is one instant: the process stands still while the disk is copied, and is gone before the
 * next one goes on from the copy. S3 answers late, wrongly or not at all meanwhile, so that objects wait in the spool.
 */
test(`${cuts} power cuts while objects wait in the spool: every record once, no object rewritten`, {
  timeout
}, async (context) => {
  skipUnlessMounts(context, 'no power was cut', 'mkfs.ext4', 'losetup')
  const place = newDir()
  let image = newDisk(place)
  const disk = mounted(image, join(place, 'mounted'))
  const s3 = await startFakeS3()
  const config = pipelineIntoS3(s3.endpoint, disk)
  let auditcol = await start({ config, env: credentials })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  const { dir } = auditcol
  const senders = startSenders({
    http: () => auditcol.http,
    senders: 4,
    recordsPerRequest: 5,
    padding: 300,
    pause: 1
  })
  let spooled = 0
  for (let cut = 0; cut < cuts; cut++) {
    s3.misbehave(moods[cut % moods.length]!)
    const before = senders.acknowledged.size
    await until(() => senders.acknowledged.size > before + 100)
    // Somewhere within a group, a seal, a PUT, a commit: at another place each time.
    await sleep(Math.random() * 200)
    auditcol.signal('SIGSTOP')
    const copy = join(place, `disk-${cut}`)
    run('cp', '--sparse=always', image, copy)
    auditcol.signal('SIGKILL')
    expect(await auditcol.exit).toBe(-1)
    run('umount', disk)
    rmSync(image)
    image = copy
    run('mount', '-o', 'loop', image, disk)
    spooled += readdirSync(join(disk, 'journal/spool')).length
    auditcol = await start({ dir, env: credentials })
  }
  await senders.stop()
  s3.misbehave(() => undefined)
  expect(await stop(auditcol)).toBe(0)
  if (auditcol.output().includes('wait in the journal')) {
    // What failed at the stop is left to the next start.
    expect(await stop(await start({ dir, env: credentials }))).toBe(0)
  }
  expect(s3.rewritten()).toEqual([])
  expectOnce(`${cuts} power cuts, ${spooled} spool files left`, objectsIn(s3), senders)
  expect(spooled).toBeGreaterThan(0)
  await s3.stop()
})

/** Of the fake S3, one after the other: it is away, answers half of the PUTs, has lost its answers. */
const moods: (() => Fault | undefined)[] = [
  () => 'slow down',
  () => (Math.random() < 0.5 ? 'hang' : undefined),
  () => (Math.random() < 0.5 ? 'reset stored' : 'error stored')
]

const credentials = {
  AWS_ACCESS_KEY_ID: 'akey',
  AWS_SECRET_ACCESS_KEY: 'skey12345',
  AWS_REGION: 'us-east-1'
}

function pipelineIntoS3(endpoint: string, disk: string): string {
  const quick = 'timeout: 500ms, retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }'
  const s3uploader =
    `s3uploader: { s3_bucket: logs, endpoint: "${endpoint}", s3_force_path_style: true, ` +
    'retry_mode: nop, compression: zstd, s3_partition_format: "" }'
  return pipelineOf(
    { awss3: `${quick}, ${s3uploader}` },
    {
      processors: 'batch: { timeout: 50ms, send_batch_size: 200 }',
      service: `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
    }
  )
}

function pipelineTo(keys: string, disk: string): string {
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  return pipelineOf({ backend: keys }, { service })
}

function newDisk(place: string): string {
  const image = join(place, 'disk')
  writeFileSync(image, '')
  truncateSync(image, 96 * 2 ** 20)
  run('mkfs.ext4', '-q', '-F', image)
  return image
}

function mounted(image: string, at: string): string {
  mkdirSync(at)
  mount('-o', 'loop', image, at)
  return at
}
