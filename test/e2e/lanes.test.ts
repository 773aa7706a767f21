import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runToEnd, start, stop, until } from './auditcol.ts'
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

  test('L5: what a PermanentError refuses is a dead letter; the lane goes on, and a replay gives it again, once', {
    timeout
  }, async () => {
    const sour = createBackend('refuse')
    const well = createBackend('take')
    const config = pipelineOf({ sour: `${sour.keys}, ${quickRetries}`, well: well.keys })
    const auditcol = await start({ config })
    const { dir } = auditcol
    const letters = (...args: string[]) => runToEnd({ dir, args: ['dead-letters', ...args] })
    await sendEach(auditcol, ['a'])
    await until(() => auditcol.output().includes('kept as dead letters'))
    await sendEach(auditcol, ['b', 'c'])
    await until(() => well.taken().length === 3)
    await until(() => sour.calls().filter(({ what }) => what === 'failed').length === 3)
    expect(await stop(auditcol)).toBe(0)
    expect(sour.calls().filter(({ what }) => what === 'begin')).toHaveLength(3)
    const { output } = await letters('list')
    expect(
      output.match(/logs\/sour {2}from otlp {2}by sour {2}1 record {2}the backend will never/g)
    ).toHaveLength(3)
    const [id = ''] = output.split(' ')
    expect((await letters('show', id)).output).toContain('event(a)')

    // At rest, by id; then by the running process, all of them; then there is nothing left.
    expect((await letters('replay', id)).output).toContain('1 dead letter with 1 record')
    expect(await letters('replay', id)).toMatchObject({ code: 1 })
    sour.become('take')
    const next = await start({ dir })
    expect((await letters('replay')).output).toContain('2 dead letters with 2 records')
    expect((await letters('replay')).output).toContain('0 dead letters')
    await until(() => sour.taken().length >= 3)
    expect(await stop(next)).toBe(0)
    expect(sour.taken().sort()).toEqual(['a', 'b', 'c'])
    expect(well.taken()).toEqual(['a', 'b', 'c'])
    expect((await letters('list')).output).toBe('no dead letters\n')
  })

  test('L5: a spent retry budget ends in dead letters, and the lane goes on', {
    timeout
  }, async () => {
    const backend = createBackend('fail')
    const budget =
      'retry_on_failure: { initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 100ms }'
    const auditcol = await start({ config: pipelineOf({ backend: `${backend.keys}, ${budget}` }) })
    const { dir } = auditcol
    await sendEach(auditcol, ['a'])
    await until(() => auditcol.output().includes('kept as dead letters'))
    backend.become('take')
    await sendEach(auditcol, ['b'])
    await until(() => backend.taken().length === 1)
    expect(await stop(auditcol)).toBe(0)
    const { output } = await runToEnd({ dir, args: ['dead-letters', 'export'] })
    expect(output).toContain('event(a)')
    const listed = await runToEnd({
      dir,
      args: ['dead-letters', '--reason', 'no more retries left']
    })
    expect(listed.output).toContain('no more retries left: the backend is away')
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
