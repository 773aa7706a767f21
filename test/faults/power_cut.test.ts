import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { newDir, start, stop, until } from '../e2e/auditcol.ts'
import { createBackend } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { mount, run, skipUnlessMounts } from './mounts.ts'
import { missingOf, startSenders } from './sender.ts'

const cuts = 4

/*
 * What a disk holds when the power goes is what has been written to it, and not what the kernel still
 * keeps for later: that is the backing file of a loop device at that moment. The copy is not made in one
 * instant, so it may hold parts that are younger than others; what was synced before it began is in it.
 */
test(`${cuts} power cuts under load: what was acknowledged before is delivered from the disk that is left`, {
  timeout: 120_000
}, async (context) => {
  skipUnlessMounts(context, 'no power was cut', 'mkfs.ext4', 'losetup')
  const place = newDir()
  const image = join(place, 'disk')
  writeFileSync(image, '')
  truncateSync(image, 96 * 2 ** 20)
  run('mkfs.ext4', '-q', '-F', image)
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

function pipelineTo(keys: string, disk: string): string {
  const service = `  journal: { directory: ${join(disk, 'journal')}, min_free: 0 }`
  return pipelineOf({ backend: keys }, { service })
}

function mounted(image: string, at: string): string {
  mkdirSync(at)
  mount('-o', 'loop', image, at)
  return at
}
