import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  type Batch,
  type LaneContext,
  PermanentError,
  type Processor
} from '../../src/component.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { laneContext, type Sent, sent } from '../batches.ts'

export interface ProcessorTraits {
  /** It leaves out records; how many come through is then its own tests' business. */
  readonly drops?: boolean
  /** It changes records; their bytes are then its own tests' business. */
  readonly changes?: boolean
}

/** What src/component.ts asks of every processor, tried on one. */
export function testProcessor(
  name: string,
  make: (context: LaneContext) => Processor,
  { drops = false, changes = false }: ProcessorTraits = {}
): void {
  describe(`${name} is a processor`, () => {
    test('every batch is settled exactly once', () => {
      const { batches, complete } = run(make, (batch) => batch.settle())
      complete()
      expect(batches.map(({ outcomes }) => outcomes)).toEqual(batches.map(() => [undefined]))
    })

    test('an error passes to every batch, once', () => {
      const error = new PermanentError('storing')
      const { batches, out, complete } = run(make, (batch) => batch.settle(error))
      complete()
      for (const { outcomes } of batches) expect(outcomes).toHaveLength(1)
      const reached = batches.filter(({ outcomes }) => outcomes[0] === error)
      if (drops) expect(reached.length > 0).toBe(out.length > 0)
      else expect(reached).toHaveLength(batches.length)
    })

    test('nothing is settled before the end of the lane has settled it', () => {
      const { batches, out, complete } = run(make, () => {})
      complete()
      const settled = batches.filter(({ outcomes }) => outcomes.length > 0)
      if (!drops) expect(settled).toHaveLength(0)
      for (const batch of out) batch.settle()
      expect(batches.map(({ outcomes }) => outcomes)).toEqual(batches.map(() => [undefined]))
    })

    test('completion of the source sends what waits, then completes', () => {
      const { batches, out, complete, completed } = run(make, (batch) => batch.settle())
      expect(completed()).toBe(false)
      complete()
      expect(completed()).toBe(true)
      const passed = out.reduce((sum, { logs }) => sum + logs.records, 0)
      const given = batches.reduce((sum, { logs }) => sum + logs.records, 0)
      if (drops) expect(passed).toBeLessThanOrEqual(given)
      else expect(passed).toBe(given)
    })

    test('counts are those of the chunks', () => {
      const { out, complete } = run(make, (batch) => batch.settle())
      complete()
      for (const { logs } of out) {
        expect(logs.bytes).toBe(logs.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
        expect(logs.records).toBe(logs.chunks.reduce((sum, chunk) => sum + bodies(chunk).length, 0))
      }
    })

    test('records keep their order', () => {
      const { out, complete } = run(make, (batch) => batch.settle())
      complete()
      const seen = out.flatMap(({ logs }) => logs.chunks.flatMap(bodies))
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
      if (!drops) expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => index))
    })

    test('bytes that it does not change are handed on uncopied, and never written to', () => {
      const { batches, out, complete, before } = run(make, (batch) => batch.settle())
      complete()
      expect(batches.map(({ logs }) => Buffer.concat(logs.chunks).toString('hex'))).toEqual(before)
      if (drops || changes) return
      const chunks = batches.flatMap(({ logs }) => logs.chunks)
      const passed = out.flatMap(({ logs }) => logs.chunks)
      expect(passed.every((chunk, index) => chunk === chunks[index])).toBe(true)
    })

    test('journal positions stay covered: nothing is lost from them, nothing is answered twice', () => {
      const { out, batches, complete } = run(make, (batch) => batch.settle())
      complete()
      const covered = out.flatMap(({ meta }) => meta.covers ?? []).flatMap(positions)
      const given = batches.flatMap(({ meta }) => meta.covers ?? []).flatMap(positions)
      expect(new Set(covered).size).toBe(covered.length)
      if (drops) expect(given).toEqual(expect.arrayContaining(covered))
      else expect(covered.toSorted((a, b) => a - b)).toEqual(given)
    })

    test('L4: records that it cannot read do not end the stream', () => {
      const input = new Subject<Batch>()
      const out: Batch[] = []
      let failed: unknown
      const subscription = input.pipe(make(laneContext())).subscribe({
        next: (batch) => out.push(batch),
        error: (error: unknown) => (failed = error)
      })
      const broken = sent({ chunks: [Uint8Array.of(0x0a, 0xff, 0xff)], bytes: 3, records: 1 })
      const sound = sent(numbered(0, 1))
      input.next(broken)
      input.next(sound)
      input.complete()
      expect(failed).toBeUndefined()
      for (const batch of out) batch.settle()
      expect(broken.outcomes).toHaveLength(1)
      expect([undefined, PermanentError]).toContain(broken.outcomes[0]?.constructor)
      expect(sound.outcomes).toEqual([undefined])
      subscription.unsubscribe()
    })
  })
}

function run(make: (context: LaneContext) => Processor, take: (batch: Batch) => void) {
  const input = new Subject<Sent>()
  const out: Batch[] = []
  let done = false
  input.pipe(make(laneContext())).subscribe({
    next: (batch) => {
      out.push(batch)
      take(batch)
    },
    complete: () => {
      done = true
    }
  })
  const batches = [0, 1, 2, 3, 4].map((at) =>
    sent(numbered(at * 5, 5), { covers: [[at * 3, at * 3 + 1]] })
  )
  const before = batches.map(({ logs }) => Buffer.concat(logs.chunks).toString('hex'))
  for (const batch of batches) input.next(batch)
  return { batches, before, out, complete: () => input.complete(), completed: () => done }
}

/** One request whose records carry the numbers from `first` on as their integer bodies. */
function numbered(first: number, count: number): Logs {
  const records = Array.from({ length: count }, (_, index) => [
    ...[0x12, 4, 0x2a, 2, 0x18, first + index]
  ])
  const scope = [0x12, records.length * 6, ...records.flat()]
  const chunk = Uint8Array.from([0x0a, scope.length, ...scope])
  return { chunks: [chunk], bytes: chunk.length, records: count }
}

/** The integer bodies (field 5, of one byte) in a request of `numbered`. */
function bodies(chunk: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0; at + 3 < chunk.length; at++) {
    if (chunk[at] === 0x2a && chunk[at + 1] === 2 && chunk[at + 2] === 0x18)
      found.push(chunk[at + 3]!)
  }
  return found
}

function positions([first, last]: readonly [number, number]): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
