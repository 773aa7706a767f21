import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRepeats } from '../../src/s3_put/repeats.ts'

const arrival = (key: string, sha256 = 'a', sender = 'us') => ({
  sender,
  bucket: 'logs',
  key,
  sha256,
  etag: `"${sha256}"`,
  bytes: 1
})

function started({ window = 1000, max_keys = 10 } = {}) {
  const clock = { now: 1 }
  const repeats = createRepeats({ window, max_keys }, () => clock.now)
  const heard: (Error | undefined)[] = []
  const arrive = (...of: Parameters<typeof arrival>) =>
    repeats.arrive(arrival(...of), (error) => heard.push(error))
  return { ...repeats, clock, heard, arrive }
}

describe('the same bytes under the same key', () => {
  test('are no further arrival, once the first is settled', () => {
    const { arrive, heard } = started()
    arrive('k')!.settle(undefined)
    expect(arrive('k')).toBeUndefined()
    expect(heard).toEqual([undefined])
  })

  test('wait for the first while it is under way, and hear what it hears', () => {
    const { arrive, heard } = started()
    const first = arrive('k')!
    expect([arrive('k'), arrive('k')]).toEqual([undefined, undefined])
    expect(heard).toEqual([])
    const full = new Error('full')
    first.settle(full)
    expect(heard).toEqual([full, full])
  })

  test('are a first arrival again after it has failed', () => {
    const { arrive } = started()
    arrive('k')!.settle(new Error('full'))
    expect(arrive('k')).toMatchObject({ overwrites: false })
  })

  test('from another sender are a further arrival', () => {
    const { arrive } = started()
    arrive('k')!.settle(undefined)
    expect(arrive('k', 'a', 'them')).toMatchObject({ overwrites: true })
  })

  test('are forgotten after the window, and the oldest past the limit', () => {
    const { arrive, clock, find } = started({ window: 1000, max_keys: 2 })
    arrive('k')!.settle(undefined)
    clock.now += 999
    expect(arrive('k')).toBeUndefined()
    clock.now += 1
    expect(find('logs', 'k')).toBeUndefined()
    for (const key of ['k', 'l', 'm']) arrive(key)!.settle(undefined)
    expect(arrive('l')).toBeUndefined()
    expect(arrive('k')).toMatchObject({ overwrites: false })
  })
})

describe('other bytes under a key', () => {
  test('are a further arrival that says so, also while the first is under way', () => {
    const { arrive, find } = started()
    const first = arrive('k')!
    const second = arrive('k', 'b')!
    expect([first.overwrites, second.overwrites]).toEqual([false, true])
    first.settle(undefined)
    second.settle(undefined)
    expect(find('logs', 'k')).toMatchObject({ etag: '"b"' })
    expect(arrive('k', 'c')).toMatchObject({ overwrites: true })
    expect(arrive('l', 'b')).toMatchObject({ overwrites: false })
  })
})

test('a key is idle when all that was under way has ended', async () => {
  const { arrive, idle } = started()
  expect(idle('logs', 'k')).toBeUndefined()
  const [first, second] = [arrive('k')!, arrive('k', 'b')!]
  let ended = false
  const ending = idle('logs', 'k')!.then(() => {
    ended = true
  })
  first.settle(undefined)
  await Promise.resolve()
  expect(ended).toBe(false)
  second.settle(new Error('full'))
  await ending
  expect(idle('logs', 'k')).toBeUndefined()
})

test('parts that run together to the same text are different keys', () => {
  const { arrive, find } = started()
  arrive('a')!.settle(undefined)
  expect(find('log', 'sa')).toBeUndefined()
  expect(find('logs', 'a')).toBeDefined()
})

test('whatever comes in whatever order: taken once, and never more kept than allowed', () => {
  const step = fc.record({
    key: fc.constantFrom('k', 'l', 'm'),
    sha256: fc.constantFrom('a', 'b', 'c'),
    fails: fc.boolean(),
    wait: fc.integer({ min: 0, max: 400 })
  })
  const run = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const { arrive, clock, find } = started({ window: 1000, max_keys: 4 })
    const taken = new Map<string, number>()
    const order: string[] = []
    for (const { key, sha256, fails, wait } of steps) {
      clock.now += wait
      const what = key + sha256
      const at = taken.get(what)
      const first = arrive(key, sha256)
      const remembered = order.slice(-4).includes(what) && at! > clock.now - 1000
      expect(first === undefined).toBe(remembered)
      first?.settle(fails ? new Error('full') : undefined)
      if (first === undefined || fails) continue
      taken.set(what, clock.now)
      if (order.includes(what)) order.splice(order.indexOf(what), 1)
      order.push(what)
      expect(find('logs', key)).toMatchObject({ etag: `"${sha256}"` })
    }
  })
  fc.assert(run)
})
