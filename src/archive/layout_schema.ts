import { z } from 'zod'
import { duration } from '../config/fields.ts'
import { compileKeyTemplate } from './key_template.ts'
import { partitionProblem } from './partitions.ts'
import { partitionTimes } from './record_time.ts'
import { compileStrftime } from './strftime.ts'

export const defaultPartitionFormat = 'year=%Y/month=%m/day=%d/hour=%H/minute=%M'
const defaultLateness = '1h'
/** As many as a commit has leaves (A8). More is a batch that is stored for a long while (A4). */
const defaultKeys = 1000
const mostKeys = 10_000

/** Which records share an object, and under which key: keys of `s3uploader` that are ours. */
export const layoutKeys = {
  layout: z
    .enum(['collector', 'litellm', 'litellm_batches'])
    .default('collector')
    .describe(
      "litellm: LiteLLM's own keys, one object for each event, its bytes and headers; litellm_batches: one object for each of its folders in a batch."
    ),
  key_template: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Key behind the prefixes: text, strftime directives, and in braces OTTL values or {number}. Replaces s3_partition_format and the name.'
    ),
  max_keys_per_batch: z
    .int()
    .min(1)
    .max(mostKeys)
    .default(defaultKeys)
    .describe('Keys, or partitions, of one batch; the records past it share one object a folder.'),
  partition_time: z
    .enum(partitionTimes)
    .default('seal')
    .describe('Whose time the folders are of: that of sealing, of the record, or of its arrival.'),
  allowed_lateness: duration()
    .refine((milliseconds) => milliseconds >= 0, 'allowed_lateness must not be negative')
    .prefault(defaultLateness)
    .describe('How long after its end a partition is closed, by a manifest.')
}

interface Layouts extends z.infer<z.ZodObject<typeof layoutKeys>> {
  readonly s3_partition_format: string
  readonly s3_partition_timezone?: string | undefined
  readonly file_prefix: string
  readonly unique_key_func_name: string
  readonly compression: string
}

/** What does not go together; each key alone is known to be right. */
export function* layoutProblems(options: Layouts): Iterable<[key: keyof Layouts, message: string]> {
  const { layout, key_template, partition_time } = options
  const isLitellm = layout !== 'collector'
  const namer = isLitellm ? `layout: ${layout}` : key_template === undefined ? '' : 'key_template'
  if (namer !== '') {
    for (const key of ['file_prefix', 'unique_key_func_name'] as const)
      if (options[key] !== '') yield [key, `${namer} has the whole name: leave ${key} out`]
    if (options.s3_partition_format !== defaultPartitionFormat)
      yield ['s3_partition_format', `${namer} has the folders: leave s3_partition_format out`]
  }
  if (isLitellm) yield* litellmProblems(options)
  const isTimed = partition_time !== 'seal'
  if (namer === '' && !isTimed && options.max_keys_per_batch !== defaultKeys)
    yield [
      'max_keys_per_batch',
      'needs key_template, layout or partition_time: else one batch has one key'
    ]
  if (!isTimed && options.allowed_lateness !== 3_600_000)
    yield ['allowed_lateness', 'needs partition_time: record or arrival']
  const format = key_template === undefined ? options.s3_partition_format : templateFolders()
  if (typeof format !== 'string') return yield ['key_template', format.message]
  if (!isTimed || isLitellm || !isFormat(format)) return
  const problem = partitionProblem(format)
  if (problem !== undefined)
    yield [
      'partition_time',
      `${key_template === undefined ? 's3_partition_format' : 'key_template'} ${problem}`
    ]

  function templateFolders(): string | Error {
    try {
      return compileKeyTemplate(key_template!, 'UTC').folderFormat
    } catch (error) {
      return error as Error
    }
  }
}

/** What is wrong with a format is said of its own key. */
function isFormat(format: string): boolean {
  try {
    compileStrftime(format, 'UTC')
    return true
  } catch {
    return false
  }
}

function* litellmProblems(options: Layouts): Iterable<[key: keyof Layouts, message: string]> {
  const { layout, partition_time, s3_partition_timezone: zone, compression } = options
  if (options.key_template !== undefined)
    yield ['key_template', `layout: ${layout} has its own keys: leave one of both out`]
  if (zone !== undefined && zone !== 'UTC')
    yield ['s3_partition_timezone', `layout: ${layout}: LiteLLM's folders are of UTC`]
  if (partition_time !== 'seal')
    yield [
      'partition_time',
      `layout: ${layout} keeps the folders that LiteLLM has chosen: use key_template`
    ]
  if (layout === 'litellm' && compression !== '' && compression !== 'none')
    yield ['compression', "layout: litellm keeps LiteLLM's bytes: use litellm_batches to compress"]
}
