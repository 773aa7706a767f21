import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { TargetOptions } from '../../src/archive/targets.ts'
import { contentProblems, wrongIn } from './check.ts'
import type { Fault, Step } from './machine.ts'
import { idsIn, type Wiring } from './process.ts'
import { type Act, tell } from './story.ts'

/*
 * The protocol in a world where everything that reaches a disk or a store is a numbered step, and each
 * step fails in each way that it can: before it, after it, half-way, with the process or with the power.
 * `AUDITCOL_MODEL=all` takes every way at every step, and more random stories; by default a third of them.
 */
const all = process.env.AUDITCOL_MODEL === 'all'
const timeout = all ? 900_000 : 60_000

vi.mock('node:fs/promises', async (original) =>
  (await import('./disk.ts')).withDisks(await original<object>())
)
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
}))
vi.mock('../../src/journal/lock.ts', () => ({ lockJournal: async () => ({ release: () => {} }) }))
// Threads would bring another order of events with each run.
vi.mock('../../src/archive/sha256.ts', () => ({
  sha256Of: async (bytes: Uint8Array) => hash(bytes)
}))
vi.mock('../../src/archive/targets.ts', async () => {
  const { targetsOf } = await import('./process.ts')
  return {
    openTargets: async (options: TargetOptions & { wiring: Wiring }) => targetsOf(options.wiring)
  }
})

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})

const onDisk: Fault[] = [
  'killed, done',
  'power, done',
  'power, torn',
  'error',
  'error, done',
  'full'
]
const onStore: Fault[] = [
  'killed',
  'killed, done',
  'killed, late',
  'error',
  'error, done',
  'power, done'
]

function faultsAt({ on, half }: Step): Fault[] {
  return on === 'store' ? onStore : onDisk.filter((fault) => fault !== 'full' || half)
}

describe('whatever fails at whatever step, every record is in one place and every leaf is right', () => {
  const stories: [string, Act[]][] = [
    [
      'two buckets, a dead letter, drops, and a request that is cut into objects',
      [
        { send: ['a1', 'a2@more', 'a3@BAD', 'drop1', 'away1'] },
        'wait',
        { send: ['b1'] },
        { send: ['drop2'] },
        { send: ['away2', 'drop3'] },
        { send: ['c1', 'c2', 'c3', 'c4@more', 'c5', 'c6'] }
      ]
    ],
    [
      'an object that the store refuses for good, until an operator gives it up',
      [{ refuse: 2 }, { send: ['a1', 'a2', 'a3@more'] }, 'wait', { send: ['b1', 'b2', 'b3@more'] }]
    ]
  ]
  test.each(stories)('%s', { timeout }, async (_, acts) => {
    const steps: Step[] = []
    const whole = await tell({
      acts,
      faultAt: (_step, what) => {
        steps.push(what)
        return undefined
      }
    })
    expect(await wrongIn(whole)).toEqual([])
    for (const [at, step] of steps.entries()) {
      const faults = faultsAt(step)
      // All of them over a few steps, the same ones in each run.
      const chosen = all
        ? faults
        : [faults[at % faults.length]!, faults[(at * 3 + 2) % faults.length]!]
      for (const fault of new Set(chosen)) {
        await happens(acts, [{ at, choose: (known) => known.indexOf(fault) }], at)
      }
    }
  })

  const ids = fc.array(fc.constantFrom('', '', '', '@more', '@BAD', 'drop', 'away'), {
    minLength: 1,
    maxLength: 6
  })
  const act = fc.oneof(
    { weight: 5, arbitrary: ids.map((kinds) => ({ kinds })) },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
    { weight: 1, arbitrary: fc.constantFrom('killed', 'power', 'torn').map((end) => ({ end })) }
  )
  /** Both archives are there from the beginning: then it is known what their counts must be. */
  const born: Act[] = [{ send: ['first', 'first@more'] }, 'wait']
  const fault = fc.record({ at: fc.nat(300), way: fc.nat(5) })
  test('random requests, stops and several faults', { timeout }, async () => {
    const story = fc.tuple(
      fc.array(act, { minLength: 1, maxLength: 6 }),
      fc.array(fault, { maxLength: 4 }),
      fc.nat()
    )
    await fc.assert(
      fc.asyncProperty(story, async ([acts, faults, seed]) => {
        const told = acts.map((one, index): Act => {
          if (one === 'wait' || 'end' in one) return one as Act
          return { send: one.kinds.map((kind, n) => named(kind, `${index}-${n}`)) }
        })
        await happens(
          [...born, ...told],
          faults.map(({ at, way }) => ({ at, choose: ({ length }) => way % length })),
          seed
        )
      }),
      { numRuns: all ? 2000 : 60, endOnFailure: true, ...(all ? {} : { seed: 20 }) }
    )
  })
})

function named(kind: string, id: string): string {
  return kind === 'drop' || kind === 'away' ? `${kind}${id}` : `r${id}${kind}`
}

interface Chosen {
  readonly at: number
  choose(known: readonly Fault[]): number
}

async function happens(
  acts: readonly Act[],
  faults: readonly Chosen[],
  seed: number
): Promise<void> {
  const failed: string[] = []
  const faultAt = (at: number, step: Step) => {
    const known = faultsAt(step)
    const found = faults.find((one) => one.at === at)
    const fault = found && known[found.choose(known)]
    if (fault) failed.push(`${at} ${step.what}: ${fault}`)
    return fault
  }
  const told = await tell({ acts, faultAt, torn: coin(seed) })
  const wrong = await wrongIn(told)
  if (wrong.length === 0) return
  throw new Error(`${failed.join(', ')}:\n${wrong.join('\n')}\n\n${told.log.join('\n')}`)
}

/** The same throws for the same seed. */
function coin(seed: number): () => boolean {
  let state = seed * 2 + 1
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return ((state >> 16) & 1) === 0
  }
}

test('L6: a dead letter whose renaming fails and happens all the same is there once', async () => {
  const acts: Act[] = [{ send: ['a1', 'a2@more', 'a3@BAD'] }]
  let failed = 0
  const told = await tell({
    acts,
    faultAt: (_, { what }) => {
      if (!what.startsWith('rename to /journal/dead/') || failed > 0) return undefined
      failed++
      return 'error, done'
    }
  })
  expect(failed).toBe(1)
  expect(await wrongIn(told)).toEqual([])
})

test('a journal whose directory was made by a start that was killed outlasts a power cut', async () => {
  let killed = false
  const told = await tell({
    acts: [{ send: ['a1', 'a2@more', 'a3'] }, { end: 'power' }],
    faultAt: (_, { what }) => {
      if (what !== 'sync directory /' || killed) return undefined
      killed = true
      return 'killed'
    }
  })
  expect(killed).toBe(true)
  expect(await wrongIn(told)).toEqual([])
})

test('A5, A8: of a journal and its copy, taken at whatever step, one goes on and the other is fenced, or they agree', {
  timeout
}, async () => {
  const acts: Act[] = [{ send: ['a1', 'a2@more', 'a3'] }, 'wait', { send: ['b1', 'b2', 'b3'] }]
  const { steps } = await tell({ acts })
  let fences = 0
  for (let at = 0; at < steps; at += all ? 1 : 3) {
    const faultAt = (step: number) => (step === at ? ('killed, done' as const) : undefined)
    const { disk, buckets } = await tell({ acts, faultAt, once: true })
    const from = disk.image()
    const go = (ids: readonly string[]) =>
      tell({ acts: [{ send: ids }], buckets, from, rival: true })
    const own = await go(['o1', 'o2', 'o3'])
    const copy = await go(['c1', 'c2', 'c3'])
    // The first one meets nobody: the copy was made of a process that had ended.
    expect(own.fenced, own.stops.join()).toBe(false)
    if (copy.fenced) fences++
    const stored = buckets.flatMap(({ objects }) => [...objects.values()].flatMap(idsIn))
    for (const id of ['o1', 'o2', 'o3']) expect(stored.filter((one) => one === id)).toEqual([id])
    for (const bucket of buckets) {
      const problems = contentProblems(bucket).filter((text) => !text.includes('two contents'))
      expect(problems).toEqual([])
    }
  }
  expect(fences).toBeGreaterThan(0)
})

function hash(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}
