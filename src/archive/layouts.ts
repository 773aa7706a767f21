import { posix } from 'node:path'
import type { KeyTemplate } from './key_template.ts'
import { numberPlace } from './key_text.ts'
import type { Layout, Placement } from './layout.ts'
import type { Partition } from './partitions.ts'
import { type PartitionTime, timeBy } from './record_time.ts'

export interface TimeOptions {
  readonly partitionTime: PartitionTime
  /** Undefined: folders are not of the time of records, and nobody closes them. */
  readonly partitionOf: ((at: number) => Partition) | undefined
}

/** Objects by the folder of each record's time, with the Collector's names. */
export function partitionLayout({ partitionTime, partitionOf }: TimeOptions): Layout {
  const timeOf = timeBy(partitionTime)
  return {
    place: (view, times) => ({ partition: partitionOf?.(timeOf(view, times)) }),
    // The folder of the time of sealing.
    rest: () => ({})
  }
}

/** Objects by the keys that a template makes of records. */
export function templateLayout(
  template: KeyTemplate,
  { partitionTime, partitionOf }: TimeOptions,
  extension: string
): Layout {
  const timeOf = timeBy(partitionTime)
  return {
    place: (view, times): Placement => {
      const at = timeOf(view, times)
      return { key: template.key(view, at), partition: partitionOf?.(at) }
    },
    rest: (folder) => ({ key: posix.join(folder, `batch_${numberPlace}.${extension}`) })
  }
}
