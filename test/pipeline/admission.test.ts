import { describe, expect, test } from 'vitest'
import { type Batch, RefusedError } from '../../src/component.ts'
import { openAdmission, type QueueLimit } from '../../src/pipeline/admission.ts'
import { opaque, type Sent, sent } from '../batches.ts'

/** A lane of which the test says what is behind it. */
function laneWith(limit: Partial<QueueLimit>, behind = { records: 0, bytes: 0 }) {
  const queue: QueueLimit = {
    lane: 'logs/slow',
    size: 10,
    sizer: 'items',
    block: false,
    behind: () => behind,
    recordsPerBatch: () => 5,
    ...limit
  }
  return { queue, behind }
}

/** The door, and what has come through it. */
function door() {
  const admission = openAdmission()
  const passed: Batch[] = []
  const take = (batch: Batch, ...limits: QueueLimit[]) =>
    admission.take(batch, limits, (one) => passed.push(one))
  /** The records of what has passed: an item of a wrapped batch is not the batch itself. */
  const sizes = () => passed.map(({ logs }) => logs.records)
  return { ...admission, take, passed, sizes }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

function reasonOf({ outcomes }: Sent) {
  const [error, ...more] = outcomes
  expect(more).toEqual([])
  return error instanceof RefusedError ? { reason: error.reason, text: error.message } : error
}

describe('past queue_size a sender is refused', () => {
  test('items counts records', () => {
    const { take, sizes } = door()
    const { queue } = laneWith({ size: 10 }, { records: 7, bytes: 0 })
    const [four, three] = [sent(opaque(4)), sent(opaque(3))]
    take(four, queue)
    take(three, queue)
    expect(reasonOf(four)).toEqual({
      reason: 'exhausted',
      text: 'sending_queue of logs/slow is full'
    })
    expect(sizes()).toEqual([3])
  })

  test('bytes counts bytes', () => {
    const { take, sizes } = door()
    const { queue } = laneWith({ sizer: 'bytes', size: 1000 }, { records: 1, bytes: 900 })
    const [large, small] = [sent(opaque(1, 101)), sent(opaque(2, 100))]
    take(large, queue)
    take(small, queue)
    expect(reasonOf(large)).toMatchObject({ reason: 'exhausted' })
    expect(sizes()).toEqual([2])
  })

  test('requests counts records in recent batches', () => {
    const { take, sizes } = door()
    const { queue, behind } = laneWith({ sizer: 'requests', size: 3 }, { records: 14, bytes: 0 })
    take(sent(opaque(1)), queue)
    behind.records = 15
    const refused = sent(opaque(1))
    take(refused, queue)
    expect(sizes()).toEqual([1])
    expect(reasonOf(refused)).toMatchObject({ reason: 'exhausted' })
  })

  test('one lane that is full refuses for all of a receiver', () => {
    const { take, sizes } = door()
    const full = laneWith({ lane: 'logs/full' }, { records: 10, bytes: 0 })
    const refused = sent(opaque(1))
    take(refused, laneWith({}).queue, full.queue)
    expect(reasonOf(refused)).toMatchObject({ text: 'sending_queue of logs/full is full' })
    expect(sizes()).toEqual([])
  })

  test('an empty queue takes a batch of any size', () => {
    const { take, sizes } = door()
    take(sent(opaque(1000)), laneWith({}).queue)
    expect(sizes()).toEqual([1000])
  })

  test('what is still being accepted counts, so that many at once do not all find room', () => {
    const { take, sizes, passed } = door()
    const { queue } = laneWith({ size: 10 })
    const batches = Array.from({ length: 5 }, () => sent(opaque(4)))
    for (const batch of batches) take(batch, queue)
    expect(sizes()).toEqual([4, 4])
    for (const batch of passed.splice(0)) batch.settle()
    take(sent(opaque(4)), queue)
    expect(sizes()).toEqual([4])
  })
})

describe('with block_on_overflow a sender waits', () => {
  test('until something is settled', async () => {
    const { take, sizes, settled } = door()
    const { queue, behind } = laneWith({ block: true }, { records: 10, bytes: 0 })
    const batch = sent(opaque(1))
    take(batch, queue)
    settled()
    await turn()
    expect(sizes()).toEqual([])
    behind.records = 9
    settled()
    await turn()
    expect(sizes()).toEqual([1])
    expect(batch.outcomes).toEqual([])
  })

  test('in the order of arrival: a large batch is not passed by for ever', async () => {
    const { take, sizes, settled } = door()
    const { queue, behind } = laneWith({ block: true }, { records: 9, bytes: 0 })
    take(sent(opaque(5)), queue)
    take(sent(opaque(1)), queue)
    expect(sizes()).toEqual([])
    behind.records = 5
    settled()
    await turn()
    expect(sizes()).toEqual([5])
    behind.records = 0
    settled()
    await turn()
    expect(sizes()).toEqual([5, 1])
  })

  test('and is woken also when what has passed is settled without a journal', async () => {
    const { take, sizes, passed } = door()
    const { queue } = laneWith({ block: true, size: 1 })
    take(sent(opaque(1)), queue)
    take(sent(opaque(2)), queue)
    expect(sizes()).toEqual([1])
    passed[0]?.settle()
    await turn()
    expect(sizes()).toEqual([1, 2])
  })

  test('and hears at a stop that he is to come back', async () => {
    const { take, close, settled } = door()
    const { queue } = laneWith({ block: true }, { records: 10, bytes: 0 })
    const [before, after] = [sent(opaque(1)), sent(opaque(1))]
    take(before, queue)
    settled()
    close()
    take(after, queue)
    await turn()
    for (const batch of [before, after]) {
      expect(reasonOf(batch)).toEqual({ reason: 'unavailable', text: 'stopping' })
    }
  })
})

test('without limits a batch passes as it is', () => {
  const { take, passed } = door()
  const batch = sent(opaque(1))
  take(batch)
  expect(passed).toEqual([batch])
  expect(passed[0]).toBe(batch)
})
