import { expect, test } from 'vitest'
import {
  fromBeginning,
  markOf,
  type Progress,
  progressFrom,
  take,
  takenMax
} from '../../src/litellm_table/progress.ts'

const at = (second: number) => `2026-11-23 08:${String(second).padStart(2, '0')}:00`
const bounds = { now: at(50), last: at(50), settled: at(30) }

const page = (rows: readonly (readonly [id: string, second: number])[], isLast = true) => ({
  rows: rows.map(([id, second]) => ({ id, updated_at: at(second) })),
  isLast
})

const idsOf = ({ taken }: Progress) => [...taken.keys()]

test('of rows that others may still appear behind the ids are kept, of final ones none', () => {
  const { progress } = take(
    fromBeginning,
    page([
      ['a', 10],
      ['b', 40],
      ['c', 45]
    ]),
    bounds
  )
  expect(progress.after).toEqual([at(30), ''])
  expect(idsOf(progress)).toEqual(['b', 'c'])
  const later = take(progress, page([['d', 35]]), { ...bounds, settled: at(42) }).progress
  expect(idsOf(later)).toEqual(['c'])
})

test('in the middle of old rows the mark is the last one, and has no ids', () => {
  const { progress, isLast } = take(
    fromBeginning,
    page(
      [
        ['a', 10],
        ['b', 10]
      ],
      false
    ),
    bounds
  )
  expect(isLast).toBe(false)
  expect(progress).toEqual({ after: [at(10), 'b'], taken: new Map() })
})

test('with as many ids as are kept at most young rows wait, and final ones are taken', () => {
  const taken = new Map(Array.from({ length: takenMax - 1 }, (_, n) => [`t-${n}`, at(40)]))
  const full = { after: [at(20), ''] as const, taken }
  const { rows, progress, isLast } = take(
    full,
    page(
      [
        ['final', 25],
        ['young', 41],
        ['waits', 42]
      ],
      false
    ),
    bounds
  )
  expect(rows.map(({ id }) => id)).toEqual(['final', 'young'])
  expect(progress.taken.size).toBe(takenMax)
  expect(isLast).toBe(true)
})

test('a mark gives the progress back; one of another version is refused', () => {
  const { progress } = take(
    fromBeginning,
    page([
      ['a', 10],
      ['b', 40]
    ]),
    bounds
  )
  expect(progressFrom(markOf(progress))).toEqual(progress)
  expect(() => progressFrom('{"v":2}')).toThrow(/^reading the receiver's mark: it has version 2/)
})
