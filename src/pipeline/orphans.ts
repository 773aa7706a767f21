import type { Config } from '../config/config.ts'
import { pathsOf } from '../config/paths.ts'
import type { Book } from '../journal/book.ts'
import type { Journal } from '../journal/journal.ts'
import { counted } from '../telemetry/counted.ts'
import type { Log } from '../telemetry/log.ts'

/**
 * Lanes that the configuration no longer has: one that has delivered everything has ended; one that
 * has not refuses start (L7), or its records would wait unseen for ever.
 */
export async function settleOrphans(config: Config, journal: Journal, log: Log): Promise<void> {
  const names = laneNames(config)
  const orphans = [...journal.lanes.values()].filter(({ name }) => !names.has(name))
  const owed = orphans.filter(({ behind, book }) => behind.records > 0 || isUncommitted(book))
  if (owed.length > 0) {
    throw new Error(
      owed
        .map(
          ({ name, behind }) =>
            `${owing(behind.records)} for ${name}: restore it in the configuration, ` +
            `or run \`auditcol journal abandon ${name}\`, or \`auditcol journal rename ${name} <new name>\``
        )
        .join('; ')
    )
  }
  for (const lane of orphans) {
    await journal.end(lane, 'delivered')
    log.info('a lane that the configuration no longer has is closed, everything was delivered', {
      lane: lane.name
    })
  }
}

export function laneNames(config: Config): ReadonlySet<string> {
  return new Set(pathsOf(config).map(({ name }) => name))
}

/** A gap and what was given up are no records any more, and still have to be told. */
function owing(records: number): string {
  return records > 0
    ? `${counted(records, 'record')} undelivered`
    : 'gaps that no archive shows yet'
}

/** Sealed objects and gaps whose leaves are not in the store yet. */
function isUncommitted({ archives }: Book): boolean {
  return [...archives.values()].some(
    ({ queue, pending }) => pending !== undefined || queue.some(({ kind }) => kind !== 'genesis')
  )
}
