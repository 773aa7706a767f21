import { vi } from 'vitest'
import { voidObject } from '../../src/commands/void.ts'
import { RefusedError } from '../../src/component.ts'
import { type Bucket, createBucket } from './bucket.ts'
import { createDisk, type Disk, type DiskImage } from './disk.ts'
import { createMachine, type End, type Fault, type Machine, type Step } from './machine.ts'
import { type Process, startProcess } from './process.ts'

/** What senders send, one request after the other, and what an operator does. */
export type Act =
  /** Until all is delivered. */
  | 'wait'
  | { readonly send: readonly string[] }
  /** The store refuses this object for good, until an operator gives it up (A7). */
  | { readonly refuse: number }
  /** A life ends here as if the machine had been switched off. */
  | { readonly end: End }

export interface Told {
  readonly disk: Disk
  readonly buckets: readonly Bucket[]
  /** The first request: archives are born with it. */
  readonly first: readonly string[]
  /** It has stopped because of somebody else (A5). */
  readonly fenced: boolean
  /** Answered with success. */
  readonly accepted: Set<string>
  /** Refused or never answered: there once, or not at all. */
  readonly unsure: Set<string>
  /** What lanes said when they stopped. */
  readonly stops: string[]
  readonly lives: number
  readonly steps: number
  /** Everything that happened, for the message of a failure. */
  readonly log: readonly string[]
}

export interface StoryOptions {
  readonly acts: readonly Act[]
  readonly faultAt?: (step: number, what: Step) => Fault | undefined
  /** What of the unsynced arrives in a torn power cut. */
  readonly torn?: () => boolean
  readonly from?: DiskImage
  readonly buckets?: readonly Bucket[]
  /** Somebody else has a copy of this journal: being fenced is an end too. */
  readonly rival?: boolean
  /** Only the first life is told, to its end or its fault. */
  readonly once?: boolean
}

const livesMax = 12

/**
 * Lives one after another, each on the disk that the one before has left, until all is sent and
 * delivered and the last one has stopped in peace; then once more, behind a power cut.
 */
export async function tell(options: StoryOptions): Promise<Told> {
  const { acts, faultAt = () => undefined, torn = () => false } = options
  const buckets = options.buckets ?? [createBucket('logs'), createBucket('more')]
  const todo = [...acts]
  const first =
    acts.flatMap((act) => (typeof act !== 'string' && 'send' in act ? [act.send] : []))[0] ?? []
  const accepted = new Set<string>()
  const unsure = new Set<string>()
  const stops: string[] = []
  const log: string[] = []
  let image = options.from
  let steps = 0
  let peace = 0
  for (let lives = 1; lives <= livesMax; lives++) {
    const machine = createMachine(steps, faultAt)
    const disk = createDisk(machine, image)
    const work = live({ machine, disk, buckets, todo, accepted, unsure, stops })
    const last = await until(machine, work)
    log.push(...machine.log, `-- ${machine.end ?? 'stopped'}`)
    steps = machine.steps
    const fenced = options.rival === true && stops.some((text) => /is there/.test(text))
    if (options.once) machine.kill('killed')
    if (fenced || options.once || (last && peace++ === 1)) {
      vi.clearAllTimers()
      return { disk, buckets, first, fenced, accepted, unsure, stops, lives, steps, log }
    }
    const end = machine.end ?? 'power'
    machine.kill(end)
    image = disk.after(end, torn)
  }
  throw new Error(`nothing comes to an end:\n${log.slice(-60).join('\n')}`)
}

interface Life {
  readonly machine: Machine
  readonly disk: Disk
  readonly buckets: readonly Bucket[]
  readonly todo: Act[]
  readonly accepted: Set<string>
  readonly unsure: Set<string>
  readonly stops: string[]
}

/** One process, from its start to its stop in peace; undefined when it has to be started again. */
async function live(life: Life): Promise<Process | undefined> {
  const { machine, disk, buckets, todo } = life
  const process = await startProcess({ disk, buckets }).catch((error: Error) => {
    // It exits and is started again, as a disk that answers now and then deserves.
    if (/EIO|ENOSPC|syncing/.test(textOf(error))) return undefined
    throw error
  })
  if (!process) {
    machine.kill('killed')
    return undefined
  }
  for (let act = todo[0]; act && !process.fatal; act = todo[0]) {
    if (act === 'wait') await delivered(process, life)
    // A request is not sent again, whatever becomes of it.
    if (act !== 'wait' || !process.fatal) todo.shift()
    if (act === 'wait') continue
    if ('send' in act) await send(process, act.send, life)
    else if ('refuse' in act) buckets[0]!.refuses.add(act.refuse)
    else {
      machine.kill(act.end)
      return undefined
    }
  }
  await delivered(process, life)
  await process.stop()
  if (process.lane.stopped) life.stops.push(textOf(process.lane.stopped))
  if (!process.fatal && process.journal.lanes.get(process.lane.name)!.behind.records === 0) {
    return process
  }
  machine.kill('killed')
  return undefined
}

async function send(process: Process, ids: readonly string[], life: Life): Promise<void> {
  for (const id of ids) life.unsure.add(id)
  try {
    await process.send(ids)
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    return
  }
  for (const id of ids) {
    life.unsure.delete(id)
    life.accepted.add(id)
  }
}

/** Until nothing is behind, or the lane has stopped and says so; an operator voids what is refused for good. */
async function delivered(process: Process, { buckets }: Life): Promise<void> {
  const lane = process.journal.lanes.get(process.lane.name)!
  while (lane.behind.records > 0 && !process.fatal) {
    const { stopped } = process.lane
    if (stopped && !/refused for good/.test(textOf(stopped))) return
    if (stopped) {
      const number = [...buckets[0]!.refuses][0]!
      const request = { do: 'void', number, archive: 's3://logs', reason: 'refused' } as const
      await voidObject(process.journal, request).catch((error: Error) => {
        // What could not be kept aside is given up in the next round.
        const isTold = /no open object|keeping the bytes/.test(error.message)
        if (!(error instanceof RefusedError) && !isTold) throw error
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Turns the world until the work is done or its machine has ended: what is dead is never heard of. */
async function until<T>(machine: Machine, work: Promise<T>): Promise<T | undefined> {
  let result: { value: T } | { error: unknown } | undefined
  work.then(
    (value) => {
      result = { value }
    },
    (error) => {
      result = { error }
    }
  )
  let seen = machine.steps
  let still = 0
  for (let turns = 0; result === undefined && machine.end === undefined; turns++) {
    await new Promise(setImmediate)
    still = machine.steps === seen ? still + 1 : 0
    seen = machine.steps
    if (still > 3) vi.advanceTimersByTime(still > 50 ? 500 : 5)
    if (turns > 20_000 || still > 1000) {
      throw new Error(`it hangs:\n${machine.log.slice(-40).join('\n')}`)
    }
  }
  if (result && 'error' in result) throw result.error
  return result?.value
}

export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${textOf(error.cause)}` : ''
}
