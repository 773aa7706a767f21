import type { Exporter } from '../component.ts'
import type { Config } from '../config/config.ts'
import { pathsOf } from '../config/paths.ts'
import { openObjects } from '../journal/archives.ts'
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

/**
 * Only an archive can store what is sealed: an exporter of another kind that has got the lane's name
 * would go on beside it, and nobody would see it wait (L7).
 */
export function refuseUnstored(lane: string, exporter: Exporter, { archives }: Book): void {
  if (exporter.stores) return
  const waiting = [...archives.values()].flatMap((archive) =>
    openObjects(archive).flatMap(({ object }) =>
      object.voided ? [] : [{ store: archive.name, records: object.records }]
    )
  )
  if (waiting.length === 0) return
  const records = waiting.reduce((sum, one) => sum + one.records, 0)
  const stores = [...new Set(waiting.map(({ store }) => store))].join(', ')
  throw new Error(
    `${counted(records, 'record')} undelivered for ${lane}, sealed for ${stores}, where this exporter stores nothing: ` +
      `give the lane to an awss3 exporter (\`auditcol journal rename ${lane} <its lane>\`), ` +
      `or run \`auditcol journal abandon ${lane}\``
  )
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
