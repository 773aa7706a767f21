import type { Batch } from '../component.ts'
import { cutLogs } from '../logs/cut.ts'
import type { Logs } from '../logs/logs.ts'
import { type Group, type Grouped, groupRecords } from './groups.ts'
import type { Layout } from './layout.ts'
import { partsOf } from './parts.ts'
import { type SealedBody, type SealOptions, sealBody } from './seal.ts'

export interface GroupOptions extends SealOptions {
  /** Undefined: the records of a batch share one object, and nobody looks into them. */
  readonly layout?: (() => Layout) | undefined
  /** Keys of one batch. */
  readonly keysMax?: number
}

/** A batch's records, as far as they go to one store, in groups of one object each or more. */
export function groupsOf({ meta }: Batch, logs: Logs, options: GroupOptions): Grouped {
  const { layout, keysMax = Number.POSITIVE_INFINITY } = options
  if (layout === undefined) return { groups: [{ logs: () => logs }], past: 0 }
  const { arrived, client } = meta
  return groupRecords(logs, layout(), { arrived, sealing: Date.now(), client, keysMax })
}

/** The objects of a group. One larger than a piece may be becomes several of the one intent (L1). */
export async function* sealGroup(
  { meta }: Batch,
  group: Group,
  options: GroupOptions
): AsyncIterable<SealedBody> {
  const { marshaler = options.marshaler } = group
  const logs = group.logs()
  const cut = meta.piece ? cutLogs(logs, meta.piece) : [logs]
  for (const piece of cut) {
    for (const part of partsOf(piece, marshaler)) {
      const sealed = await sealBody(part, { ...options, marshaler })
      if (sealed !== undefined) yield sealed
    }
  }
}
