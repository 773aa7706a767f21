import { expect, test } from 'vitest'
import { start, stop, until } from './auditcol.ts'
import { createBackend } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { beginToSend, idsOf, send } from './records.ts'

const timeout = 60_000

test.each([
  ['items', 'sizer: items, queue_size: 3'],
  ['bytes', 'sizer: bytes, queue_size: 3000'],
  ['requests', 'queue_size: 3']
])('queue_size refuses what would exceed it, counted in %s', { timeout }, async (_, size) => {
  const backend = createBackend('fail')
  const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'
  const queue = `sending_queue: { num_consumers: 1, ${size} }`
  const config = pipelineOf({ backend: `${backend.keys}, ${quick}, ${queue}` })
  const auditcol = await start({ config })
  const heard: number[] = []
  for (const id of idsOf('r', 5)) {
    const { status, retryAfter, body } = await send(auditcol.http, [id], 700)
    heard.push(status)
    if (status !== 429) continue
    expect(Number(retryAfter)).toBeGreaterThan(0)
    expect(JSON.parse(body).message).toBe('sending_queue of logs/backend is full')
  }
  expect(heard).toEqual([200, 200, 200, 429, 429])
  backend.become('take')
  await until(() => backend.taken().length === 3)
  expect(await send(auditcol.http, ['later'])).toMatchObject({ status: 200 })
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(['r-1', 'r-2', 'r-3', 'later'])
  expect(auditcol.output()).toContain('receiver otlp: 4 records accepted, 2 refused')
})

test('block_on_overflow lets senders wait until there is room', { timeout }, async () => {
  const backend = createBackend('hang')
  const queue = 'sending_queue: { sizer: items, queue_size: 2, block_on_overflow: true }'
  const config = pipelineOf({ backend: `${backend.keys}, timeout: 0, ${queue}` })
  const auditcol = await start({ config })
  await sendEach(auditcol, ['a', 'b'])
  const answered: string[] = []
  const waiting = ['c', 'd'].map(async (id) => {
    expect(await send(auditcol.http, [id])).toMatchObject({ status: 200 })
    answered.push(id)
  })
  await until(() => backend.calls().length === 2)
  expect(answered).toEqual([])
  backend.become('take')
  await Promise.all(waiting)
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken().sort()).toEqual(['a', 'b', 'c', 'd'])
})

test('who waits for room hears at a stop that he is to come back', { timeout }, async () => {
  const backend = createBackend('fail')
  const queue = 'sending_queue: { sizer: items, queue_size: 1, block_on_overflow: true }'
  const config = pipelineOf({ backend: `${backend.keys}, ${queue}` })
  const auditcol = await start({ config })
  await sendEach(auditcol, ['a'])
  const waiting = await beginToSend(auditcol.http, ['b'])
  await until(() => auditcol.output().includes('exporting failed'))
  const heard = waiting.finish()
  const stopped = stop(auditcol)
  expect(await heard).toMatchObject({ status: 503, retryAfter: '5' })
  expect(await stopped).toBe(0)
  expect(auditcol.output()).toContain('1 wait in the journal')
})

test('batch groups the records of many requests', { timeout }, async () => {
  const backend = createBackend('take')
  const queue = 'sending_queue: { batch: { min_size: 4, flush_timeout: 1h, sizer: items } }'
  const config = pipelineOf({ backend: `${backend.keys}, ${queue}` })
  const auditcol = await start({ config })
  const ids = idsOf('r', 10)
  await sendEach(auditcol, ids)
  expect(await stop(auditcol)).toBe(0)
  const groups = backend.calls().filter(({ what }) => what === 'taken')
  expect(groups.map(({ ids }) => ids.length)).toEqual([4, 4, 2])
  expect(backend.taken()).toEqual(ids)
})

test('num_consumers bounds the exports that run at once', { timeout }, async () => {
  const backend = createBackend('hang')
  const keys = `${backend.keys}, timeout: 0, sending_queue: { num_consumers: 3 }`
  const auditcol = await start({ config: pipelineOf({ backend: keys }) })
  const ids = idsOf('r', 12)
  await sendEach(auditcol, ids)
  backend.become('take')
  await until(() => backend.taken().length === ids.length)
  expect(await stop(auditcol)).toBe(0)
  let open = 0
  const most = backend.calls().map(({ what }) => {
    open += what === 'begin' ? 1 : -1
    return open
  })
  expect(Math.max(...most)).toBe(3)
  expect(backend.taken().sort()).toEqual([...ids].sort())
})
