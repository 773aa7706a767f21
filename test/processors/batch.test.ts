import { Subject } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import batch, { config } from '../../processors/batch.ts'
import { type Batch, type LaneContext, PermanentError } from '../../src/component.ts'
import { laneContext, opaque, type Sent, sent } from '../batches.ts'
import { testProcessor } from '../contract/processor.ts'

testProcessor('batch', (context) => batch(config.parse({}), context))
testProcessor('batch that sends at once', (context) => batch(config.parse({ timeout: 0 }), context))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('when a batch is sent', () => {
  test('at send_batch_size records', () => {
    const { input, out } = run({ send_batch_size: 10 })
    input.next(sent(opaque(6)))
    expect(out).toHaveLength(0)
    input.next(sent(opaque(6)))
    expect(out.map(records)).toEqual([12])
  })

  test('at send_batch_size_bytes, whichever comes first', () => {
    const { input, out } = run({ send_batch_size_bytes: '1KiB' })
    input.next(sent(opaque(1, 1000)))
    expect(out).toHaveLength(0)
    input.next(sent(opaque(1, 24)))
    expect(out.map(records)).toEqual([2])
  })

  test('at the timeout, counted anew for the next batch', () => {
    const { input, out } = run({ timeout: '1s' })
    input.next(sent(opaque(1)))
    vi.advanceTimersByTime(999)
    input.next(sent(opaque(2)))
    expect(out).toHaveLength(0)
    vi.advanceTimersByTime(1)
    expect(out.map(records)).toEqual([3])
    input.next(sent(opaque(4)))
    vi.advanceTimersByTime(999)
    expect(out).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(out.map(records)).toEqual([3, 4])
  })

  test('a batch sent for its size leaves no timer behind', () => {
    const { input } = run({ send_batch_size: 2 })
    input.next(sent(opaque(2)))
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([{ timeout: 0 }, { send_batch_size: 0 }])('at once with %j', (options) => {
    const { input, out } = run(options)
    input.next(sent(opaque(1)))
    input.next(sent(opaque(2)))
    expect(out.map(records)).toEqual([1, 2])
  })

  test('send_batch_size 0 beside a byte trigger waits for bytes or the timeout', () => {
    const { input, out } = run({ send_batch_size: 0, send_batch_size_bytes: 100 })
    input.next(sent(opaque(50, 50)))
    expect(out).toHaveLength(0)
    vi.advanceTimersByTime(200)
    expect(out.map(records)).toEqual([50])
  })

  test('when the source completes, before the completion', () => {
    const { input, out, events } = run({})
    input.next(sent(opaque(1)))
    input.complete()
    expect(out.map(records)).toEqual([1])
    expect(events).toEqual(['next', 'complete'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('unsubscribing sends nothing, settles nothing and clears the timers', () => {
    const { input, out, subscription } = run({})
    const waiting = sent(opaque(1))
    input.next(waiting)
    subscription.unsubscribe()
    expect(vi.getTimerCount()).toBe(0)
    expect(out).toHaveLength(0)
    expect(waiting.outcomes).toHaveLength(0)
  })

  test('an error of the source settles what waits with it', () => {
    const { input, events } = run({})
    const waiting = sent(opaque(1))
    const error = new Error('gone')
    input.next(waiting)
    input.error(error)
    expect(waiting.outcomes).toEqual([error])
    expect(events).toEqual(['error'])
  })
})

describe('L1: journal frames stay whole', () => {
  test('a batch that would overflow send_batch_max_size sends first what waits', () => {
    const { input, out } = run({ send_batch_size: 10, send_batch_max_size: 10 })
    input.next(sent(opaque(6)))
    input.next(sent(opaque(6)))
    expect(out.map(records)).toEqual([6])
    input.next(sent(opaque(4)))
    expect(out.map(records)).toEqual([6, 10])
    expect(out.map(({ meta }) => meta.piece)).toEqual([undefined, undefined])
  })

  test('a batch that alone exceeds it goes on whole, with the size of the pieces to cut', () => {
    const { input, out } = run({
      send_batch_size: 10,
      send_batch_max_size: 10,
      send_batch_max_size_bytes: 1000
    })
    const small = sent(opaque(3), { covers: [[1, 1]] })
    const big = sent(opaque(25), { covers: [[2, 2]] })
    input.next(small)
    input.next(big)
    expect(out.map(records)).toEqual([3, 25])
    expect(out[1]!.meta).toEqual({ ...big.meta, piece: { records: 10, bytes: 1000 } })
    expect(out[1]!.logs).toBe(big.logs)
    out[1]!.settle()
    expect(big.outcomes).toEqual([undefined])
    expect(small.outcomes).toEqual([])
  })

  test('the same for bytes', () => {
    const { input, out } = run({ send_batch_max_size_bytes: '1kB' })
    input.next(sent(opaque(1, 700)))
    input.next(sent(opaque(1, 700)))
    input.next(sent(opaque(1, 1001)))
    expect(out.map(({ logs }) => logs.bytes)).toEqual([700, 700, 1001])
    expect(out[2]!.meta.piece).toEqual({ bytes: 1000 })
  })

  test('the pieces asked for by an earlier grouping are joined again', () => {
    const { input, out } = run({ send_batch_size: 5 })
    input.next(sent(opaque(5), { piece: { records: 2 } }))
    expect(out[0]!.meta.piece).toBeUndefined()
  })
})

describe('what a joined batch is', () => {
  test('it has the chunks of its members, uncopied and in order', () => {
    const { input, out } = run({ send_batch_size: 3 })
    const members = [1, 2, 3].map((mark) => sent(opaque(1, 10, mark)))
    for (const member of members) input.next(member)
    expect(out).toHaveLength(1)
    for (const [index, chunk] of out[0]!.logs.chunks.entries()) {
      expect(chunk).toBe(members[index]!.logs.chunks[0])
    }
  })

  test('it has the receiver and time of its first member, and covers all', () => {
    const { input, out } = run({ send_batch_size: 3 })
    input.next(sent(opaque(1), { arrived: 5, resume: 'line 1', covers: [[1, 3]] }))
    input.next(sent(opaque(1), { arrived: 6, covers: [[4, 9]] }))
    input.next(sent(opaque(1), { arrived: 7, covers: [[12, 12]] }))
    const covers = [
      [1, 9],
      [12, 12]
    ]
    expect(out[0]!.meta).toEqual({ receiver: 'otlp', arrived: 5, covers })
  })

  test('of headers, address and identity it has what all its members have: one sender must not stand for another', () => {
    const { input, out } = run({ send_batch_size: 2 })
    const from = (tenant: string, user: string) =>
      sent(opaque(1), {
        client: { 'x-tenant': [tenant], 'x-all': ['1'] },
        address: '::1',
        identity: { user }
      })
    for (const batch of [from('a', 'kim'), from('b', 'kim'), from('a', 'kim'), sent(opaque(1))])
      input.next(batch)
    expect(
      out.map(({ meta: { client, address, identity } }) => [client, address, identity])
    ).toEqual([
      [{ 'x-all': ['1'] }, '::1', { user: 'kim' }],
      [undefined, undefined, undefined]
    ])
  })

  test('its ranges are sorted and merged whatever the order of arrival', () => {
    const { input, out } = run({ send_batch_size: 4 })
    for (const at of [7, 3, 8, 4]) input.next(sent(opaque(1), { covers: [[at, at]] }))
    expect(out[0]!.meta.covers).toEqual([
      [3, 4],
      [7, 8]
    ])
  })

  test('the covers of a member are not written to', () => {
    const { input } = run({ send_batch_size: 2 })
    const first = sent(opaque(1), { covers: [[1, 1]] })
    input.next(first)
    input.next(sent(opaque(1), { covers: [[2, 2]] }))
    expect(first.meta.covers).toEqual([[1, 1]])
  })

  test('L2: it goes before it has 2,000 ranges', () => {
    const { input, out } = run({})
    for (let at = 0; at < 2_500; at++) input.next(sent(opaque(1), { covers: [[at * 2, at * 2]] }))
    expect(out.map(({ meta }) => meta.covers?.length)).toEqual([1_999])
    input.next(sent(opaque(1), { covers: evenRanges(6_000, 1_500) }))
    expect(out.map(({ meta }) => meta.covers?.length)).toEqual([1_999, 501])
  })

  test('a permanent error reaches each member with its own records', () => {
    const { input, out } = run({ send_batch_size: 9 })
    const members = [sent(opaque(3)), sent(opaque(3)), sent(opaque(3))]
    for (const member of members) input.next(member)
    out[0]!.settle(new PermanentError('too large', { records: [1, 5, 4], rest: 'delivered' }))
    const errors = members.map(({ outcomes }) => outcomes[0] as PermanentError | undefined)
    expect(errors.map((error) => error?.records)).toEqual([[1], [2, 1], undefined])
    expect(errors.map((error) => error?.message)).toEqual(['too large', 'too large', undefined])
    expect(members.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1])
  })

  test("with rest 'again' a member without such records hears that it was not delivered", () => {
    const { input, out } = run({ send_batch_size: 2 })
    const members = [sent(opaque(1)), sent(opaque(1))]
    for (const member of members) input.next(member)
    out[0]!.settle(new PermanentError('no', { records: [0] }))
    expect(members[1]!.outcomes).toMatchObject([{ records: [], rest: 'again' }])
  })

  test('a reader that sends the next batch from within settle does not exhaust the stack', () => {
    const input = new Subject<Batch>()
    let count = 0
    input.pipe(batch(config.parse({ timeout: 0 }), laneContext())).subscribe((single) => {
      single.settle()
      if (++count < 20_000) input.next(sent(opaque(1)))
    })
    input.next(sent(opaque(1)))
    expect(count).toBe(20_000)
  })

  test('order survives a reader that sends the next batch from within settle', () => {
    const input = new Subject<Batch>()
    const marks: number[] = []
    const options = config.parse({ send_batch_size: 2, send_batch_max_size: 2 })
    const late = sent(opaque(3, 30, 3), {})
    input.pipe(batch(options, laneContext())).subscribe((joined) => {
      for (const chunk of joined.logs.chunks) marks.push(chunk[0]!)
      if (marks.length === 1) input.next(late)
    })
    input.next(sent(opaque(1, 10, 1)))
    input.next(sent(opaque(2, 20, 2)))
    expect(marks).toEqual([1, 2, 3])
  })
})

test('L6: what was refused of the members goes on with the joined batch, and so do their counts', () => {
  const { input, out } = run({ send_batch_size: 3 })
  const from = sent(opaque(0)).meta
  const letter = (reason: string) =>
    ({ logs: opaque(1), reason, by: 'redact', at: 'processors', from }) as const
  input.next(sent(opaque(2), { accepted: 3, refused: [letter('a')] }))
  input.next(sent(opaque(1), { accepted: 5, refused: [letter('b'), letter('c')] }))
  expect(out[0]!.meta).toMatchObject({ accepted: 8 })
  expect(out[0]!.meta.refused!.map(({ reason }) => reason)).toEqual(['a', 'b', 'c'])
})

describe('metadata_keys', () => {
  const tenant = (name: string | undefined, count = 1) =>
    sent(opaque(count), name === undefined ? {} : { client: { 'x-tenant': [name] } })

  test('each combination of values is a batch of its own', () => {
    const { input, out } = run({ send_batch_size: 2, metadata_keys: ['X-Tenant'] })
    input.next(tenant('a'))
    input.next(tenant('b'))
    input.next(tenant(undefined))
    expect(out).toHaveLength(0)
    input.next(tenant('b'))
    expect(out.map(({ meta }) => meta.client)).toEqual([{ 'x-tenant': ['b'] }])
    input.complete()
    expect(out.map(records)).toEqual([2, 1, 1])
  })

  test('past metadata_cardinality_limit the oldest batch is sent', () => {
    const { input, out } = run({ metadata_keys: ['x-tenant'], metadata_cardinality_limit: 2 })
    for (const name of ['a', 'b', 'a', 'c']) input.next(tenant(name))
    expect(out.map(records)).toEqual([2])
    expect(out[0]!.meta.client).toEqual({ 'x-tenant': ['a'] })
  })

  test('the lane in need of room gets the oldest batch', () => {
    const flush = new Subject<void>()
    const { input, out } = run({ metadata_keys: ['x-tenant'] }, { flush })
    flush.next()
    input.next(tenant('a', 1))
    input.next(tenant('b', 2))
    flush.next()
    expect(out.map(records)).toEqual([1])
    input.complete()
    expect(out.map(records)).toEqual([1, 2])
    expect(flush.observed).toBe(false)
  })
})

describe('configuration', () => {
  test("the Collector's defaults", () => {
    expect(config.parse({})).toEqual({
      send_batch_size: 8192,
      timeout: 200,
      send_batch_max_size: 0,
      send_batch_size_bytes: 0,
      send_batch_max_size_bytes: 0,
      metadata_keys: [],
      metadata_cardinality_limit: 1000
    })
  })

  test.each([
    [{ timeout: '-1s' }, 'timeout must be greater or equal to 0'],
    [{ timeout: '1000h' }, 'timeout must be less than or equal to 596h'],
    [
      { send_batch_max_size: 10 },
      'send_batch_max_size must be greater or equal to send_batch_size'
    ],
    [
      { send_batch_size_bytes: '2MiB', send_batch_max_size_bytes: '1MiB' },
      'send_batch_max_size_bytes must be greater or equal to send_batch_size_bytes'
    ],
    [
      { metadata_keys: ['X-Tenant', 'x-tenant'] },
      'duplicate entry in metadata_keys: "x-tenant" (case-insensitive)'
    ]
  ])('%j is refused', (options, message) => {
    const result = config.safeParse(options)
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([message])
  })

  test("L2: a batch larger than the lane's window is refused at start", () => {
    expect(() =>
      batch(config.parse({ send_batch_size_bytes: '2MiB' }), laneContext({ window: 2 ** 20 }))
    ).toThrow("send_batch_size_bytes (2097152) must be less than or equal to the lane's window")
  })
})

function run(options: object, lane: Partial<LaneContext['lane']> = {}) {
  const input = new Subject<Sent>()
  const out: Batch[] = []
  const events: string[] = []
  const subscription = input.pipe(batch(config.parse(options), laneContext(lane))).subscribe({
    next: (joined) => {
      out.push(joined)
      events.push('next')
    },
    error: () => events.push('error'),
    complete: () => events.push('complete')
  })
  return { input, out, events, subscription }
}

function records({ logs }: Batch): number {
  return logs.records
}

function evenRanges(from: number, count: number): [number, number][] {
  return Array.from({ length: count }, (_, index) => [from + index * 2, from + index * 2])
}
