import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { archivedIds, idsOf, send } from './records.ts'

const timeout = 60_000

const archive =
  's3uploader: { region: eu-central-1, s3_bucket: "file:./archive", s3_partition_format: "" }'

describe('a lane is on its own', () => {
  test('one backend is dead: the other goes on, and after its recovery everything arrives there once and in order', {
    timeout
  }, async () => {
    const dead = createBackend('fail')
    const config = pipelineOf({ awss3: archive, dead: `${dead.keys}, ${quickRetries}` })
    const auditcol = await start({ config })
    const ids = idsOf('r', 200)
    await sendEach(auditcol, ids)
    await until(() => archivedIds(join(auditcol.dir, 'archive')).length === ids.length)
    expect(dead.taken()).toEqual([])
    dead.become('take')
    await until(() => dead.taken().length >= ids.length)
    expect(await stop(auditcol)).toBe(0)
    expect(dead.taken()).toEqual(ids)
    expect(archivedIds(join(auditcol.dir, 'archive')).sort()).toEqual([...ids].sort())
    const warnings = auditcol.output().match(/exporting failed/g)
    expect(warnings).toHaveLength(1)
    expect(auditcol.output()).toContain('exporting works again')
  })

  test('a PermanentError stops its lane and drops nothing; the others go on, the exit code is 1, a restart tries again', {
    timeout
  }, async () => {
    const sour = createBackend('refuse')
    const well = createBackend('take')
    const config = pipelineOf({ sour: `${sour.keys}, ${quickRetries}`, well: well.keys })
    const auditcol = await start({ config })
    await sendEach(auditcol, ['a'])
    await until(() => auditcol.output().includes('the lane has stopped'))
    await sendEach(auditcol, ['b', 'c'])
    await until(() => well.taken().length === 3)
    expect(await stop(auditcol)).toBe(1)
    expect(auditcol.output()).toContain('lane=logs/sour error="the backend will never take this"')
    expect(auditcol.output()).toContain(
      'lane logs/sour: 0 records delivered; 3 wait in the journal; stopped: the backend will never take this'
    )
    expect(sour.calls().filter(({ what }) => what === 'begin')).toHaveLength(1)

    sour.become('take')
    const next = await start({ dir: auditcol.dir })
    await until(() => sour.taken().length >= 3)
    expect(await stop(next)).toBe(0)
    expect(sour.taken()).toEqual(['a', 'b', 'c'])
    expect(well.taken()).toEqual(['a', 'b', 'c'])
  })

  test('a spent retry budget stops the lane and drops nothing', { timeout }, async () => {
    const backend = createBackend('fail')
    const budget =
      'retry_on_failure: { initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 100ms }'
    const config = pipelineOf({ backend: `${backend.keys}, ${budget}` })
    const auditcol = await start({ config })
    await sendEach(auditcol, ['a', 'b'])
    await until(() => auditcol.output().includes('the lane has stopped'))
    expect(auditcol.output()).toContain('no more retries left: the backend is away')
    await sendEach(auditcol, ['c'])
    expect(await stop(auditcol)).toBe(1)

    backend.become('take')
    const next = await start({ dir: auditcol.dir })
    await until(() => backend.taken().length >= 3)
    expect(await stop(next)).toBe(0)
    expect(backend.taken().sort()).toEqual(['a', 'b', 'c'])
  })

  test('L2: memory stays in its bound however much a lane is behind', { timeout }, async () => {
    const dead = createBackend('fail')
    const well = createBackend('take')
    const config = pipelineOf({ dead: `${dead.keys}, ${quickRetries}`, well: well.keys })
    const auditcol = await start({ config })
    const bound = Number(/memory: at most (\d+) MiB/.exec(auditcol.output())?.[1])
    // Twice the window of a lane, in requests of 4 MiB.
    const ids = idsOf('large', 32)
    for (const id of ids) {
      expect(await send(auditcol.http, [id], 4 * 2 ** 20)).toMatchObject({ status: 200 })
    }
    expect(auditcol.memoryPeak()).toBeLessThan(bound * 2 ** 20)
    dead.become('take')
    await until(() => dead.taken().length >= ids.length)
    expect(await stop(auditcol)).toBe(0)
    expect(dead.taken()).toEqual(ids)
    expect(well.taken()).toHaveLength(ids.length)
  })
})

test('L3: a timeout ends an attempt, and no two calls for one batch are open', {
  timeout
}, async () => {
  const backend = createBackend('hang')
  const config = pipelineOf({ backend: `${backend.keys}, timeout: 50ms, ${quickRetries}` })
  const auditcol = await start({ config })
  await sendEach(auditcol, ['a'])
  await until(() => backend.calls().filter(({ what }) => what === 'failed').length >= 3)
  backend.become('take')
  await until(() => backend.taken().length > 0)
  expect(await stop(auditcol)).toBe(0)
  const calls = backend.calls()
  expect(backend.taken()).toEqual(['a'])
  expect(calls[1]?.error).toContain('the attempt took longer than 50 ms')
  for (const [index, { what }] of calls.entries()) expect(what === 'begin').toBe(index % 2 === 0)
})

test('L1: a frame above send_batch_max_size goes out in pieces, and a repeat goes on after the last one delivered', {
  timeout
}, async () => {
  const backend = createBackend('fail-after-3')
  const processors = 'batch: { send_batch_size: 4, send_batch_max_size: 4, timeout: 0 }'
  const exporters = { backend: `${backend.keys}, ${quickRetries}` }
  const config = pipelineOf(exporters, { processors })
  const auditcol = await start({ config })
  const ids = idsOf('r', 30)
  expect(await send(auditcol.http, ids)).toMatchObject({ status: 200 })
  await until(() => backend.calls().some(({ what }) => what === 'failed'))
  backend.become('take')
  await until(() => backend.taken().length >= ids.length)
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(ids)
  const pieces = backend.calls().filter(({ what }) => what === 'taken')
  expect(pieces.map(({ ids }) => ids.length)).toEqual([4, 4, 4, 4, 4, 4, 4, 2])
})
