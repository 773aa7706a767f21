import { z } from 'zod'
import { levels } from '../compress.ts'
import { duration } from '../config/fields.ts'
import { defaultPartitionFormat, layoutKeys, layoutProblems } from './layout_schema.ts'
import { objectLock } from './s3_lock_schema.ts'
import { endpointUrl } from './s3_options.ts'
import { compileStrftime } from './strftime.ts'

const acls = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control'
] as const

const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
  'EXPRESS_ONEZONE'
] as const

/** The Collector's keys of `s3uploader` with its defaults and error texts, and what is ours. */
export const s3uploader = z
  .strictObject({
    region: z
      .string()
      .min(1, 'region is required')
      .default('us-east-1')
      .describe('AWS region of the bucket; any name for most S3-compatible stores.'),
    s3_bucket: bucket()
      .default('')
      .describe('Bucket for the objects, or a directory: `file:./archive`.'),
    s3_base_prefix: z
      .string()
      .default('')
      .describe('First part of every key; never replaced by data.'),
    s3_prefix: z
      .string()
      .default('')
      .describe('Next part of the key; resource_attrs_to_s3 may replace it.'),
    s3_partition_format: partitionFormat()
      .default(defaultPartitionFormat)
      .describe(
        'Folders by time, that of sealing unless partition_time says so, in strftime directives.'
      ),
    s3_partition_timezone: timeZone()
      .optional()
      .describe(
        'IANA time zone of s3_partition_format and key_template; unset: that of the process.'
      ),
    s3_partition: z
      .never({
        error:
          "s3_partition was replaced by s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H' for hour, '…/minute=%M' for minute"
      })
      .optional()
      .describe('Refused: the Collector replaced it by s3_partition_format.'),
    file_prefix: z.string().default('').describe('Put before the name of each object.'),
    ...layoutKeys,
    endpoint: endpoint()
      .default('')
      .describe('URL of an S3-compatible store; unset: AWS in `region`.'),
    role_arn: z.string().default('').describe('Role to assume by STS for writing.'),
    external_id: z.string().default('').describe('External id that the role asks for.'),
    s3_force_path_style: z
      .boolean()
      .default(false)
      .describe('The bucket in the path, not in the host name.'),
    disable_ssl: z
      .boolean()
      .default(false)
      .describe('http for an endpoint without a scheme, and for AWS itself.'),
    acl: z.enum(acls, { error: 'invalid ACL' }).optional().describe('Canned ACL of each object.'),
    storage_class: z
      .enum(storageClasses, { error: 'invalid StorageClass' })
      .default('STANDARD')
      .describe('Storage class of each object.'),
    compression: z
      .enum(['', 'none', 'gzip', 'zstd'], { error: compressionProblem })
      .default('')
      .describe('gzip or zstd; the key gets .gz or .zst.'),
    compression_level: z
      .int()
      .min(1)
      .optional()
      .describe('1 to 9 for gzip, 1 to 19 for zstd; 1 when unset.'),
    retry_mode: z
      .enum(['standard', 'adaptive', 'nop'], {
        error: "invalid retry mode, must be either 'standard', 'adaptive' or 'nop'"
      })
      .default('standard')
      .describe('Repeats inside one attempt: as the AWS SDK does, slowed to the store, or none.'),
    retry_max_attempts: z
      .int()
      .nonnegative()
      .default(3)
      .describe('Requests of one attempt at most; 0: as many as `timeout` allows.'),
    retry_max_backoff: duration()
      .refine((milliseconds) => milliseconds >= 0, 'retry_max_backoff must not be negative')
      .prefault('20s')
      .describe('Longest wait between the requests of one attempt.'),
    unique_key_func_name: z
      .enum(['', 'uuidv7'], { error: 'invalid UniqueKeyFuncName' })
      .default('')
      .describe('uuidv7 puts one before the lane id and number of each key.'),
    checksum: z
      .enum(['when_supported', 'when_required'])
      .optional()
      .describe('when_required for stores that refuse x-amz-checksum headers; unset: as AWS says.'),
    sse: encryption().optional().describe('Server-side encryption; unset: as the bucket has it.'),
    tags: tags().optional().describe('Object tags; needs s3:PutObjectTagging.'),
    metadata: metadata().optional().describe('User metadata (x-amz-meta-*) of each object.'),
    expected_bucket_owner: z
      .string()
      .regex(/^\d{12}$/, 'an AWS account id has 12 digits')
      .optional()
      .describe('Account that must own the bucket, or the store refuses.'),
    object_lock: objectLock()
      .optional()
      .describe('Locks every object and commit against deletion; the bucket needs Object Lock.')
  })
  .superRefine((options, context) => {
    const add = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    const { s3_bucket, endpoint, external_id, role_arn, compression, compression_level } = options
    if (s3_bucket === '' && endpoint === '') add('s3_bucket', 'bucket or endpoint is required')
    if (external_id !== '' && role_arn === '') add('external_id', 'external_id requires role_arn')
    if (compression_level !== undefined) {
      const range =
        compression === 'gzip' || compression === 'zstd' ? levels[compression] : undefined
      if (range === undefined) add('compression_level', 'needs compression: gzip or zstd')
      else if (compression_level > range.max)
        add('compression_level', `${compression} has levels ${range.min} to ${range.max}`)
    }
    if (options.disable_ssl && /^https:/i.test(endpoint))
      add('disable_ssl', 'contradicts the https:// of endpoint')
    for (const [key, message] of layoutProblems(options)) add(key, message)
    if (!s3_bucket.startsWith('file:')) return
    if (/^file:(\/\/)?$/.test(s3_bucket)) add('s3_bucket', 'names no directory after file:')
    for (const [key, why] of Object.entries(bucketOnly)) {
      const value = options[key as keyof typeof bucketOnly]
      if (value === undefined || value === '' || value === 'STANDARD') continue
      add(key, `${key} ${why}, which the directory ${s3_bucket} has not`)
    }
  })

export type S3Uploader = z.infer<typeof s3uploader>

/** What promises something about the stored object; the keys of the way there do no harm. */
const bucketOnly = {
  acl: 'sets the ACL of a bucket object',
  storage_class: 'chooses a storage class of S3',
  role_arn: 'assumes a role of AWS',
  sse: 'encrypts in the bucket',
  tags: 'sets tags of a bucket object',
  metadata: 'sets metadata of a bucket object',
  expected_bucket_owner: 'asks for the owner of a bucket',
  object_lock: 'locks objects in the bucket'
} as const

/** Stores have rules of their own for names; a path is none anywhere, but in the ARN of an access point. */
function bucket() {
  return z.string().superRefine((name, context) => {
    const add = (message: string) => context.addIssue({ code: 'custom', message })
    if (/^(file|arn):/.test(name) || !name.includes('/')) return
    if (/^s3:\/\//.test(name)) add(`s3_bucket takes the name alone, without s3://`)
    else if (/^\.{0,2}\//.test(name))
      add(`s3_bucket is no bucket: for a directory write file:${name}`)
    else add('s3_bucket has a / in it: what follows the name belongs in s3_prefix')
  })
}

function partitionFormat() {
  return z.string().superRefine((format, context) => {
    try {
      compileStrftime(format, 'UTC')
    } catch (cause) {
      context.addIssue({ code: 'custom', message: (cause as Error).message })
    }
  })
}

function timeZone() {
  return z.string().superRefine((zone, context) => {
    try {
      compileStrftime('', zone)
    } catch (cause) {
      context.addIssue({ code: 'custom', message: (cause as Error).message })
    }
  })
}

function endpoint() {
  return z.string().superRefine((value, context) => {
    if (value === '') return
    const problem = endpointProblem(value)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

function endpointProblem(value: string): string | undefined {
  try {
    const url = endpointUrl(value, false)
    if (!/^https?:$/.test(url.protocol)) return `endpoint must be an http or https URL`
    if (url.username !== '' || url.password !== '')
      return 'endpoint must not carry credentials: use the environment or a profile'
    return url.search === '' && url.hash === ''
      ? undefined
      : 'endpoint must have no query or fragment'
  } catch {
    return `endpoint "${value}" is no URL`
  }
}

function compressionProblem({ input }: { input?: unknown }): string {
  const known = ['snappy', 'x-snappy-framed', 'deflate', 'zlib', 'lz4'].includes(String(input))
  return known ? 'unknown compression type' : `unsupported compression type "${input}"`
}

function encryption() {
  return z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('s3').describe('With keys of S3 (AES256).') }),
    z.strictObject({
      type: z.literal('kms').describe('With a key of AWS KMS.'),
      kms_key_id: z.string().min(1).optional().describe('Id or ARN; unset: the key of AWS for S3.'),
      bucket_key: z.boolean().optional().describe('Fewer calls to KMS by a key of the bucket.')
    })
  ])
}

function tags() {
  return z
    .record(z.string().min(1).max(128), z.string().max(256))
    .refine((all) => Object.keys(all).length <= 10, 'S3 takes at most 10 tags')
}

function metadata() {
  const name = z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, 'use lower-case letters, digits, - and _')
  const value = z.string().regex(/^[\x20-\x7e]*$/, 'use printable ASCII')
  return z
    .record(name, value)
    .refine(
      (all) => Object.entries(all).flat().join('').length <= 2048,
      'S3 takes 2 KB of metadata'
    )
}
