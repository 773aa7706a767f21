import { sleep } from '../backoff.ts'
import type { Batch, Meta } from '../component.ts'
import type { NewLetter } from '../journal/letters.ts'
import type { Logs } from '../logs/logs.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'

/** Writes one dead letter; rejects when that is not possible now. */
export type WriteLetter = (letter: NewLetter, logs: Logs) => Promise<string>

const againMs = 1_000
const sayMs = 60_000

/** Keeps what will fail again, one batch's letters at a time: each is durable before the lane moves (L5, L6). */
export function createDeadLetters(write: WriteLetter, by: string, log: Log) {
  let said = Number.NEGATIVE_INFINITY
  let unsaid = 0

  const tell = (records: number, reason: string) => {
    unsaid += records
    if (Date.now() - said < sayMs) return
    log.warn('records that will fail again are kept as dead letters', { records: unsaid, reason })
    said = Date.now()
    unsaid = 0
  }

  /** If it cannot be written, the lane waits; undefined when it was halted meanwhile. */
  return async (
    { meta }: Batch,
    logs: Logs,
    error: Error,
    unnamed: number | undefined,
    halted: AbortSignal
  ): Promise<string | undefined> => {
    const reason = reasonOf(error)
    const letter = { ...letterOf(meta), by, reason, ...(unnamed !== undefined && { unnamed }) }
    for (;;) {
      try {
        const id = await write(letter, logs)
        tell(logs.records, reason)
        return id
      } catch (failed) {
        if (halted.aborted) return undefined
        if (Date.now() - said > sayMs) {
          log.warn('a dead letter cannot be written, the lane waits', { error: reasonOf(failed) })
          said = Date.now()
        }
        await sleep(againMs, halted)
        if (halted.aborted) return undefined
      }
    }
  }
}

export type KeepLetter = ReturnType<typeof createDeadLetters>

function letterOf({ receiver, arrived, client, identity, covers = [] }: Meta) {
  return {
    ...{ receiver, arrived, covers, at: 'exporter' as const },
    ...(client && { client }),
    ...(identity && { identity })
  }
}
