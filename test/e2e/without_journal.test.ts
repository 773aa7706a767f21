import { expect, test } from 'vitest'
import { newDir, start, stop, until } from './auditcol.ts'
import { createBackend } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { send } from './records.ts'

/* L8: `service.journal: false`. */

const timeout = 60_000

const service = '  journal: false'

test('L8: a sender is answered after the delivery, to all lanes', { timeout }, async () => {
  const [slow, quick] = [createBackend('hang'), createBackend('take')]
  const config = pipelineOf(
    { slow: `${slow.keys}, timeout: 0`, quick: quick.keys },
    { service, processors: 'batch: { timeout: 10ms }' }
  )
  const auditcol = await start({ config })
  expect(auditcol.output()).toContain('no journal: senders are answered when every lane')
  const answer = send(auditcol.http, ['a']).then(({ status }) => {
    expect(slow.taken()).toEqual(['a'])
    return status
  })
  await until(() => quick.taken().length === 1 && slow.calls().length === 1)
  slow.become('take')
  expect(await answer).toBe(200)
  expect(await stop(auditcol)).toBe(0)
})

test('L8: a PermanentError goes back to its sender, and the lane goes on', {
  timeout
}, async () => {
  const backend = createBackend('refuse')
  const auditcol = await start({ config: pipelineOf({ backend: backend.keys }, { service }) })
  const refused = await send(auditcol.http, ['a'])
  expect(refused.status).toBe(500)
  expect(JSON.parse(refused.body).message).toBe('the backend will never take this')
  backend.become('take')
  expect(await send(auditcol.http, ['b'])).toMatchObject({ status: 200 })
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(['b'])
})

test('L8: each start is a new writer with another lane id', { timeout }, async () => {
  const backend = createBackend('take')
  const config = pipelineOf({ backend: backend.keys }, { service })
  const dir = newDir()
  for (const id of ['a', 'b']) {
    const auditcol = await start({ dir, config })
    await sendEach(auditcol, [`${id}-1`, `${id}-2`])
    expect(await stop(auditcol)).toBe(0)
  }
  const begun = backend.calls().filter(({ what }) => what === 'begin')
  const lanes = begun.map(({ lane }) => lane)
  expect(lanes[0]).toBe(lanes[1])
  expect(lanes[2]).toBe(lanes[3])
  expect(lanes[0]).not.toBe(lanes[2])
})

test('at a stop a sender whose delivery fails hears that he is to come back', {
  timeout
}, async () => {
  const backend = createBackend('fail')
  const auditcol = await start({ config: pipelineOf({ backend: backend.keys }, { service }) })
  const answer = send(auditcol.http, ['a'])
  await until(() => auditcol.output().includes('exporting failed'))
  const stopped = stop(auditcol)
  expect(await answer).toMatchObject({ status: 503, retryAfter: expect.any(String) })
  expect(await stopped).toBe(0)
})

test('queue_size holds without a journal too', { timeout }, async () => {
  const backend = createBackend('hang')
  const keys = `${backend.keys}, timeout: 0, sending_queue: { sizer: items, queue_size: 1 }`
  const auditcol = await start({ config: pipelineOf({ backend: keys }, { service }) })
  const first = send(auditcol.http, ['a'])
  await until(() => backend.calls().length === 1)
  expect(await send(auditcol.http, ['b'])).toMatchObject({ status: 429 })
  backend.become('take')
  expect(await first).toMatchObject({ status: 200 })
  expect(await stop(auditcol)).toBe(0)
})
