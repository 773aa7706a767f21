import type { z } from 'zod'
import type { Component } from './config.ts'
import type { Place } from './errors.ts'
import { parseId } from './ids.ts'
import { type JournalConfig, type journalSchema, journalWithin, sameDirectory } from './journal.ts'
import { nearestName } from './nearest.ts'
import type { Report } from './report.ts'

/** An exporter in use that names a storage for its queue. */
export interface StorageUse {
  readonly exporter: string
  readonly storage: string
  readonly place: Place
}

/**
 * The journal that `service.journal` and every `sending_queue.storage` agree on: there is one, and
 * it lies in the directory of the extension named. Reports what does not agree.
 */
export function agreeOnJournal(
  written: z.output<typeof journalSchema>,
  uses: readonly StorageUse[],
  extensions: Readonly<{
    configured: ReadonlySet<string>
    good: ReadonlyMap<string, Component>
    listed: ReadonlySet<string>
  }>,
  report: Report
): JournalConfig | false {
  let chosen: { directory: string; use: StorageUse } | undefined
  for (const use of uses) {
    const fail = (message: string) =>
      report.problem(use.place, `exporters::${use.exporter}::sending_queue`, message)
    const directory = directoryOf(use.storage, extensions, fail)
    if (directory === undefined) continue
    if (written === false)
      fail('storage needs the journal, and `service.journal: false` takes it away')
    else if (written.directory !== undefined && !sameDirectory(written.directory, directory))
      fail(
        `storage "${use.storage}" puts the journal in ${directory}, and service::journal::directory in ${written.directory}: leave one out`
      )
    else if (chosen && !sameDirectory(chosen.directory, directory))
      fail(
        `storage "${use.storage}" is another directory than "${chosen.use.storage}" of exporters::${chosen.use.exporter}: there is one journal, so name one storage`
      )
    chosen ??= { directory, use }
  }
  if (written === false) return false
  return { ...written, directory: chosen?.directory ?? written.directory ?? './journal' }
}

function directoryOf(
  storage: string,
  { configured, good, listed }: Parameters<typeof agreeOnJournal>[2],
  fail: (message: string) => void
): string | undefined {
  try {
    const { text: id } = parseId(storage)
    if (!configured.has(id)) throw new Error(unknownStorage(storage, configured))
    const extension = good.get(id)
    if (extension !== undefined && extension.type !== 'file_storage')
      throw new Error(`storage "${storage}": requested extension is not a storage extension`)
    if (!listed.has(id))
      throw new Error(
        `references storage extension "${storage}" which is not listed in service::extensions`
      )
    return extension && journalWithin((extension.options as { directory: string }).directory)
  } catch (error) {
    fail((error as Error).message)
    return undefined
  }
}

function unknownStorage(storage: string, configured: ReadonlySet<string>): string {
  const near = nearestName(storage, [...configured])
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  return `references storage extension "${storage}" which is not configured${hint}`
}
