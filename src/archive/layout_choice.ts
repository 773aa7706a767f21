import { posix } from 'node:path'
import { litellmLayout } from '../litellm/layout.ts'
import { newLogsView } from '../logs/edit.ts'
import { emptyMap } from '../logs/value.ts'
import type { CheckName } from './findings.ts'
import { compileKeyTemplate, type KeyTemplate } from './key_template.ts'
import { keyBytes, nameBytes, numberPlace } from './key_text.ts'
import type { Layout } from './layout.ts'
import { partitionLayout, templateLayout } from './layouts.ts'
import { partitionsBy } from './partitions.ts'
import type { S3Uploader } from './s3_schema.ts'

export interface LayoutChoice {
  /** Undefined: the records of a batch share one object, by the time of sealing. */
  readonly layout: (() => Layout) | undefined
  /** Some key of it behind the prefixes, for a look at start; undefined: the Collector's. */
  readonly sampleKey: string | undefined
  /** What a store must be able to do where keys have no number (A6). */
  readonly needs: readonly CheckName[]
}

/** What the configuration says of keys; it was checked. */
export function chooseLayout(uploader: S3Uploader, extension: string): LayoutChoice {
  const {
    layout,
    key_template,
    partition_time: partitionTime,
    s3_partition_timezone: zone
  } = uploader
  if (layout !== 'collector') {
    const chosen = litellmLayout(litellmOptions(uploader))
    return { layout: chosen, sampleKey: litellmSample, needs: unnumberedNeeds }
  }
  const isTimed = partitionTime !== 'seal'
  const partitionOf = (format: string) => (isTimed ? partitionsBy(format, zone) : undefined)
  if (key_template !== undefined) {
    const template = compileKeyTemplate(key_template, zone)
    const times = { partitionTime, partitionOf: partitionOf(template.folderFormat) }
    return {
      layout: () => templateLayout(template, times, extension),
      sampleKey: sampleOf(template),
      needs: template.isNumbered ? [] : unnumberedNeeds
    }
  }
  const times = { partitionTime, partitionOf: partitionOf(uploader.s3_partition_format) }
  const byTime = () => partitionLayout(times)
  return { layout: isTimed ? byTime : undefined, sampleKey: undefined, needs: [] }
}

const unnumberedNeeds = ['create_only', 'read'] as const
const litellmSample = `audit_logs/1970-01-01/00-00-00_${numberPlace}.json`
const lateBytes = 5

function litellmOptions({ layout, s3_base_prefix, s3_prefix, s3_bucket }: S3Uploader) {
  const prefix = posix.join(s3_base_prefix, s3_prefix).replace(/\/$/, '')
  const room = keyBytes - Buffer.byteLength(prefix) - lateBytes
  return {
    prefix: prefix === '.' ? '' : prefix,
    inBatches: layout === 'litellm_batches',
    keyBytes: room,
    levelBytes: s3_bucket.startsWith('file:') ? nameBytes - lateBytes : room
  }
}

function sampleOf(template: KeyTemplate): string {
  return template.key({ ...newLogsView(), cache: emptyMap }, 0)
}
