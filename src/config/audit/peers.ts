import type { Audited, Finding } from './audit.ts'
import { placeOf } from './place_of.ts'

/** A far side whose certificate nobody looks at may be anybody: it can take records and keep none. */
export function unverifiedPeers({ config, sections }: Audited): Finding[] {
  const inUse = new Set(config.pipelines.flatMap(({ exporters }) => exporters))
  return [...config.exporters.values()].flatMap(({ id, options }) => {
    if (!inUse.has(id)) return []
    return unverifiedIn(options, []).map((path) => ({
      place: placeOf(sections.exporters.declared.get(id)!, path),
      path: ['exporters', id, ...path.slice(0, -1)].join('::'),
      message:
        'insecure_skip_verify lets anybody stand in for the far side: take it out, and name its authority in ca_file'
    }))
  })
}

/** Paths of the key where it is true, whatever the exporter. */
function unverifiedIn(options: unknown, path: readonly string[]): string[][] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return []
  return Object.entries(options).flatMap(([key, value]) =>
    key === 'insecure_skip_verify' && value === true
      ? [[...path, key]]
      : unverifiedIn(value, [...path, key])
  )
}
