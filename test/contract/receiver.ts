import { once } from 'node:events'
import type { Subscription } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Batch,
  PermanentError,
  type Receiver,
  type ReceiverContext,
  RefusedError
} from '../../src/component.ts'
import { createDedup } from '../../src/dedup/dedup.ts'
import { parseIdPath } from '../../src/dedup/id_path.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { createLog } from '../../src/telemetry/log.ts'

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

/** What a receiver's test watches of one run of it. */
export interface Run {
  readonly subscription: Subscription
  /** Aborts `context.stopping`. */
  stop(): void
  /** The first address announced, `host:port`. */
  readonly endpoint: Promise<string>
  /** Ends when the receiver completes; rejects with its error. */
  readonly ended: Promise<void>
  /** The next batch nobody has asked for yet. */
  next(): Promise<Batch>
  readonly batches: readonly Batch[]
}

export interface RunOptions {
  /** The mark of an earlier run. */
  readonly resume?: string | undefined
  /** Its lines from `info` on. */
  readonly said?: string[]
}

/** Subscribes to a receiver as the engine would; `each` sees every batch as it comes. */
export function runReceiver(
  make: (context: ReceiverContext) => Receiver,
  each?: (batch: Batch) => void,
  { resume, said = [] }: RunOptions = {}
): Run {
  const stopping = new AbortController()
  const address = Promise.withResolvers<string>()
  const ended = Promise.withResolvers<void>()
  const batches: Batch[] = []
  const arrival = new EventTarget()
  let taken = 0
  ended.promise.catch(address.reject)
  address.promise.catch(() => {})
  const context: ReceiverContext = {
    id: 'under_test',
    log: createLog({ level: 'info', encoding: 'console', write: (line) => said.push(line) }),
    stopping: stopping.signal,
    ...(resume !== undefined && { resume }),
    ready: (text) => address.resolve(text.replace(/^\S+ /, '').replace(/(:\d+)\/.*/, '$1'))
  }
  const subscription = make(context).subscribe({
    next(batch) {
      batches.push(batch)
      arrival.dispatchEvent(new Event('batch'))
      each?.(batch)
    },
    error: ended.reject,
    complete: ended.resolve
  })
  return {
    subscription,
    stop: () => stopping.abort(),
    endpoint: address.promise,
    ended: ended.promise,
    batches,
    async next() {
      while (batches.length <= taken) await once(arrival, 'batch')
      return batches[taken++]!
    }
  }
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

/** With `dedup` a sender hears the same, whoever has stored its record. */
function testDedup(name: string, { receiver, id, sendEvent }: Subject): void {
  describe(`${name} behind dedup`, () => {
    let run: Run
    let endpoint: string
    let passed: { batch: Batch; stored(lsn: number): void }[]
    let lsn = 0

    beforeEach(async () => {
      passed = []
      const dedup = {
        ...{ id: parseIdPath(id)!, compare: 'content' as const },
        ...{ window: 60_000, max_entries: 100, scope: 'shared' }
      }
      const log = createLog({ level: 'error', encoding: 'json', write: () => {} })
      const sieve = createDedup([{ id: 'under_test', dedup }], log).sieve('under_test', {
        pass: (batch, stored) => void passed.push({ batch, stored }),
        mark: () => {}
      })!
      run = runReceiver((context) => receiver('127.0.0.1:0', context), sieve)
      endpoint = await run.endpoint
    })
    afterEach(() => run.subscription.unsubscribe())

    const next = async (index: number) => {
      await vi.waitFor(() => expect(passed.length).toBeGreaterThan(index))
      return passed[index]!
    }
    const store = async (index: number) => {
      const { batch, stored } = await next(index)
      stored(++lsn)
      batch.settle()
      return batch
    }

    test('a repeat of what is stored is accepted and not passed on', async () => {
      const first = sendEvent(endpoint, 'a', 'created')
      await store(0)
      expect(await first).toEqual({ outcome: 'accepted' })
      expect(await sendEvent(endpoint, 'a', 'created')).toEqual({ outcome: 'accepted' })
      expect(passed).toHaveLength(1)
    })

    test('two at once are both accepted when one of them is stored', async () => {
      const heard = [1, 2].map(() => sendEvent(endpoint, 'a', 'created'))
      await store(0)
      expect(await Promise.all(heard)).toEqual(heard.map(() => ({ outcome: 'accepted' })))
      expect(passed).toHaveLength(1)
    })

    test('the same id with other content is accepted, stored and marked', async () => {
      const first = sendEvent(endpoint, 'a', 'created')
      await store(0)
      await first
      const second = sendEvent(endpoint, 'a', 'deleted')
      const { logs } = await store(1)
      expect(await second).toEqual({ outcome: 'accepted' })
      const [{ attributes }] = decodeLogs(logs) as [ReturnType<typeof decodeLogs>[0]]
      expect(attributes['auditcol.duplicate_id']).toBe('conflict')
    })
  })
}
