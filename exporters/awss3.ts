import { z } from 'zod'
import { asBefore } from '../src/archive/as_before.ts'
import { openDirectorySpool } from '../src/archive/directory_spool.ts'
import { checkNames } from '../src/archive/findings.ts'
import { type KeyOptions, keyLayout, keyProblem } from '../src/archive/key.ts'
import { chooseLayout } from '../src/archive/layout_choice.ts'
import { marshalers } from '../src/archive/marshal.ts'
import { createMemorySpool } from '../src/archive/memory_spool.ts'
import { openArchives } from '../src/archive/open_archives.ts'
import { RequirementError } from '../src/archive/requirements.ts'
import { archiveRoot } from '../src/archive/root.ts'
import { recordsFor, routeLogs } from '../src/archive/route.ts'
import { type S3Uploader, s3uploader } from '../src/archive/s3_schema.ts'
import type { Spool } from '../src/archive/spool.ts'
import { openTargets } from '../src/archive/targets.ts'
import type { Exporter, LaneContext } from '../src/component.ts'
import type { Compression } from '../src/compress.ts'
import { duration } from '../src/config/fields.ts'
import { openObjects } from '../src/journal/archives.ts'

/** Stores each batch as immutable objects in S3, or in a directory with the same keys and bytes. */
export const config = z
  .strictObject({
    s3uploader: s3uploader.prefault({}).describe('The bucket, the keys and the objects.'),
    marshaler: z
      .enum(['otlp_json', 'otlp_proto', 'body', 'json_lines'], { error: marshalerProblem })
      .default('otlp_json')
      .describe('otlp_json, otlp_proto, body, or json_lines: one record a line.'),
    encoding: z
      .never({ error: 'encoding names an extension of the Collector: use marshaler' })
      .optional()
      .describe('Refused: auditcol has no encoding extensions.'),
    encoding_file_extension: z
      .never({ error: 'encoding_file_extension goes with encoding, which auditcol has not' })
      .optional()
      .describe('Refused, as `encoding`.'),
    resource_attrs_to_s3: z
      .strictObject({
        s3_bucket: z.string().default('').describe('Resource attribute that names the bucket.'),
        s3_prefix: z.string().default('').describe('Resource attribute that replaces s3_prefix.'),
        allowed_buckets: z
          .array(z.string().regex(/^[^*]+\*?$/, 'a bucket name, or its beginning and a *'))
          .optional()
          .describe('Buckets that s3_bucket may choose, `logs-*` for all that begin so.')
      })
      .prefault({})
      .describe('Lets each resource choose its bucket and prefix.'),
    predecessor: z
      .string()
      .regex(
        /^[0-9a-f]{16}\/[0-9a-f]{16}$/,
        'the writer id and the lane id, each 16 hex digits, with / between'
      )
      .optional()
      .describe(
        'After the loss of a journal: `<writer id>/<lane id>` that this lane goes on from.'
      ),
    require: z
      .array(z.enum(checkNames))
      .default([])
      .describe('What the store must be found able to do, or start refuses and nothing is stored.'),
    timeout: duration()
      .refine((milliseconds) => milliseconds >= 0, "'timeout' must be non-negative")
      .prefault('5s')
      .describe('For one PUT, beside a second for each MiB; 0: no limit.')
  })
  .superRefine(({ s3uploader, marshaler, resource_attrs_to_s3: mapped }, context) => {
    if (context.issues.length > 0) return
    const add = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    const { s3_bucket, layout } = s3uploader
    const options = keyOptions(s3uploader, marshaler, '0'.repeat(16))
    const { sampleKey: key } = chooseLayout(s3uploader, options.extension)
    const isLate = s3uploader.partition_time !== 'seal'
    const problem = keyProblem(options, s3_bucket.startsWith('file:'), { key, isLate })
    if (problem !== undefined) add(['s3uploader'], problem)
    if (s3_bucket === '' && mapped.s3_bucket === '')
      add(['s3uploader', 's3_bucket'], 'no bucket: name one here or by resource_attrs_to_s3')
    if (mapped.s3_bucket !== '' && s3_bucket.startsWith('file:'))
      add(['resource_attrs_to_s3', 's3_bucket'], `a directory has no buckets: ${s3_bucket}`)
    if (layout !== 'collector' && mapped.s3_prefix !== '')
      add(
        ['resource_attrs_to_s3', 's3_prefix'],
        `layout: ${layout} has one prefix, that of s3_prefix`
      )
    if (layout !== 'collector' && marshaler !== 'body' && marshaler !== 'otlp_json')
      add(['marshaler'], `layout: ${layout} writes bodies as they came: leave marshaler out`)
    if (mapped.allowed_buckets !== undefined && mapped.s3_bucket === '')
      add(['resource_attrs_to_s3', 'allowed_buckets'], 'limits s3_bucket, which is not set')
  })

type Options = z.infer<typeof config>

/**
 * What is sealed stays in memory until it is stored. JSON that is not compressed is up to five times its
 * protobuf, where that is small numbers: an attribute of 9 bytes becomes 40.
 */
export function memory({ marshaler, s3uploader }: Options, window: number): number {
  const json = marshaler === 'otlp_json' || marshaler === 'json_lines'
  return json && compressionOf(s3uploader) === 'none' ? 5 * window : window
}

/** The archive is opened here: a directory that cannot be written to stops the start. */
export default async function awss3(configured: Options, context: LaneContext): Promise<Exporter> {
  const { lane } = context
  const s3_bucket = await asBefore(configured.s3uploader.s3_bucket, lane.book.archives.keys())
  const options = { ...configured, s3uploader: { ...configured.s3uploader, s3_bucket } }
  const { s3uploader, marshaler, resource_attrs_to_s3: mapped } = options
  if (s3uploader.partition_time !== 'seal' && !lane.book.durable)
    throw new Error(
      'partition_time needs a journal: without one nobody remembers which partitions are open'
    )
  const routing = {
    bucket: s3uploader.s3_bucket,
    bucketAttribute: mapped.s3_bucket,
    prefixAttribute: mapped.s3_prefix,
    allowed: mapped.allowed_buckets
  }
  const { layout, needs } = chooseLayout(s3uploader, marshalers[marshaler].extension)
  const require = [...new Set([...options.require, ...needs])]
  const targets = await openTargets({ ...options, require }, context, (logs, bucket) =>
    recordsFor(logs, routing, new Set([bucket]))
  ).catch((error) => {
    if (needs.length === 0 || !(error instanceof RequirementError)) throw error
    throw new RequirementError(`${error.message}; a key without {number} needs ${needs.join(', ')}`)
  })
  context.ready(whereTo(options))
  return openArchives(
    {
      marshaler: marshalers[marshaler],
      compression: compressionOf(s3uploader),
      level: s3uploader.compression_level,
      key: keyLayout(keyOptions(s3uploader, marshaler, lane.id)),
      layout,
      keysMax: s3uploader.max_keys_per_batch,
      lateness: s3uploader.allowed_lateness,
      root: archiveRoot(s3uploader),
      predecessor: options.predecessor,
      route: ({ logs }) => routeLogs(logs, routing),
      ...targets
    },
    await openSpool(context),
    context
  )
}

function openSpool({ lane: { book, id } }: LaneContext): Promise<Spool> | Spool {
  if (book.spool === undefined) return createMemorySpool()
  const open = [...book.archives.values()].flatMap(openObjects)
  return openDirectorySpool(book.spool, id, new Set(open.map(({ intent }) => intent.spool)))
}

function whereTo({ s3uploader, resource_attrs_to_s3: mapped }: Options): string {
  const { s3_bucket } = s3uploader
  if (s3_bucket.startsWith('file:')) return s3_bucket
  const named = mapped.s3_bucket === '' ? [] : [`the bucket in ${mapped.s3_bucket}`]
  return [...named, ...(s3_bucket === '' ? [] : [`s3://${s3_bucket}`])].join(', else ')
}

function keyOptions(
  s3uploader: S3Uploader,
  marshaler: Options['marshaler'],
  laneId: string
): KeyOptions {
  const { extension } = marshalers[marshaler]
  return { ...s3uploader, extension, compression: compressionOf(s3uploader), laneId }
}

function compressionOf({ compression }: S3Uploader): Compression {
  return compression === '' ? 'none' : compression
}

function marshalerProblem({ input }: { input?: unknown }): string {
  return input === 'sumo_ic'
    ? 'marshaler sumo_ic is the format of one vendor and drops what it does not name: use json_lines'
    : `unknown marshaler "${input}"`
}
