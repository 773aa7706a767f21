import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSettled, type Position, settleRange } from '../../src/journal/position.ts'

test('J4: mark and ranges say exactly what was settled, whatever the order', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }))
    .map(([first, more]): [number, number] => [first, first + more])
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
      const position: Position = { mark: 0, ranges: [] }
      const settled = new Set<number>()
      for (const [first, last] of ranges) {
        settleRange(position, [first, last])
        for (let lsn = first; lsn <= last; lsn++) settled.add(lsn)
      }
      for (let lsn = 1; lsn <= 75; lsn++) expect(isSettled(position, lsn)).toBe(settled.has(lsn))
      let before = position.mark
      for (const [first, last] of position.ranges) {
        expect(first).toBeGreaterThan(before + 1)
        before = last
      }
    })
  )
})
