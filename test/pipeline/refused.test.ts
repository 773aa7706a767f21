import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Exporter, PermanentError, type Refused } from '../../src/component.ts'
import type { NewLetter } from '../../src/journal/letters.ts'
import { noLogs } from '../../src/logs/logs.ts'
import { createDeadLetters, type WriteLetter } from '../../src/pipeline/dead_letters.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { reasonOf } from '../../src/telemetry/reason.ts'
import { bodiesOf, named, sent } from '../batches.ts'
import { delivery, failing, retry } from './deliveries.ts'

/* L5: what will fail again. */

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A delivery whose dead letters are kept in a list; `write` may fail. */
function keeping(exporter: Exporter, write: () => void = () => {}, budget = retry) {
  const kept: string[][] = []
  const letters: NewLetter[] = []
  const settled: unknown[] = []
  const put: WriteLetter = async (letter, logs) => {
    write()
    kept.push(bodiesOf(logs))
    letters.push(letter)
    return `letter-${letters.length - 1}`
  }
  const log = createLog({ level: 'error', encoding: 'json', write: () => {} })
  const made = delivery(exporter, {
    retry: budget,
    letters: createDeadLetters(put, log),
    refused: (covers, letters, records) => void settled.push({ covers, letters, records })
  })
  return { ...made, kept, letters, settled }
}

const five = () => sent(named('a', 'b', 'c', 'd', 'e'), { covers: [[4, 9]] })
const wrong = (options: ConstructorParameters<typeof PermanentError>[1]) =>
  new PermanentError('wrong', options)

test('L5 again: the named records are letters, and the others go again', async () => {
  const backend = failing(wrong({ records: [1, 3], rest: 'again' }), wrong({ records: [2] }))
  const { take, kept, letters, settled, made } = keeping(backend.exporter)
  const batch = five()
  take(batch)
  await vi.runAllTimersAsync()
  expect(kept).toEqual([['b', 'd'], ['e']])
  expect(letters[0]).toMatchObject({ by: 'backend', at: 'exporter', reason: 'wrong' })
  expect(backend.batches.map(({ logs }) => bodiesOf(logs).join(''))).toEqual(['abcde', 'ace', 'ac'])
  expect(backend.batches.at(-1)!.meta).toMatchObject({
    letters: ['letter-0', 'letter-1'],
    dead: 3
  })
  expect(settled).toEqual([{ covers: [[4, 9]], letters: ['letter-0', 'letter-1'], records: 3 }])
  expect([batch.outcomes, made.delivered]).toEqual([[undefined], 2])
})

test('L5 delivered: the others have arrived and do not go again', async () => {
  const backend = failing(wrong({ records: [0], rest: 'delivered' }))
  const { take, kept, made } = keeping(backend.exporter)
  take(five())
  await vi.runAllTimersAsync()
  expect([kept, backend.batches.length, made.delivered]).toEqual([[['a']], 1, 4])
})

test('L5 unnamed: all are kept, so many are counted', async () => {
  const backend = failing(wrong({ unnamed: 2, rest: 'delivered' }))
  const { take, kept, letters, settled, made } = keeping(backend.exporter)
  take(five())
  await vi.runAllTimersAsync()
  expect(kept).toEqual([['a', 'b', 'c', 'd', 'e']])
  expect(letters).toMatchObject([{ unnamed: 2 }])
  expect(settled).toMatchObject([{ records: 2 }])
  expect(made.delivered).toBe(3)
})

test('an error that names no record of the batch concerns all of it: it is not repeated for ever', async () => {
  const backend = failing(wrong({ records: [7], rest: 'again' }))
  const { take, kept } = keeping(backend.exporter)
  take(five())
  await vi.runAllTimersAsync()
  expect([kept, backend.batches.length]).toEqual([[['a', 'b', 'c', 'd', 'e']], 1])
})

test('a spent budget is a letter, with the reason of the last attempt', async () => {
  const backend = failing(new Error('away'))
  const { take, letters } = keeping(backend.exporter, () => {}, { ...retry, enabled: false })
  take(five())
  await vi.runAllTimersAsync()
  expect(letters).toMatchObject([{ reason: 'no more retries left: away', at: 'exporter' }])
})

test('L6: what processors refused is kept before the exporter sees the rest, one letter a reason and sender', async () => {
  const order: string[] = []
  const exporter: Exporter = async ({ logs, meta }) => {
    order.push(`export ${bodiesOf(logs)} ${meta.letters} ${meta.dead}`)
  }
  const { take, kept, letters, settled } = keeping(exporter, () => order.push('letter'))
  const client = { tenant: ['a'] }
  const from = (lsn: number) => ({
    ...{ receiver: 'otlp', arrived: lsn, covers: [[lsn, lsn] as const] },
    ...{ client, address: `10.0.0.${lsn}` }
  })
  const refused = (body: string, lsn: number, reason: string): Refused => ({
    ...{ logs: named(body), reason, by: 'redact', at: 'processors', from: from(lsn) }
  })
  take(
    sent(named('x'), {
      covers: [[1, 5]],
      refused: [refused('a', 2, 'no id'), refused('b', 1, 'no id'), refused('c', 5, 'too old')]
    })
  )
  await vi.runAllTimersAsync()
  expect(order).toEqual(['letter', 'letter', 'export x letter-0,letter-1 3'])
  expect(kept).toEqual([['a', 'b'], ['c']])
  expect(letters).toMatchObject([
    { by: 'redact', at: 'processors', reason: 'no id', arrived: 1, covers: [[1, 2]], client },
    { reason: 'too old', covers: [[5, 5]], client, address: '10.0.0.5' }
  ])
  expect(letters[0]).not.toHaveProperty('address')
  expect(settled).toEqual([{ covers: [[1, 5]], letters: ['letter-0', 'letter-1'], records: 3 }])
})

test('L6: a batch of which nothing is left gets its letters, and no exporter is called for it', async () => {
  const backend = failing()
  const { take, kept, settled } = keeping(backend.exporter)
  const refused: Refused[] = [
    { logs: named('a'), reason: 'no id', by: 'redact', at: 'processors', from: five().meta }
  ]
  const batch = sent(noLogs, { covers: [[4, 9]], refused })
  take(batch)
  await vi.runAllTimersAsync()
  expect([kept, backend.batches, batch.outcomes]).toEqual([[['a']], [], [undefined]])
  expect(settled).toMatchObject([{ records: 1 }])
})

test('if a letter cannot be written the lane waits, and at a stop its batch stays where it is', async () => {
  let full = true
  const backend = failing(wrong({}), wrong({}))
  const write = () => {
    if (full) throw new Error('disk full')
  }
  const { take, halt, kept } = keeping(backend.exporter, write)
  const [first, second] = [five(), five()]
  take(first)
  await vi.advanceTimersByTimeAsync(5_000)
  expect([kept, first.outcomes]).toEqual([[], []])
  full = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect([kept.length, first.outcomes]).toEqual([1, [undefined]])
  full = true
  take(second)
  await vi.advanceTimersByTimeAsync(5_000)
  halt()
  await vi.runAllTimersAsync()
  expect(second.outcomes.map(reasonOf)).toEqual(['stopping'])
})

test('a record above the bytes that an exporter is handed at once is a letter by itself', async () => {
  const backend = failing()
  const { take, kept, letters, made } = keeping(backend.exporter)
  const long = 'x'.repeat(300)
  take(sent(named('a', long, 'b'), { piece: { bytes: 200 } }))
  await vi.runAllTimersAsync()
  expect(kept).toEqual([[long]])
  expect(letters[0]!.reason).toMatch(/^a record of 3\d\d bytes is above the 200 bytes that/)
  expect(backend.batches.map(({ logs }) => bodiesOf(logs).join(''))).toEqual(['a', 'b'])
  expect(made.delivered).toBe(2)
})
