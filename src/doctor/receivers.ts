import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Component, Config } from '../config/config.ts'
import { askControl } from '../journal/control.ts'
import { readAtRest } from '../journal/read_at_rest.ts'
import type { JournalStatus, ReceiverStatus } from '../journal/status.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { spanText } from '../telemetry/span.ts'

/** Whether something arrives at a receiver, as often as it expects. */
export interface ReceiverReport {
  readonly receiver: string
  /** 'unknown': nobody listens, or nothing was expected. */
  readonly result: 'ok' | 'no' | 'unknown'
  readonly answer: string
  /** Of one that is given nothing: why, most of the time. */
  readonly usual_cause?: string
}

/** Asks the running process when something arrived last, or the journal when none runs. */
export async function examineReceivers(config: Config): Promise<ReceiverReport[]> {
  const inUse = new Set(config.pipelines.flatMap(({ receivers }) => receivers))
  const receivers = [...config.receivers.values()].filter(({ id }) => inUse.has(id))
  const known = await arrivalsIn(config)
  if (typeof known === 'string') {
    return receivers.map(({ id }) => ({ receiver: id, result: 'unknown', answer: known }))
  }
  return receivers.map((receiver) => {
    return examine(
      receiver,
      known.receivers.find(({ id }) => id === receiver.id),
      known.isRunning
    )
  })
}

type Known = Pick<JournalStatus, 'receivers'> & { readonly isRunning: boolean }

/** Or why they are not known. */
async function arrivalsIn({ journal }: Config): Promise<Known | string> {
  if (!journal)
    return 'without a journal its arrivals are told by the log of the running process alone'
  const { directory } = journal
  // To look for the lock of a journal that is not there would make one.
  const isThere = await stat(join(directory, 'lock')).catch(() => undefined)
  if (!isThere) return 'nothing yet: no journal has been begun'
  try {
    const answer = await askControl(directory, { do: 'show' })
    if (answer && 'status' in answer) return { ...answer.status, isRunning: true }
    return { ...(await readAtRest(directory)), isRunning: false }
  } catch (error) {
    return `its arrivals are not known: ${reasonOf(error)}`
  }
}

function examine(
  { id, expectEvery, silence }: Component,
  arrival: ReceiverStatus | undefined,
  isRunning: boolean
): ReceiverReport {
  const { last, waiting = 0, silent = false } = arrival ?? {}
  const isLate = silent || (expectEvery !== undefined && waiting >= expectEvery)
  const isQuiet = isLate || last === undefined
  const expects =
    expectEvery === undefined ? '' : ` (expects something every ${spanText(expectEvery)})`
  const nothing = arrival === undefined ? 'nothing yet' : `nothing for ${spanText(waiting)}`
  const when = last === undefined ? '' : `, last record ${new Date(last).toISOString()}`
  const asleep = isRunning ? '' : '; no collector is running here'
  return {
    receiver: id,
    result: silent ? 'no' : isQuiet ? 'unknown' : 'ok',
    answer: isQuiet
      ? `${nothing}${expects}${when}${asleep}`
      : `last record ${spanText(waiting)} ago${expects}${asleep}`,
    ...(isQuiet && silence !== undefined && { usual_cause: silence })
  }
}
