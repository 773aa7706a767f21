import type { Audited, Finding } from './audit.ts'
import { placeOf } from './place_of.ts'

/** Without the journal records are in memory only, and what an exporter refuses for good has no place. */
export function journal({ config, service }: Audited): Finding[] {
  const entry = service.entries.get('journal')
  if (config.journal !== false || entry === undefined) return []
  const message =
    'false keeps records in memory only, and no dead letters: take it out, or name a directory'
  return [{ place: entry.place, path: 'service::journal', message }]
}

/** A limit on retries is fine where it ends in dead letters. */
export function boundedRetry({ config, sections }: Audited): Finding[] {
  if (config.journal !== false) return []
  const inUse = new Set(config.pipelines.flatMap(({ exporters }) => exporters))
  return [...config.exporters.values()].flatMap(({ id, delivery }) => {
    const { enabled, max_elapsed_time } = delivery!.retry_on_failure
    if (!inUse.has(id) || (enabled && max_elapsed_time === 0)) return []
    const key = enabled ? 'max_elapsed_time' : 'enabled'
    const place = placeOf(sections.exporters.declared.get(id)!, ['retry_on_failure', key])
    const message = enabled
      ? 'max_elapsed_time gives records up, and without a journal there are no dead letters: set it to 0, or use the journal'
      : 'enabled: false gives records up at the first failure, and without a journal there are no dead letters: take it out, or use the journal'
    return { place, path: `exporters::${id}::retry_on_failure`, message }
  })
}
