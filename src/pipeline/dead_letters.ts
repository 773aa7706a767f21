import { sleep } from '../backoff.ts'
import type { Batch, Meta, Refused } from '../component.ts'
import { SyncFailed } from '../disk.ts'
import type { NewLetter } from '../journal/letters.ts'
import { joinRanges } from '../journal/position.ts'
import { joinLogs, type Logs } from '../logs/logs.ts'
import { commonSender } from '../sender.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'

/** Writes one dead letter; rejects when that is not possible now. */
export type WriteLetter = (letter: NewLetter, logs: Logs) => Promise<string>

/** The end of what a lane's components refuse. */
export interface DeadLetters {
  /** Resolves with the letters' ids when they are durable. If they cannot be written, the lane waits; undefined when it was halted meanwhile. */
  keep(refused: readonly Refused[], halted: AbortSignal): Promise<string[] | undefined>
  /** Something of this batch was refused and is not kept yet. */
  owes(batch: Batch): boolean
}

const againMs = 1_000
const sayMs = 60_000

export function createDeadLetters(write: WriteLetter, log: Log): DeadLetters {
  const kept = new WeakSet<Refused>()
  let said = Number.NEGATIVE_INFINITY
  let unsaid = 0

  const tell = (records: number, reason: string) => {
    unsaid += records
    if (performance.now() - said < sayMs) return
    log.warn('records that will fail again are kept as dead letters', { records: unsaid, reason })
    said = performance.now()
    unsaid = 0
  }

  const writeUntilKept = async (letter: NewLetter, logs: Logs, halted: AbortSignal) => {
    for (;;) {
      try {
        const id = await write(letter, logs)
        tell(logs.records, letter.reason)
        return id
      } catch (failed) {
        // The letter may be there all the same: another would be a second one. The program ends (J6, L6).
        if (halted.aborted || failed instanceof SyncFailed) return undefined
        if (performance.now() - said > sayMs) {
          log.warn('a dead letter cannot be written, the lane waits', { error: reasonOf(failed) })
          said = performance.now()
        }
        await sleep(againMs, halted)
        if (halted.aborted) return undefined
      }
    }
  }

  return {
    keep: async (refused, halted) => {
      const ids: string[] = []
      for (const together of ofOneKind(refused)) {
        const logs = joinLogs(together.map(({ logs }) => logs))
        const id = await writeUntilKept(letterOf(together), logs, halted)
        if (id === undefined) return undefined
        ids.push(id)
      }
      for (const one of refused) kept.add(one)
      return ids
    },
    owes: ({ meta: { refused = [] } }) => refused.some((one) => !kept.has(one))
  }
}

/** What was refused for the same reason and came from the same sender, whatever its address, is one letter: each costs three syncs. */
function ofOneKind(refused: readonly Refused[]): Refused[][] {
  const kinds = new Map<string, Refused[]>()
  for (const one of refused) {
    const { receiver, client, identity } = one.from
    const kind = JSON.stringify([one.by, one.reason, one.unnamed, receiver, client, identity])
    const known = kinds.get(kind)
    if (known) known.push(one)
    else kinds.set(kind, [one])
  }
  return [...kinds.values()]
}

function letterOf(together: readonly Refused[]): NewLetter {
  const { by, at, reason, unnamed, from } = together[0]!
  return {
    ...{ by, at, reason, receiver: from.receiver },
    arrived: Math.min(...together.map(({ from }) => from.arrived)),
    covers: coversOf(together.map(({ from }) => from)),
    ...(unnamed !== undefined && { unnamed: unnamed * together.length }),
    ...commonSender(together.map(({ from }) => from))
  }
}

function coversOf(batches: readonly Meta[]) {
  return joinRanges(batches.flatMap(({ covers = [] }) => covers))
}
