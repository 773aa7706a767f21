import { expect, test } from 'vitest'
import { createAttempts } from '../../src/archive/attempts.ts'
import { SyncFailed } from '../../src/disk.ts'
import { createLog } from '../../src/telemetry/log.ts'

const hour = 3_600_000

test.for([
  ['the store is away', false],
  ['what has failed was one answer of many', true]
] as const)('a stop does not wait for the next attempt: %s', async ([, isOver]) => {
  const attempts = createAttempts({
    doing: 'storing',
    retry: {
      ...{ initial_interval: hour, randomization_factor: 0, multiplier: 1, max_interval: hour },
      max_elapsed_time: 0
    },
    log: createLog({ level: 'error', encoding: 'json', write: () => {} }),
    fatal: () => {},
    changed: () => {},
    stopped: () => {}
  })
  let tries = 0
  const stored = attempts.repeat(async () => {
    if (tries++ === 0) throw new Error('503')
  })
  await new Promise(setImmediate)
  if (isOver) await attempts.repeat(async () => {})
  attempts.finish()
  // Once more, where that can do any good.
  expect([await stored, tries]).toEqual([isOver, isOver ? 2 : 1])
})

test('J6: a sync that has failed is not tried again, and the program must end', async () => {
  const fatal: Error[] = []
  const stops: Error[] = []
  const attempts = createAttempts({
    doing: 'storing',
    retry: {
      ...{ initial_interval: 1, randomization_factor: 0, multiplier: 1, max_interval: 1 },
      max_elapsed_time: 0
    },
    log: createLog({ level: 'error', encoding: 'json', write: () => {} }),
    fatal: (error) => void fatal.push(error),
    changed: () => {},
    stopped: (error) => void stops.push(error)
  })
  const failed = new SyncFailed('/journal/spool', new Error('EIO: i/o error, fsync'))
  let tries = 0
  const stored = await attempts.repeat(async () => {
    tries++
    throw failed
  })
  expect([stored, tries, fatal, stops]).toEqual([false, 1, [failed], [failed]])
})
