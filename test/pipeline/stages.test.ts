import { concatMap, filter, map, Subject } from 'rxjs'
import { expect, test } from 'vitest'
import { type Batch, PermanentError, type Processor, type Refused } from '../../src/component.ts'
import { eachBatch } from '../../src/each_batch.ts'
import { noLogs } from '../../src/logs/logs.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { createDeadLetters } from '../../src/pipeline/dead_letters.ts'
import { throughStages } from '../../src/pipeline/stages.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { reasonOf } from '../../src/telemetry/reason.ts'
import { bodiesOf, named, sent } from '../batches.ts'

/** A lane's processors under their names; `end` is what comes out of the last, `past` what goes past them. */
function stages(processors: Record<string, Processor>) {
  const input = new Subject<Batch>()
  const end: Batch[] = []
  const past: Batch[] = []
  let failed: unknown
  let completed = false
  const log = createLog({ level: 'error', encoding: 'json', write: () => {} })
  const letters = createDeadLetters(async ({ reason }) => reason, log)
  throughStages(input, {
    stages: Object.entries(processors).map(([name, processor]) => ({ name, processor })),
    letters,
    past: (batch) => past.push(batch)
  }).subscribe({
    next: (batch) => end.push(batch),
    error: (error: unknown) => (failed = error),
    complete: () => (completed = true)
  })
  /** What the end of a lane does. */
  const answer = async ({ meta, settle }: Batch) => {
    if (meta.refused) await letters.keep(meta.refused, new AbortController().signal)
    settle()
  }
  return { input, end, past, answer, failed: () => failed, completed: () => completed }
}

const refusing = (bad: string) =>
  eachBatch((logs) => {
    const wrong = bodiesOf(logs).find((body) => bad.includes(body))
    if (wrong !== undefined) throw new Error(`${wrong} is wrong`)
    return logs
  })
const dropping = (bad: string) =>
  eachBatch((logs) => {
    const bodies = bodiesOf(logs)
    return pickRecords(logs, (index) => !bad.includes(bodies[index]!))
  })
const upper = eachBatch((logs) => named(...bodiesOf(logs).map((body) => body.toUpperCase())))

const told = ({ refused = [] }: Batch['meta']) =>
  refused.map(({ logs, by, at, reason }) => [by, at, bodiesOf(logs).join(''), reason])

test('L4: what a processor throws for is refused as it reached it, and the others go on', async () => {
  const { input, end, past, answer } = stages({
    first: upper,
    second: refusing('BD'),
    third: upper
  })
  const batch = sent(named('a', 'b', 'c', 'd'), { covers: [[1, 2]] })
  input.next(batch)
  expect([bodiesOf(end[0]!.logs), past]).toEqual([['A', 'C'], []])
  const reason = 'processing (the first of 2 reasons): B is wrong'
  expect(told(end[0]!.meta)).toEqual([['second', 'processors', 'BD', reason]])
  expect(end[0]!.meta.refused![0]!.from.covers).toEqual([[1, 2]])
  expect(batch.outcomes).toEqual([])
  await answer(end[0]!)
  expect(batch.outcomes).toEqual([undefined])
})

test('L4: several processors may refuse of one batch', () => {
  const { input, end } = stages({ first: refusing('a'), second: refusing('b') })
  input.next(sent(named('a', 'b', 'c')))
  expect(told(end[0]!.meta).map(([by, , bodies]) => [by, bodies])).toEqual([
    ['first', 'a'],
    ['second', 'b']
  ])
})

test('L6: a batch of which nothing is left goes past the rest with what was refused of it', () => {
  const { input, end, past } = stages({ first: refusing('ab'), second: refusing('') })
  input.next(sent(named('a', 'b')))
  expect(end).toEqual([])
  expect(past.map(({ logs }) => logs.records)).toEqual([0])
  expect(told(past[0]!.meta).map(([by, , bodies]) => [by, bodies])).toEqual([['first', 'ab']])
})

const dropAll: Processor = filter((batch) => {
  batch.settle()
  return false
})

test.each([
  ['drops the others', dropping('bc')],
  ['is an operator that knows nothing of it', dropAll]
])('L6: what was refused is not lost when a later processor %s', async (_, second) => {
  const { input, end, past, answer } = stages({ first: refusing('a'), second })
  const batch = sent(named('a', 'b', 'c'))
  input.next(batch)
  expect([end, batch.outcomes]).toEqual([[], []])
  expect(past.map(({ logs, meta }) => [logs.records, told(meta)[0]![2]])).toEqual([[0, 'a']])
  await answer(past[0]!)
  expect(batch.outcomes).toEqual([undefined])
})

/** An operator of one's own, which settles what it does not like. */
const own = (error: (batch: Batch) => PermanentError | undefined): Processor =>
  filter((batch) => {
    const wrong = error(batch)
    if (wrong) batch.settle(wrong)
    return wrong === undefined
  })

test('a PermanentError of an operator of its own is a letter too, and ends no stream', () => {
  const wrong = new PermanentError('bad tenant')
  const { input, end, past, failed } = stages({
    first: upper,
    tenant: own(({ meta }) => (meta.receiver === 'bad' ? wrong : undefined))
  })
  input.next(sent(named('a'), { receiver: 'bad' }))
  input.next(sent(named('b')))
  expect(told(past[0]!.meta)).toEqual([['tenant', 'processors', 'A', 'bad tenant']])
  expect(end.map(({ logs }) => bodiesOf(logs))).toEqual([['B']])
  expect(failed()).toBeUndefined()
})

test.each([
  ['again', ['b', 'c']],
  ['delivered', []]
] as const)('rest: %s of an operator of its own', (rest, left) => {
  const { input, end, past } = stages({
    tenant: own(({ logs }) =>
      bodiesOf(logs)[0] === 'a' ? new PermanentError('no', { records: [0], rest }) : undefined
    )
  })
  input.next(sent(named('a', 'b', 'c')))
  expect(told([...end, ...past][0]!.meta)[0]![2]).toBe('a')
  expect(end.flatMap(({ logs }) => bodiesOf(logs))).toEqual(left)
})

test('thousands of records that are refused one by one do not exhaust the stack', () => {
  const bodies = Array.from({ length: 5_000 }, () => 'a')
  const { input, past } = stages({
    one: own(() => new PermanentError('no', { records: [0] }))
  })
  input.next(sent(named(...bodies)))
  expect(past[0]!.meta.refused).toHaveLength(5_000)
})

test('another error still goes back: it is no letter', () => {
  const away = new Error('away')
  const { input, end, past } = stages({ first: upper })
  const batch = sent(named('a'))
  input.next(batch)
  end[0]!.settle(away)
  expect([batch.outcomes, past]).toEqual([[away], []])
})

test('an error of the stream itself ends the lane', () => {
  const broken = map((): Batch => {
    throw new Error('a bug')
  })
  const { input, failed } = stages({ broken })
  input.next(sent(named('a')))
  expect(failed()).toMatchObject({ message: 'a bug' })
})

test('what a processor refuses after its end stays where it is', async () => {
  const late = Promise.withResolvers<void>()
  const { input, completed, past } = stages({
    late: concatMap(async (batch: Batch) => {
      await late.promise
      batch.settle(new PermanentError('no', { records: [0] }))
      return batch
    })
  })
  const batch = sent(named('a', 'b'))
  input.next(batch)
  input.complete()
  late.resolve()
  await expect.poll(completed).toBe(true)
  expect(past).toEqual([])
  expect(batch.outcomes.map(reasonOf)).toEqual(['stopping'])
})

test('L5: a replayed letter enters at what refused it: those before have had it', () => {
  const { input, end, past } = stages({ first: refusing('a'), second: upper })
  const replay = (by: string, at: 'processors' | 'exporter') =>
    sent(named('a'), { replay: { letters: ['x'], at, by } })
  input.next(replay('second', 'processors'))
  expect(end.map(({ logs }) => bodiesOf(logs))).toEqual([['A']])
  input.next(replay('first', 'processors'))
  expect(told(past[0]!.meta)[0]![0]).toBe('first')
  // One that the configuration has no more: unprocessed data must never go out.
  input.next(replay('gone', 'processors'))
  expect(told(past[1]!.meta)[0]![0]).toBe('first')
  input.next(replay('awss3', 'exporter'))
  expect(past.slice(2).map(({ logs }) => bodiesOf(logs))).toEqual([['a']])
})

test('a frame that does not read passes no processor', () => {
  const { input, past, end } = stages({ first: refusing('') })
  const refused: Refused[] = [
    { ...{ logs: named('?'), reason: 'no', by: 'journal', at: 'journal' }, from: sent(noLogs).meta }
  ]
  input.next(sent(noLogs, { refused }))
  expect([end.length, past.length]).toEqual([0, 1])
})
