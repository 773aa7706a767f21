/*
 * A machine on which one process runs: each write, sync, rename, removal and each request to a store
 * is a numbered step. A fault stands for one step; without one the step just happens.
 */

/** What happens at a step. Everything but 'error' and 'error, done' ends the process there. */
export type Fault =
  /** The process dies before the step. */
  | 'killed'
  /** It dies after it, and nobody hears of it. */
  | 'killed, done'
  /** The power goes after it: what was not synced is gone. */
  | 'power, done'
  /** The power goes after it, and of what was not synced some parts have reached the disk. */
  | 'power, torn'
  /** The process dies before it, but a request is on its way and arrives in a later life. */
  | 'killed, late'
  | 'error'
  | 'error, done'
  /** Half of it happens: the disk is full. */
  | 'full'

export type End = 'killed' | 'power' | 'torn'

export interface Step {
  /** `write 00000001.wal`, `PUT logs/...`: for messages. */
  readonly what: string
  /** Whether it concerns the disk or a store. */
  readonly on: 'disk' | 'store'
  effect(): void
  /** The part that a full disk still takes. */
  half?(): void
  /** What an error leaves: of a failed sync, pages that count as clean. */
  failed?(): void
  /** Arrives in a later life. */
  late?(): void
}

export interface Machine {
  /** Resolves when the step has happened; never when the process dies at it. */
  step(step: Step): Promise<void>
  /** Steps so far. */
  readonly steps: number
  /** What they were. */
  readonly log: readonly string[]
  /** How the process ended, if it has. */
  readonly end: End | undefined
  /** Ends the process here. */
  kill(end: End): void
}

const never = new Promise<void>(() => {})

/** `faultAt` is asked at each step, numbered from `from` on. */
export function createMachine(
  from: number,
  faultAt: (step: number, what: Step) => Fault | undefined
): Machine {
  let steps = from
  let end: End | undefined
  const log: string[] = []

  const happens = (step: Step, fault: Fault | undefined) => {
    if (fault === undefined || fault.endsWith('done') || fault === 'power, torn') step.effect()
    if (fault === 'full') step.half?.()
    if (fault === 'error') step.failed?.()
    if (fault === 'killed, late') step.late?.()
  }

  return {
    step: async (step) => {
      if (end) return never
      // The file system and the store answer later, never in the same turn.
      await new Promise(setImmediate)
      if (end) return never
      const fault = faultAt(steps++, step)
      log.push(fault === undefined ? step.what : `${step.what}: ${fault}`)
      happens(step, fault)
      if (fault === undefined) return
      if (fault.startsWith('killed')) end = 'killed'
      if (fault.startsWith('power')) end = fault.endsWith('torn') ? 'torn' : 'power'
      if (end) return never
      const code = fault === 'full' ? 'ENOSPC' : 'EIO'
      throw Object.assign(new Error(`${code}: ${step.what}`), { code })
    },
    get steps() {
      return steps
    },
    log,
    get end() {
      return end
    },
    kill: (how) => {
      end ??= how
    }
  }
}
