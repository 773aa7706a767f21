import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type Batch, PermanentError } from '../src/component.ts'
import { eachBatch } from '../src/each_batch.ts'
import { noLogs } from '../src/logs/logs.ts'
import { reasonOf } from '../src/telemetry/reason.ts'
import { bodiesOf, named, opaque, sent } from './batches.ts'
import { testProcessor } from './contract/processor.ts'

testProcessor('a function that changes nothing', () => eachBatch((logs) => logs))
testProcessor('a function that drops every second batch', dropsEverySecond, { drops: true })
testProcessor('a function that refuses what it cannot read', () => eachBatch(refuseBroken))
testProcessor('a function that makes new logs', () => eachBatch((logs) => ({ ...logs })))

test('L4: a throw is a permanent error of that batch, and the next one flows', () => {
  const { input, out } = run((logs) => {
    if (logs.records === 1) throw new TypeError('no such field')
    return logs
  })
  const [bad, good] = [sent(opaque(1)), sent(opaque(2))]
  input.next(bad)
  input.next(good)
  expect(bad.outcomes).toHaveLength(1)
  expect(bad.outcomes[0]).toBeInstanceOf(PermanentError)
  expect(bad.outcomes[0]).toMatchObject({
    message: 'processing',
    cause: { message: 'no such field' }
  })
  expect(out).toEqual([good])
})

describe('L4: a throw is isolated to the records that cause it', () => {
  const letters = 'abcdefghijklm'.split('')
  const throwsFor = (bad: string, calls: { count: number } = { count: 0 }) =>
    run((logs) => {
      calls.count++
      const found = bodiesOf(logs).filter((body) => bad.includes(body))
      if (found.length > 0) throw new Error(`wrong: ${found[0]}`)
      return logs
    })
  const outcomeOf = ({ input }: ReturnType<typeof run>) => {
    const batch = sent(named(...letters))
    input.next(batch)
    expect(batch.outcomes).toHaveLength(1)
    return batch.outcomes[0] as PermanentError
  }

  test.each([
    ['a', [0]],
    ['m', [12]],
    ['cdk', [2, 3, 10]],
    ['acegikm', [0, 2, 4, 6, 8, 10, 12]]
  ])('%s', (bad, records) => {
    expect(outcomeOf(throwsFor(bad))).toMatchObject({ records, rest: 'again' })
  })

  test('with the first reason, and how many others there are', () => {
    expect(reasonOf(outcomeOf(throwsFor('ck')))).toBe(
      'processing (the first of 2 reasons): wrong: c'
    )
    expect(reasonOf(outcomeOf(throwsFor('c')))).toBe('processing: wrong: c')
  })

  test('when all of them do, in fewer calls than twice their number', () => {
    const calls = { count: 0 }
    expect(outcomeOf(throwsFor(letters.join(''), calls)).records).toBeUndefined()
    expect(calls.count).toBe(2 * letters.length - 1)
  })

  test('and to all of them when only together they do', () => {
    const tooMany = run((logs) => {
      if (logs.records > 4) throw new Error('too many')
      return logs
    })
    // Of thirteen, six and seven: both throw, and neither of their halves does.
    expect(outcomeOf(tooMany).records).toBeUndefined()
  })
})

test('a thrown PermanentError keeps the records that it names', () => {
  const error = new PermanentError('redacting', { records: [3] })
  const { input } = run(() => {
    throw error
  })
  const bad = sent(opaque(5))
  input.next(bad)
  expect(bad.outcomes).toEqual([error])
})

test('a batch that is not changed is the same object', () => {
  const { input, out } = run((logs) => logs)
  const batch = sent(opaque(1))
  input.next(batch)
  expect(out[0]).toBe(batch)
})

test('logs without records are settled as dropped and go no further', () => {
  const { input, out } = run(() => noLogs)
  const batch = sent(opaque(1))
  input.next(batch)
  expect(batch.outcomes).toEqual([undefined])
  expect(out).toEqual([])
})

test('changed logs keep the meta and the answer of their batch', () => {
  const changed = opaque(1)
  const { input, out } = run(() => changed)
  const batch = sent(opaque(2), { covers: [[4, 5]] })
  input.next(batch)
  expect(out[0]).toMatchObject({ logs: changed, meta: batch.meta })
  const error = new Error('sink away')
  out[0]!.settle(error)
  expect(batch.outcomes).toEqual([error])
})

test('the function sees the meta of the batch', () => {
  const { input, out } = run((logs, { meta }) => (meta.receiver === 'otlp' ? logs : noLogs))
  input.next(sent(opaque(1), { receiver: 'kafka' }))
  input.next(sent(opaque(2)))
  expect(out.map(({ logs }) => logs.records)).toEqual([2])
})

function run(change: Parameters<typeof eachBatch>[0]) {
  const input = new Subject<Batch>()
  const out: Batch[] = []
  input.pipe(eachBatch(change)).subscribe((batch) => out.push(batch))
  return { input, out }
}

function dropsEverySecond() {
  let count = 0
  return eachBatch((logs) => (count++ % 2 === 1 ? noLogs : logs))
}

function refuseBroken(logs: Batch['logs']): Batch['logs'] {
  if (logs.chunks.some((chunk) => chunk[1] === 0xff)) throw new Error('reading records')
  return logs
}
