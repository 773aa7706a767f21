import { z } from 'zod'
import type { Compression } from '../src/archive/compress.ts'
import { openDirectoryStore } from '../src/archive/directory_store.ts'
import { type KeyOptions, keyLayout, keyProblem } from '../src/archive/key.ts'
import { marshalers } from '../src/archive/marshal.ts'
import { routeLogs } from '../src/archive/route.ts'
import { type S3Uploader, s3uploader } from '../src/archive/s3_schema.ts'
import { s3Stores } from '../src/archive/s3_store.ts'
import type { Store } from '../src/archive/store.ts'
import { uploadBatches } from '../src/archive/uploads.ts'
import type { Exporter, LaneContext } from '../src/component.ts'
import { duration } from '../src/config/fields.ts'

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
    timeout: duration()
      .refine((milliseconds) => milliseconds >= 0, "'timeout' must be non-negative")
      .prefault('5s')
      .describe('For one PUT, beside a second for each MiB; 0: no limit.')
  })
  .superRefine(({ s3uploader, marshaler, resource_attrs_to_s3: mapped }, context) => {
    if (context.issues.length > 0) return
    const add = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    const { s3_bucket } = s3uploader
    const options = keyOptions(s3uploader, marshaler, '0'.repeat(16))
    const problem = keyProblem(options, s3_bucket.startsWith('file:'))
    if (problem !== undefined) add(['s3uploader'], problem)
    if (s3_bucket === '' && mapped.s3_bucket === '')
      add(['s3uploader', 's3_bucket'], 'no bucket: name one here or by resource_attrs_to_s3')
    if (mapped.s3_bucket !== '' && s3_bucket.startsWith('file:'))
      add(['resource_attrs_to_s3', 's3_bucket'], `a directory has no buckets: ${s3_bucket}`)
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
export default async function awss3(options: Options, context: LaneContext): Promise<Exporter> {
  const { s3uploader, marshaler, resource_attrs_to_s3: mapped } = options
  const { compression_level } = s3uploader
  const open = await openStores(options, context)
  context.ready(whereTo(options))
  const routing = {
    bucket: s3uploader.s3_bucket,
    bucketAttribute: mapped.s3_bucket,
    prefixAttribute: mapped.s3_prefix,
    allowed: mapped.allowed_buckets
  }
  return uploadBatches(
    {
      marshaler: marshalers[marshaler],
      compression: compressionOf(s3uploader),
      level: compression_level,
      key: keyLayout(keyOptions(s3uploader, marshaler, context.lane.id)),
      route: ({ logs }) => routeLogs(logs, routing),
      open
    },
    context
  )
}

function whereTo({ s3uploader, resource_attrs_to_s3: mapped }: Options): string {
  const { s3_bucket } = s3uploader
  if (s3_bucket.startsWith('file:')) return s3_bucket
  const named = mapped.s3_bucket === '' ? [] : [`the bucket in ${mapped.s3_bucket}`]
  return [...named, ...(s3_bucket === '' ? [] : [`s3://${s3_bucket}`])].join(', else ')
}

async function openStores(options: Options, context: LaneContext) {
  const { s3_bucket } = options.s3uploader
  if (!s3_bucket.startsWith('file:')) return buckets(options, context)
  const directory = s3_bucket.slice('file:'.length).replace(/^\/\//, '')
  const store = await openDirectoryStore({ directory, writer: context.lane.id })
  return async () => store
}

/**
 * The configured bucket may be away at start: a warning, and the journal fills. One that a record
 * names is asked for before it gets its first number (A7).
 */
function buckets({ s3uploader, timeout }: Options, { lane, log, id }: LaneContext) {
  const configured = s3uploader.s3_bucket
  const store = s3Stores(s3uploader, {
    timeout,
    maxSockets: lane.consumers ?? 10,
    sessionName: `auditcol-${lane.id}`
  })
  const known = new Map<string, Store>()
  if (configured !== '') {
    known.set(configured, store(configured))
    store(configured)
      .probe()
      .catch((cause: Error) => log.warn(`${id}: ${cause.message}; records wait in the journal`))
  }
  return async (bucket: string): Promise<Store> => {
    const before = known.get(bucket)
    if (before !== undefined) return before
    const found = store(bucket)
    await found.probe()
    known.set(bucket, found)
    return found
  }
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
