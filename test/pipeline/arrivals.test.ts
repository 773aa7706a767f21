import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ArrivalOptions, watchArrivals } from '../../src/pipeline/arrivals.ts'
import { createLog } from '../../src/telemetry/log.ts'

const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-11-23T08:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({
    now: start,
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout']
  })
})
afterEach(() => {
  vi.useRealTimers()
})

function watch(options: Partial<ArrivalOptions> = {}) {
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    level: 'info',
    encoding: 'json',
    write: (line) => lines.push(JSON.parse(line))
  }).with({ receiver: 's3_put' })
  const arrivals = watchArrivals({
    ...{ log, every: hour, cause: undefined, before: undefined },
    ...options
  })
  onTestFinished(arrivals.stop)
  return { arrivals, lines, said: () => lines.map(({ level, msg }) => `${level} ${msg}`) }
}

const silent = 'warn nothing arrives'
const again = 'info records arrive again'

describe('a source that sends nothing for longer than expected', () => {
  test('is one warning, with the receiver, since when, and its last record', () => {
    const { arrivals, lines } = watch()
    vi.advanceTimersByTime(30 * minute)
    arrivals.heard()
    vi.advanceTimersByTime(hour - 1)
    expect(lines).toEqual([])
    vi.advanceTimersByTime(1)
    expect(lines).toEqual([
      {
        ...{ level: 'warn', ts: '2026-11-23T09:30:00.000Z', msg: 'nothing arrives' },
        receiver: 's3_put',
        for: '1h',
        expect_every: '1h',
        since: '2026-11-23T08:30:00.000Z',
        last_record: '2026-11-23T08:30:00.000Z'
      }
    ])
    expect(arrivals.status()).toEqual({
      ...{ last: start + 30 * minute, waiting: hour, silent: true, silences: 1 }
    })
  })

  test('that never sent anything is said to have sent nothing, with the usual cause', () => {
    const { lines } = watch({ cause: 'two flags' })
    vi.advanceTimersByTime(hour)
    expect(lines).toMatchObject([
      { since: '2026-11-23T08:00:00.000Z', last_record: 'never', usual_cause: 'two flags' }
    ])
  })

  test('is said again once an hour, or as rarely as something is expected', () => {
    for (const [every, lines] of [
      [5 * minute, 3],
      [30 * 24 * hour, 2]
    ] as const) {
      const { said } = watch({ every })
      vi.advanceTimersByTime(every)
      expect(said()).toEqual([silent])
      vi.advanceTimersByTime(Math.max(hour, every) - 1)
      expect(said()).toEqual([silent])
      vi.advanceTimersByTime(1 + (lines - 2) * hour)
      expect(said()).toEqual(Array(lines).fill(silent))
    }
  })

  test('is one line when it sends again, and the next silence is another one', () => {
    const { arrivals, said, lines } = watch()
    vi.advanceTimersByTime(90 * minute)
    arrivals.heard()
    arrivals.heard()
    expect(said()).toEqual([silent, again])
    expect(lines[1]).toMatchObject({ receiver: 's3_put', silent_for: '1h30m' })
    vi.advanceTimersByTime(hour)
    expect(said()).toEqual([silent, again, silent])
    expect(arrivals.status().silences).toBe(2)
  })

  test('is nothing while it sends, however long that goes on', () => {
    const { arrivals, said } = watch()
    for (let times = 0; times < 50; times++) {
      vi.advanceTimersByTime(hour - 1)
      arrivals.heard()
    }
    expect(said()).toEqual([])
  })

  test('is nothing where nothing is expected, and after the end', () => {
    const unexpected = watch({ every: undefined })
    const ended = watch()
    ended.arrivals.stop()
    vi.advanceTimersByTime(100 * hour)
    expect([...unexpected.said(), ...ended.said()]).toEqual([])
    expect(unexpected.arrivals.status()).toMatchObject({ waiting: 100 * hour, silent: false })
  })
})

describe('a clock that is set', () => {
  test.each([
    ['forward', 300 * hour],
    ['back', -300 * hour]
  ])('%s makes no silence, and ends none', (_, by) => {
    const { arrivals, said, lines } = watch()
    arrivals.heard()
    vi.setSystemTime(start + by)
    vi.advanceTimersByTime(hour - 1)
    expect(said()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(lines).toMatchObject([{ msg: 'nothing arrives', for: '1h' }])
    vi.setSystemTime(start)
    vi.advanceTimersByTime(minute)
    expect(arrivals.status()).toMatchObject({ silent: true, waiting: hour + minute })
  })

  test('back before a restart: the wait begins with it', () => {
    const { said } = watch({ before: { at: start + 5 * hour } })
    vi.advanceTimersByTime(hour - 1)
    expect(said()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(said()).toEqual([silent])
  })
})

describe('a restart', () => {
  test('does not reset the clock', () => {
    const { lines } = watch({ before: { at: start - 40 * minute } })
    vi.advanceTimersByTime(20 * minute)
    expect(lines).toMatchObject([{ for: '1h', last_record: '2026-11-23T07:20:00.000Z' }])
  })

  test('does not reset the wait for the first record either', () => {
    const { lines } = watch({ before: { at: start - 40 * minute, awaited: true } })
    vi.advanceTimersByTime(20 * minute)
    expect(lines).toMatchObject([
      { for: '1h', since: '2026-11-23T07:20:00.000Z', last_record: 'never' }
    ])
  })

  test('after a long stop reports nothing while senders catch up', () => {
    const { arrivals, said } = watch({ before: { at: start - 5 * hour } })
    vi.advanceTimersByTime(minute - 1)
    arrivals.heard()
    vi.advanceTimersByTime(hour - 1)
    expect(said()).toEqual([])
  })

  test('after a long stop reports who does not come within a minute', () => {
    const { lines } = watch({ before: { at: start - 5 * hour } })
    vi.advanceTimersByTime(minute)
    expect(lines).toMatchObject([{ for: '5h1m', last_record: '2026-11-23T03:00:00.000Z' }])
  })
})
