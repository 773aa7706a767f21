import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  PermanentError,
  type Receiver,
  type ReceiverContext,
  RefusedError
} from '../../src/component.ts'
import { testDedup } from './receiver_dedup.ts'
import { type Run, runReceiver } from './run_receiver.ts'

/** A receiver under test, and a sender that speaks its protocol. */
export interface Subject {
  /** The receiver listening at `host:port`; port 0 is a free one. */
  receiver(endpoint: string, context: ReceiverContext): Receiver
  /** Sends so many records and resolves with what the sender heard; rejects when nobody answers. */
  send(endpoint: string, records: number): Promise<Heard>
  /** Where `dedup` finds the id of what `sendEvent` sends. */
  readonly id: string
  /** Sends one record with this id and text. */
  sendEvent(endpoint: string, id: string, text: string): Promise<Heard>
}

export interface Heard {
  /** Safe; to be sent again; not to be sent again. */
  readonly outcome: 'accepted' | 'again' | 'never'
  /** Seconds after which to send again, when the answer names them. */
  readonly retryAfter?: number
}

/** Holds any receiver to the contract in src/component.ts. */
export function testReceiver(name: string, subject: Subject): void {
  const { receiver, send } = subject
  testDedup(name, subject)
  describe(`${name} keeps the contract of receivers`, () => {
    let run: Run
    let endpoint: string

    beforeEach(async () => {
      run = runReceiver((context) => receiver('127.0.0.1:0', context))
      endpoint = await run.endpoint
    })
    afterEach(() => run.subscription.unsubscribe())

    test('hands on every record with its id and its arrival', async () => {
      const before = Date.now()
      const heard = send(endpoint, 3)
      const { logs, meta, settle } = await run.next()
      expect(logs.records).toBe(3)
      expect(logs.bytes).toBe(logs.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      expect(meta.receiver).toBe('under_test')
      expect(meta.arrived).toBeGreaterThanOrEqual(before)
      expect(meta.arrived).toBeLessThanOrEqual(Date.now())
      settle()
      expect((await heard).outcome).toBe('accepted')
    })

    test('answers a batch when it is settled, not before, in any order', async () => {
      let firstHeard: Heard | undefined
      const first = send(endpoint, 1).then((heard) => {
        firstHeard = heard
      })
      const firstBatch = await run.next()
      const second = send(endpoint, 2)
      const secondBatch = await run.next()
      secondBatch.settle()
      expect(await second).toEqual({ outcome: 'accepted' })
      expect(firstHeard).toBeUndefined()
      firstBatch.settle()
      await first
      expect(firstHeard).toEqual({ outcome: 'accepted' })
    })

    test.each<[string, Error, Heard]>([
      ['a passing error', new Error('disk gone'), { outcome: 'again', retryAfter: 1 }],
      ['a permanent error', new PermanentError('no'), { outcome: 'never' }],
      [
        'a limit',
        new RefusedError('full', { reason: 'exhausted', retryAfter: 6.2 }),
        { outcome: 'again', retryAfter: 7 }
      ],
      [
        'a journal that cannot store',
        new RefusedError('full', { reason: 'unavailable', retryAfter: 30 }),
        { outcome: 'again', retryAfter: 30 }
      ]
    ])('tells the sender of %s, and goes on', async (_, error, expected) => {
      const heard = send(endpoint, 1)
      const batch = await run.next()
      batch.settle(error)
      expect(await heard).toEqual(expected)
      const next = send(endpoint, 1)
      const nextBatch = await run.next()
      nextBatch.settle()
      expect(await next).toEqual({ outcome: 'accepted' })
    })

    test('the first settlement counts', async () => {
      const heard = send(endpoint, 1)
      const batch = await run.next()
      batch.settle()
      batch.settle(new PermanentError('too late'))
      expect(await heard).toEqual({ outcome: 'accepted' })
    })

    test('stopping waits for what is in flight, answers it, and completes', async () => {
      let ended = false
      void run.ended.then(() => {
        ended = true
      })
      const first = send(endpoint, 1)
      const second = send(endpoint, 2)
      const batches = [await run.next(), await run.next()]
      run.stop()
      batches[0]!.settle()
      await Promise.race([first, second])
      expect(ended).toBe(false)
      batches[1]!.settle(new RefusedError('stopping', { reason: 'unavailable' }))
      const outcomes = (await Promise.all([first, second])).map(({ outcome }) => outcome)
      expect(outcomes.sort()).toEqual(['accepted', 'again'])
      await run.ended
    })

    test('what a sender hears is safe was handed on, also while stopping', async () => {
      let accepted = 0
      const sending = Array.from({ length: 20 }, async () => {
        for (let sent = 0; sent < 20; sent++) {
          const heard = await send(endpoint, 1).catch(() => undefined)
          if (heard === undefined) return
          if (heard.outcome === 'accepted') accepted++
        }
      })
      for (let settled = 0; settled < 100; settled++) (await run.next()).settle()
      run.stop()
      const settling = run.ended.then(() => 'ended' as const)
      for (;;) {
        const batch = await Promise.race([run.next(), settling])
        if (batch === 'ended') break
        batch.settle()
      }
      await Promise.all(sending)
      const emitted = run.batches.reduce((sum, { logs }) => sum + logs.records, 0)
      expect(accepted).toBeGreaterThanOrEqual(100)
      expect(emitted).toBeGreaterThanOrEqual(accepted)
    })

    test('completes at once with nothing in flight, and nobody listens any more', async () => {
      run.stop()
      await run.ended
      await expect(send(endpoint, 1)).rejects.toThrow()
    })

    test('unsubscribing frees the port at once, and a late settlement harms nobody', async () => {
      const heard = send(endpoint, 1).catch(() => 'cut off')
      const batch = await run.next()
      run.subscription.unsubscribe()
      expect(await heard).toBe('cut off')
      batch.settle()
      const again = runReceiver((context) => receiver(endpoint, context))
      try {
        expect(await again.endpoint).toBe(endpoint)
        const heardAgain = send(endpoint, 1)
        const nextBatch = await again.next()
        nextBatch.settle()
        expect(await heardAgain).toEqual({ outcome: 'accepted' })
      } finally {
        again.subscription.unsubscribe()
      }
    })

    test('a port in use is one sentence that names it', async () => {
      const second = runReceiver((context) => receiver(endpoint, context))
      await expect(second.ended).rejects.toThrow(
        new RegExp(`^listening on ${endpoint}: address already in use[^\n]*$`)
      )
    })
  })
}
