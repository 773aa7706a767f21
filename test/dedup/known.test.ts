import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKnown, knownBytes } from '../../src/dedup/known.ts'

/** Prints of a record; few ids and contents, so that they meet. */
function printsOf(id: number, content: number): Buffer {
  const part = (text: string) => createHash('sha256').update(text).digest().subarray(0, 16)
  return Buffer.concat([part(`id ${id}`), part(`content ${id} ${content}`)])
}

interface Entry {
  readonly id: number
  readonly content: number
  readonly time: number
}

const step = fc.record({ id: fc.nat(12), content: fc.nat(2), later: fc.nat(4) })

test('knows exactly the newest entries within the window, however many have come and gone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(step, { maxLength: 200 }),
      (max, steps) => {
        const window = 20
        const known = createKnown(max, window)
        let entries: Entry[] = []
        let crowded = 0
        let now = 0
        for (const { id, content, later } of steps) {
          now += later
          known.expire(now)
          entries = entries.filter(({ time }) => time + window > now)
          const isIn = entries.some((entry) => entry.id === id && entry.content === content)
          expect(known.hasContent(printsOf(id, content), 0)).toBe(isIn)
          expect(known.hasId(printsOf(id, content), 0)).toBe(
            entries.some((entry) => entry.id === id)
          )
          if (isIn) continue
          if (entries.length === max) {
            entries.shift()
            crowded++
          }
          known.add(printsOf(id, content), 0, now, 0)
          entries.push({ id, content, time: now })
        }
        expect(known.next - known.first).toBe(entries.length)
        expect(known.crowded).toBe(crowded)
      }
    )
  )
})

test('what is given out is taken back, each once', () => {
  const known = createKnown(5, 100)
  for (let id = 0; id < 8; id++) known.add(printsOf(id, 0), 0, id, id)
  expect(known.firstAbove(5, 0)).toBe(6)
  const entries = Buffer.concat(known.entries(known.first, known.next))
  const other = createKnown(10, 100)
  other.restore(entries)
  other.restore(entries)
  expect(other.next).toBe(5)
  for (let id = 0; id < 8; id++) expect(other.hasId(printsOf(id, 0), 0)).toBe(id >= 3)
  other.expire(105)
  expect(other.hasId(printsOf(5, 0), 0)).toBe(false)
  expect(other.hasId(printsOf(6, 0), 0)).toBe(true)
})

test('an id takes 64 to 80 bytes, as the docs say', () => {
  for (const max of [1, 1000, 1_000_000, 2 ** 20, 2 ** 20 + 1]) {
    expect(knownBytes(max) / max).toBeGreaterThanOrEqual(64)
    expect(knownBytes(max) / max).toBeLessThanOrEqual(80)
  }
})
