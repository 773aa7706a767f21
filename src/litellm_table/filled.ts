import type { Log } from '../telemetry/log.ts'

/** How many rows were no repetition of what had come before. */
export interface Filled {
  /** Rows that are durable; `known`: so many of them were before. Undefined: the receiver knows no ids. */
  add(rows: number, known: number | undefined): void
  /** A look into the table is over. */
  sayLook(): void
  /** The receiver ends. */
  sayAll(): void
}

export function createFilled(log: Log): Filled {
  let total = 0
  let now = 0
  let knowsIds = false
  const say = (events: number) =>
    log.info(
      knowsIds
        ? `${events} ${plural(events)} filled in that no PUT brought`
        : `${events} ${plural(events)} read from the table`
    )

  return {
    add: (rows, known) => {
      knowsIds = known !== undefined
      now += rows - (known ?? 0)
    },
    sayLook: () => {
      // Without ids every row is new, and a line for each look says nothing.
      if (now > 0 && knowsIds) say(now)
      total += now
      now = 0
    },
    sayAll: () => say(total)
  }
}

function plural(events: number): string {
  return events === 1 ? 'event' : 'events'
}
