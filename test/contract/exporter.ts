import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Exporter, PermanentError } from '../../src/component.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { sent } from '../batches.ts'

export interface ExporterUnderTest {
  readonly exporter: Exporter
  /** Some records that it can take. */
  readonly logs: Logs
  /** Records that can never pass; left out where there are none for this exporter. */
  readonly impossible?: Logs
  /** Whether the records of the last call are durable where the exporter takes them. */
  arrived(): Promise<boolean>
  /** Makes calls fail until `heal`, and hang until `heal`; left out where nothing can come between. */
  breakDown?(): void
  hang?(): void
  heal(): void
  /** It repeats what fails itself, so a call waits where others reject. */
  readonly repeats?: boolean
  stop(): Promise<void>
}

/** What src/component.ts asks of every exporter, tried on one. */
export function testExporter(name: string, make: () => Promise<ExporterUnderTest>): void {
  describe(`${name} is an exporter`, () => {
    let under: ExporterUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(() => under?.stop())
    const never = () => new AbortController().signal

    test('resolves when the records have been taken over, and not before', async () => {
      expect(await under.arrived()).toBe(false)
      await under.exporter(sent(under.logs), never())
      expect(await under.arrived()).toBe(true)
    })

    test('never settles the batch: that is the lane that does it', async () => {
      const batch = sent(under.logs)
      await under.exporter(batch, never())
      expect(batch.outcomes).toEqual([])
    })

    test('rejects or waits while it cannot deliver, and takes the same batch when it can again', async () => {
      if (under.breakDown === undefined) return expect(under.hang).toBeUndefined()
      const batch = sent(under.logs)
      under.breakDown()
      if (under.repeats) {
        const call = under.exporter(batch, never())
        setTimeout(under.heal, 50)
        await call
        return expect(await under.arrived()).toBe(true)
      }
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await under.exporter(batch, never()).catch((error: Error) => error)
        expect(error).toBeInstanceOf(Error)
        expect(error).not.toBeInstanceOf(PermanentError)
      }
      under.heal()
      await under.exporter(batch, never())
      expect(await under.arrived()).toBe(true)
    })

    test('a signal ends the call, before and while it runs, and the batch can be sent again', async () => {
      const batch = sent(under.logs)
      const aborted = AbortSignal.abort(new Error('stopping'))
      await expect(under.exporter(batch, aborted)).rejects.toThrow('stopping')
      if (under.hang !== undefined) {
        under.hang()
        const stop = new AbortController()
        const call = under.exporter(batch, stop.signal)
        const seen = expect(call).rejects.toThrow()
        stop.abort(new Error('stopping'))
        await seen
        under.heal()
      }
      await under.exporter(batch, never())
      expect(await under.arrived()).toBe(true)
    })

    test('data that can never pass is a PermanentError, and the next batch passes', async () => {
      if (under.impossible !== undefined) {
        const error = await under
          .exporter(sent(under.impossible), never())
          .catch((error: Error) => error)
        expect(error).toBeInstanceOf(PermanentError)
        const { records = [] } = error as PermanentError
        for (const index of records) expect(index).toBeLessThan(under.impossible.records)
      }
      await under.exporter(sent(under.logs), never())
    })

    test('batches at the same time all arrive', async () => {
      const batches = Array.from({ length: 8 }, () => sent(under.logs))
      await Promise.all(batches.map((batch) => under.exporter(batch, never())))
      expect(await under.arrived()).toBe(true)
    })

    test('no byte of the logs is changed', async () => {
      const before = under.logs.chunks.map((chunk) => Buffer.from(chunk))
      await under.exporter(sent(under.logs), never())
      expect(under.logs.chunks.map((chunk) => Buffer.from(chunk))).toEqual(before)
    })
  })
}
