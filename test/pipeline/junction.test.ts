import { Subject } from 'rxjs'
import { expect, test } from 'vitest'
import type { Batch, Connector } from '../../src/component.ts'
import { group } from '../../src/group.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { junction } from '../../src/pipeline/junction.ts'
import { bodiesOf, laneContext, named, sent } from '../batches.ts'
import { testProcessor } from '../contract/processor.ts'

/** Bodies with an `e` go elsewhere, those with a `d` nowhere; one with an `x` is more than it can read. */
const byBody: Connector = (logs) => {
  const bodies = bodiesOf(logs)
  if (bodies.includes('x')) throw new Error('x has no route')
  const elsewhere = bodies.filter((body) => body.includes('e')).length
  return { logs: pickRecords(logs, (index) => !/[de]/.test(bodies[index]!)), elsewhere }
}

function joined() {
  const input = new Subject<Batch>()
  const out: Batch[] = []
  const past: Batch[] = []
  const told: [unknown, number][] = []
  input
    .pipe(
      junction(byBody, {
        routed: (covers, records) => void told.push([covers, records]),
        past: (batch) => void past.push(batch)
      })
    )
    .subscribe((batch) => out.push(batch))
  return { input, out, past, told }
}

const covers = (at: number) => ({ covers: [[at, at]] as [number, number][] })

test('the batch goes on with what the next pipeline gets, and says how many went elsewhere', () => {
  const { input, out, told } = joined()
  const batch = sent(named('a', 'e', 'd', 'b', 'e'), { ...covers(4), accepted: 5 })
  input.next(batch)
  expect(out.map(({ logs, meta }) => [bodiesOf(logs), meta.routed, meta.accepted])).toEqual([
    [['a', 'b'], 2, 5]
  ])
  expect([told, batch.outcomes]).toEqual([[], []])
  out[0]!.settle()
  expect([told, batch.outcomes]).toEqual([[[[[4, 4]], 2]], [undefined]])
})

test('what was not settled was not routed either', () => {
  const { input, out, told } = joined()
  const batch = sent(named('a', 'e'), covers(1))
  input.next(batch)
  const away = new Error('away')
  out[0]!.settle(away)
  expect([told, batch.outcomes]).toEqual([[], [away]])
})

test('a batch of which nothing goes on ends there', () => {
  const { input, out, past, told } = joined()
  const batch = sent(named('e', 'd'), covers(1))
  input.next(batch)
  expect([out, past.map(({ logs, meta }) => [logs.records, meta.routed]), told]).toEqual([
    [],
    [[0, 1]],
    []
  ])
  past[0]!.settle()
  expect([told, batch.outcomes]).toEqual([[[[[1, 1]], 1]], [undefined]])
})

test('connectors one after the other, and a holder between: all is told once, before the frames', () => {
  const input = new Subject<Batch>()
  const out: Batch[] = []
  const told: number[] = []
  const options = { routed: (_: unknown, n: number) => void told.push(n), past: () => {} }
  const all = { trigger: { records: 4, bytes: 0 }, limit: { records: 0, bytes: 0 } }
  const grouping = { ...all, timeout: 1e6, metadata: [], groups: 0 }
  const second: Connector = (logs) => ({
    logs: pickRecords(logs, (index) => index > 0),
    elsewhere: 1
  })
  input
    .pipe(junction(byBody, options), group(grouping, laneContext().lane), junction(second, options))
    .subscribe((batch) => out.push(batch))
  const batches = [sent(named('a', 'b', 'e'), covers(1)), sent(named('c', 'e', 'f'), covers(2))]
  for (const batch of batches) input.next(batch)
  expect(out.map(({ logs, meta }) => [bodiesOf(logs), meta.routed])).toEqual([[['b', 'c', 'f'], 3]])
  out[0]!.settle()
  expect(told.toSorted()).toEqual([1, 1, 1])
  expect(batches.map(({ outcomes }) => outcomes)).toEqual([[undefined], [undefined]])
})

test('L4: a throw concerns the records that cause it', () => {
  const { input, out } = joined()
  const batch = sent(named('a', 'x', 'e'))
  input.next(batch)
  expect(out).toEqual([])
  expect(batch.outcomes[0]).toMatchObject({ name: 'PermanentError', records: [1] })
})

testProcessor('a junction that passes all', () =>
  junction((logs) => ({ logs, elsewhere: 0 }), { routed: () => {}, past: ({ settle }) => settle() })
)
