import { afterEach, expect, test, vi } from 'vitest'
import { RefusedError } from '../../src/component.ts'
import { watchOutcomes } from '../../src/pipeline/outcomes.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { opaque, sent } from '../batches.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('refusals are counted, and said once when they begin and once a minute after', () => {
  vi.useFakeTimers()
  const lines: string[] = []
  const log = createLog({ level: 'info', encoding: 'json', write: (line) => lines.push(line) })
  const counted = { accepted: 0, refused: 0 }
  const watched = watchOutcomes(counted, log.with({ receiver: 'otlp' }))
  const full = new RefusedError('the journal has reached its max_size', { reason: 'unavailable' })
  const answer = (records: number, error?: Error) => {
    const batch = sent(opaque(records))
    watched(batch).settle(error)
    expect(batch.outcomes).toEqual([error])
  }
  answer(5)
  expect(lines).toEqual([])
  for (let i = 0; i < 100; i++) answer(2, full)
  vi.advanceTimersByTime(60_000)
  answer(3, full)
  answer(1, full)
  expect(counted).toEqual({ accepted: 5, refused: 204 })
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', receiver: 'otlp', reason: 'the journal has reached its max_size', records: 2 },
    { level: 'warn', records: 201 }
  ])
})
