import { describe, expect, test } from 'vitest'
import { PermanentError, RefusedError } from '../../src/component.ts'
import { litellmPut, recordsOf, send, sendAndLeave, signed, startS3Put } from './start.ts'

/* What LiteLLM 1.109 does upon answers and their absence, seen from here. */

const event = (id: string) =>
  `{"id": "${id}", "table_name": "LiteLLM_TeamTable", "action": "created", "object_id": "t"}`

const ids = (run: Parameters<typeof recordsOf>[0]) =>
  recordsOf(run).map(({ attributes }) => attributes['audit.record.id'])

describe('a PUT that was not answered and comes again', () => {
  test('at once, on a new connection, while the first waits for the disk, is one record', async () => {
    const run = await startS3Put({}, () => {})
    const request = await signed(litellmPut(event('1')), run.address)
    await sendAndLeave(run.address, request, () => run.next())
    const again = send(run.address, request)
    const third = send(run.address, request)
    let answered = 0
    for (const one of [again, third]) void one.then(() => answered++)
    await send(
      run.address,
      await signed(litellmPut('', '/logs/x'), run.address, { date: new Date(0) })
    )
    expect(answered).toBe(0)
    run.batches[0]!.settle()
    expect(await Promise.all([again, third])).toMatchObject([{ status: 200 }, { status: 200 }])
    expect(ids(run)).toEqual(['1'])
  })

  test('after it was settled is one record, whatever its headers are by then', async () => {
    const run = await startS3Put()
    for (const second of [0, 1, 2]) {
      const date = new Date(Date.now() + second * 1000)
      const request = await signed(litellmPut(event('1')), run.address, { date })
      expect((await send(run.address, request)).status).toBe(200)
    }
    expect(ids(run)).toEqual(['1'])
  })

  test('after a refusal is taken', async () => {
    const refusals = [new RefusedError('full', { reason: 'unavailable', retryAfter: 7 })]
    const run = await startS3Put({}, (batch) => batch.settle(refusals.shift()))
    const request = await signed(litellmPut(event('1')), run.address)
    const refused = await send(run.address, request)
    expect(refused).toMatchObject({
      status: 503,
      code: 'SlowDown',
      headers: { 'retry-after': '7' }
    })
    expect((await send(run.address, request)).status).toBe(200)
  })

  test('has the id of the first record where nobody remembers it', async () => {
    const request = litellmPut(event('1'))
    const seen = []
    for (const keys of [{}, {}, { repeats: { max_keys: 0 } }]) {
      const run = await startS3Put(keys)
      for (const _ of keys.repeats ? [1, 2] : [1]) {
        await send(run.address, await signed(request, run.address))
      }
      seen.push(...recordsOf(run).map(({ attributes }) => attributes['s3_put.record_id']))
    }
    expect(seen).toHaveLength(4)
    expect(new Set(seen).size).toBe(1)
  })
})

test('other bytes under the same key are a further record, marked', async () => {
  const run = await startS3Put()
  for (const id of ['1', '2', '1']) {
    await send(run.address, await signed(litellmPut(event(id)), run.address))
  }
  const records = recordsOf(run).map(({ attributes }) => attributes)
  expect(records.map((attributes) => attributes['s3_put.overwrite'])).toEqual([undefined, true])
  expect(records[0]!['s3_put.record_id']).not.toBe(records[1]!['s3_put.record_id'])
})

test('no failure of ours makes LiteLLM drop what it has', async () => {
  const failures = [
    new Error('disk gone'),
    new PermanentError('a lane has refused it'),
    new RefusedError('full', { reason: 'exhausted' })
  ]
  const run = await startS3Put({}, (batch) => batch.settle(failures[run.batches.length - 1]))
  const answers = []
  for (const [n] of failures.entries()) {
    const request = litellmPut(event('1'), `/logs/${n}`)
    answers.push(await send(run.address, await signed(request, run.address)))
  }
  expect(answers.map(({ status, code }) => [status, code])).toEqual([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [503, 'SlowDown']
  ])
})

test('an event larger than the limit stays in its queue', async () => {
  const run = await startS3Put({ max_request_body_size: 100 })
  const request = await signed(litellmPut(`{"a": "${'x'.repeat(200)}"}`), run.address)
  expect(await send(run.address, request)).toMatchObject({ status: 413, code: 'EntityTooLarge' })
  expect((await send(run.address, await signed(litellmPut('{}'), run.address))).status).toBe(200)
})
