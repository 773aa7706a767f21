import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Batch } from '../../src/component.ts'
import { createDedup } from '../../src/dedup/dedup.ts'
import { parseIdPath } from '../../src/dedup/id_path.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { createLog } from '../../src/telemetry/log.ts'
import type { Subject } from './receiver.ts'
import { type Run, runReceiver } from './run_receiver.ts'

/** With `dedup` a sender hears the same, whoever has stored its record. */
export function testDedup(name: string, { receiver, id, sendEvent }: Subject): void {
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
