import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Batch, type Exporter, PermanentError, RefusedError } from '../../src/component.ts'
import { reasonOf } from '../../src/telemetry/reason.ts'
import { opaque, sent } from '../batches.ts'
import { otlpRequest } from '../otlp/request.ts'
import { delivery, failing, retry } from './deliveries.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const away = () => new Error('away')
const fiveTimes = () => Array.from({ length: 5 }, away)

describe('what fails is tried again', () => {
  test('with the same batch, until it is taken, and is settled once', async () => {
    const backend = failing(away(), away())
    const { take, made } = delivery(backend.exporter)
    const batch = sent(opaque(3))
    take(batch)
    await vi.runAllTimersAsync()
    expect(backend.batches).toEqual([batch, batch, batch])
    expect(backend.batches.every((one) => one === batch)).toBe(true)
    expect(batch.outcomes).toEqual([undefined])
    expect(made).toMatchObject({ delivered: 3, active: 0, failing: false, halted: false })
  })

  test.each([
    ['shortest', 0, [500, 1000, 2000, 2500, 2500]],
    ['middle', 0.5, [1000, 2000, 4000, 5000, 5000]],
    ['longest', 1, [1500, 3000, 6000, 7500, 7500]]
  ])(
    'after waits that grow to max_interval and are spread by randomization_factor: %s',
    async (_, random, waits) => {
      vi.spyOn(Math, 'random').mockReturnValue(random)
      const backend = failing(...fiveTimes())
      delivery(backend.exporter).take(sent(opaque(1)))
      await vi.runAllTimersAsync()
      expect(backend.waits()).toEqual(waits)
    }
  )

  test('not before the time that the backend asked for', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const later = new RefusedError('slow down', { reason: 'exhausted', retryAfter: 60 })
    const backend = failing(later, away())
    delivery(backend.exporter).take(sent(opaque(1)))
    await vi.runAllTimersAsync()
    expect(backend.waits()).toEqual([60_000, 2000])
  })

  test('also after a wait longer than a timer can be', async () => {
    const backend = failing(away())
    const long = { ...retry, initial_interval: 2 ** 40, max_interval: 2 ** 40 }
    delivery(backend.exporter, { retry: long }).take(sent(opaque(1)))
    await vi.runAllTimersAsync()
    expect(backend.waits()).toEqual([2 ** 31 - 1])
  })

  test('with one line when the outage begins and one when it is over', async () => {
    const backend = failing(...fiveTimes())
    const { take, lines } = delivery(backend.exporter)
    take(sent(opaque(1)))
    await vi.runAllTimersAsync()
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/warn .*exporting failed, nothing is lost.*error=away failures=1/)
    expect(lines[1]).toMatch(/info .*exporting works again failures=5/)
  })

  test('but not a PermanentError: it is the batch that is wrong', async () => {
    const wrong = new PermanentError('too old')
    const backend = failing(wrong)
    const { take, made } = delivery(backend.exporter)
    const [first, second] = [sent(opaque(1)), sent(opaque(1))]
    take(first)
    take(second)
    await vi.runAllTimersAsync()
    expect(first.outcomes).toEqual([wrong])
    expect(second.outcomes).toEqual([undefined])
    expect(made.delivered).toBe(1)
  })
})

describe('a spent budget ends the attempts with the reason', () => {
  test('max_elapsed_time counts the wait that would come next', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const backend = failing(...fiveTimes())
    const limited = { ...retry, max_elapsed_time: 6999 }
    const { take } = delivery(backend.exporter, { retry: limited })
    const batch = sent(opaque(1))
    take(batch)
    await vi.runAllTimersAsync()
    expect(backend.waits()).toEqual([1000, 2000])
    expect(batch.outcomes.map(reasonOf)).toEqual(['no more retries left: away'])
  })

  test('retry_on_failure.enabled: false is a budget of one attempt', async () => {
    const backend = failing(away())
    const { take } = delivery(backend.exporter, { retry: { ...retry, enabled: false } })
    const batch = sent(opaque(1))
    take(batch)
    await vi.runAllTimersAsync()
    expect(backend.batches).toHaveLength(1)
    expect(batch.outcomes.map(reasonOf)).toEqual(['no more retries left: away'])
  })
})

describe('L3: one call for a batch at a time', () => {
  test('the timeout aborts the attempt, and the next one begins when that has ended', async () => {
    const open: string[] = []
    let calls = 0
    const exporter: Exporter = async (_, signal) => {
      const call = ++calls
      open.push(`begin ${call}`)
      if (call > 1) return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      // Heeds the signal, but takes its time: longer than the wait before the next attempt.
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      open.push(`end ${call}`)
      throw signal.reason
    }
    const { take, lines } = delivery(exporter, { timeout: 50 })
    take(sent(opaque(1)))
    await vi.runAllTimersAsync()
    expect(open).toEqual(['begin 1', 'end 1', 'begin 2'])
    expect(lines[0]).toContain('the attempt took longer than 50 ms')
  })

  test.each([1.5, 2 ** 40])('a timeout of %d ms is one', async (timeout) => {
    const backend = failing()
    const { take, made } = delivery(backend.exporter, { timeout })
    take(sent(opaque(1)))
    await vi.runAllTimersAsync()
    expect(made.delivered).toBe(1)
  })

  test('no more calls than consumers are open, and they begin in order', async () => {
    let open = 0
    let most = 0
    const begun: Batch[] = []
    const exporter: Exporter = async (batch) => {
      begun.push(batch)
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 10))
      open--
    }
    const { take } = delivery(exporter, { consumers: 3 })
    const batches = Array.from({ length: 10 }, () => sent(opaque(1)))
    for (const batch of batches) take(batch)
    await vi.runAllTimersAsync()
    expect(most).toBe(3)
    expect(begun).toEqual(batches)
  })
})

describe('L1: a batch larger than a piece may be', () => {
  const large = () => {
    const bytes = otlpRequest(10)
    const logs = { chunks: [bytes], bytes: bytes.length, records: 10 }
    return sent(logs, { piece: { records: 4 } })
  }

  test('goes out in pieces and is settled as one', async () => {
    const backend = failing()
    const batch = large()
    const { take, made } = delivery(backend.exporter)
    take(batch)
    await vi.runAllTimersAsync()
    expect(backend.batches.map(({ logs }) => logs.records)).toEqual([4, 4, 2])
    expect(batch.outcomes).toEqual([undefined])
    expect(made.delivered).toBe(10)
  })

  test('goes on after the last piece delivered', async () => {
    let calls = 0
    const seen: number[] = []
    const exporter: Exporter = async ({ logs }) => {
      if (++calls === 2) throw away()
      seen.push(logs.records)
    }
    const batch = large()
    delivery(exporter).take(batch)
    await vi.runAllTimersAsync()
    expect(seen).toEqual([4, 4, 2])
    expect(batch.outcomes).toEqual([undefined])
  })
})

describe('stopping', () => {
  test('finish delivers what waits, and the first failure halts', async () => {
    const backend = failing()
    const { take, finish, made, idle } = delivery(async (batch, signal) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await backend.exporter(batch, signal)
    })
    const batches = [sent(opaque(1)), sent(opaque(1))]
    for (const batch of batches) take(batch)
    finish()
    await vi.runAllTimersAsync()
    expect(batches.map(({ outcomes }) => outcomes)).toEqual([[undefined], [undefined]])
    expect(made.halted).toBe(false)
    expect(idle).toHaveBeenCalled()
  })

  test('finish halts at once when something is being repeated: nothing waits for a backend that is away', async () => {
    const backend = failing(...fiveTimes())
    const { take, finish, made } = delivery(backend.exporter)
    const batches = [sent(opaque(1)), sent(opaque(1))]
    for (const batch of batches) take(batch)
    await vi.advanceTimersByTimeAsync(1)
    expect(made.failing).toBe(true)
    finish()
    await made.finished()
    expect(backend.batches).toHaveLength(1)
    // Refused, not failed: what was not tried stays in the journal, and nothing is wrong with it.
    for (const { outcomes } of batches) expect(outcomes[0]).toBeInstanceOf(RefusedError)
  })

  test('finish waits for no second attempt of what is under way', async () => {
    const backend = failing(...fiveTimes())
    const { take, finish, made, lines } = delivery(async (batch, signal) => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await backend.exporter(batch, signal)
    })
    take(sent(opaque(1)))
    finish()
    await vi.advanceTimersByTimeAsync(10)
    await made.finished()
    expect(made.halted).toBe(true)
    expect(backend.batches).toHaveLength(1)
    // Somebody who stops right after a first event learns here, or never, why it was not delivered.
    expect(lines).toEqual([
      expect.stringMatching(/warn .*exporting failed, not tried again while stopping error=away/)
    ])
  })

  test('after halt nothing new begins, what is under way ends as it does', async () => {
    const begun: Batch[] = []
    const { take, halt, made } = delivery(async (batch) => {
      begun.push(batch)
      await new Promise((resolve) => setTimeout(resolve, 10))
    })
    const [first, second, third] = [sent(opaque(1)), sent(opaque(1)), sent(opaque(1))]
    take(first)
    take(second)
    halt()
    take(third)
    await vi.runAllTimersAsync()
    expect(begun).toEqual([first])
    expect(first.outcomes).toEqual([undefined])
    expect(second.outcomes[0]).toBeInstanceOf(RefusedError)
    expect(third.outcomes[0]).toBeInstanceOf(RefusedError)
    expect(made.active).toBe(0)
  })

  test('abort ends the attempts that are under way, with and without a timeout', async () => {
    for (const timeout of [0, 60_000]) {
      const aborted: unknown[] = []
      const { take, halt, abort, made } = delivery(
        (_, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted.push(signal.reason)
              reject(signal.reason)
            })
          }),
        { timeout }
      )
      const batch = sent(opaque(1))
      take(batch)
      halt()
      abort()
      await made.finished()
      expect(aborted).toHaveLength(1)
      expect(batch.outcomes[0]).toBeInstanceOf(RefusedError)
    }
  })
})

test('a reason is told once, however often it was wrapped', () => {
  const cause = new Error('b', { cause: new Error('c', { cause: 'd' }) })
  expect(reasonOf(new Error('a', { cause }))).toBe('a: b: c: d')
  expect(reasonOf(new Error('a: b', { cause }))).toBe('a: b: c: d')
  expect(reasonOf(new Error('', { cause: new TypeError('') }))).toBe('Error: TypeError')
  expect(reasonOf('text')).toBe('text')
})

test('thousands of batches that wait go out in order, and at a halt the rest is left, each once', async () => {
  const exported: Batch[] = []
  const { made, take, halt } = delivery(async (batch) => {
    exported.push(batch)
    if (exported.length === 3000) halt()
  })
  const batches = Array.from({ length: 5000 }, () => sent(opaque(1)))
  for (const batch of batches) take(batch)
  await made.finished()
  expect(exported).toEqual(batches.slice(0, 3000))
  expect(batches.filter(({ outcomes }) => outcomes.length !== 1)).toEqual([])
  const left = batches.filter(({ outcomes }) => outcomes[0] instanceof RefusedError)
  expect(left).toEqual(batches.slice(3000))
  expect(made.active).toBe(0)
})
