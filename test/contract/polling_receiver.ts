import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type Batch,
  type Receiver,
  type ReceiverContext,
  RefusedError
} from '../../src/component.ts'
import { type Run, runReceiver } from './run_receiver.ts'

/** A receiver under test that goes and looks, and the source it looks into. */
export interface Subject {
  /** Looks every few milliseconds. */
  receiver(context: ReceiverContext): Receiver
  /** So many records more are there. */
  add(records: number): void
  /** Connections that are open. */
  open(): number
  /** Names of a batch's records, of which no two are the same. */
  names(batch: Batch): string[]
}

/** Holds a receiver that polls to the contract in src/component.ts; `make` makes a source of its own for each test. */
export function testPollingReceiver(name: string, make: () => Subject): void {
  describe(`${name} keeps the contract of receivers that poll`, () => {
    const start = (subject: Subject, resume?: string): Run => {
      const run = runReceiver((context) => subject.receiver(context), undefined, { resume })
      onTestFinished(() => run.subscription.unsubscribe())
      return run
    }

    test('hands on every record once, with its id, its arrival and a mark', async () => {
      const subject = make()
      subject.add(3)
      const before = Date.now()
      const run = start(subject)
      const batch = await run.next()
      expect(batch.logs.records).toBe(3)
      expect(batch.logs.bytes).toBe(batch.logs.chunks.reduce((sum, { length }) => sum + length, 0))
      expect(batch.meta.receiver).toBe('under_test')
      expect(batch.meta.arrived).toBeGreaterThanOrEqual(before)
      expect(batch.meta.arrived).toBeLessThanOrEqual(Date.now())
      expect(batch.meta.resume).toEqual(expect.any(String))
      batch.settle()
      subject.add(2)
      const next = await run.next()
      expect(new Set([batch, next].flatMap(subject.names)).size).toBe(5)
    })

    test('hands on nothing more before a batch is settled', async () => {
      const subject = make()
      subject.add(1)
      const run = start(subject)
      const batch = await run.next()
      subject.add(1)
      for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate)
      expect(run.batches).toHaveLength(1)
      batch.settle()
      expect((await run.next()).logs.records).toBe(1)
    })

    test.each<[string, Error]>([
      ['a passing error', new Error('disk gone')],
      ['a refusal', new RefusedError('full', { reason: 'exhausted', retryAfter: 0.05 })]
    ])('after %s the same records come again', async (_, error) => {
      const subject = make()
      subject.add(2)
      const run = start(subject)
      const batch = await run.next()
      batch.settle(error)
      const again = await run.next()
      expect(subject.names(again)).toEqual(subject.names(batch))
      again.settle()
      subject.add(1)
      expect((await run.next()).logs.records).toBe(1)
    })

    test('the first settlement counts', async () => {
      const subject = make()
      subject.add(2)
      const run = start(subject)
      const batch = await run.next()
      batch.settle()
      batch.settle(new Error('too late'))
      subject.add(1)
      expect((await run.next()).logs.records).toBe(1)
    })

    test('goes on behind the last batch that was durable', async () => {
      const subject = make()
      subject.add(2)
      const first = start(subject)
      const durable = await first.next()
      durable.settle()
      subject.add(1)
      const lost = await first.next()
      first.subscription.unsubscribe()
      const second = start(subject, durable.meta.resume)
      expect(subject.names(await second.next())).toEqual(subject.names(lost))
    })

    test('stopping waits for what is in flight, takes nothing new, and completes', async () => {
      const subject = make()
      subject.add(1)
      const run = start(subject)
      const batch = await run.next()
      let ended = false
      void run.ended.then(() => {
        ended = true
      })
      run.stop()
      subject.add(1)
      await new Promise(setImmediate)
      expect(ended).toBe(false)
      batch.settle()
      await run.ended
      expect(run.batches).toHaveLength(1)
      expect(subject.open()).toBe(0)
    })

    test('completes at once with nothing in flight', async () => {
      const subject = make()
      const run = start(subject)
      await run.endpoint
      run.stop()
      await run.ended
      expect(subject.open()).toBe(0)
    })

    test('unsubscribing closes its connection, and a late settlement harms nobody', async () => {
      const subject = make()
      subject.add(1)
      const run = start(subject)
      const batch = await run.next()
      run.subscription.unsubscribe()
      expect(subject.open()).toBe(0)
      batch.settle()
      subject.add(1)
      for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate)
      expect(run.batches).toHaveLength(1)
    })
  })
}
