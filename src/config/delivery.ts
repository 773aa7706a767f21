import { z } from 'zod'
import { duration } from './fields.ts'

/*
 * The delivery keys of every exporter: the Collector's exporterhelper, read over the journal. There
 * is one durable buffer, so a queue here limits what may lie in it and is never a second one.
 */

const sizers = ['requests', 'items', 'bytes'] as const

const batch = z.strictObject({
  flush_timeout: duration()
    .refine((ms) => ms > 0, { error: ({ input }) => positiveFlush(input) })
    .prefault('200ms')
    .describe('A group is sent when its first record has waited so long.'),
  min_size: z
    .number()
    .int()
    .min(0, '`min_size` must be greater than or equal to zero')
    .default(8192)
    .describe('A group is sent when it has reached this size.'),
  max_size: z
    .number()
    .int()
    .min(0, '`max_size` must be greater than or equal to zero')
    .default(0)
    .describe('Largest group; 0: no limit.'),
  sizer: z
    .enum(['items', 'bytes'], { error: ({ input }) => unknownSizer(input) })
    .optional()
    .describe('What the sizes count: records (items) or bytes; unset: as the queue, else items.'),
  partition: z
    .strictObject({
      metadata_keys: z
        .array(z.string())
        .default([])
        .describe('Client metadata whose every combination of values is a group of its own.')
    })
    .prefault({})
    .describe('Keeps records of different senders apart.')
})

const sendingQueue = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('No difference: there is no queue beside the journal.'),
    num_consumers: z
      .number()
      .int()
      .positive('`num_consumers` must be positive')
      .default(10)
      .describe('Exports of a lane that run at once.'),
    queue_size: z
      .number()
      .int()
      .positive('`queue_size` must be positive')
      .optional()
      .describe('What may wait in the journal for this exporter; unset: the journal is the limit.'),
    sizer: z
      .enum(sizers)
      .optional()
      .describe('What queue_size counts: requests, items (records) or bytes; unset: requests.'),
    block_on_overflow: z
      .boolean()
      .default(false)
      .describe('Past queue_size receivers wait instead of refusing.'),
    wait_for_result: z
      .boolean()
      .default(false)
      .describe('Answer senders after the export; only with `service.journal: false`.'),
    storage: z
      .string()
      .optional()
      .describe('A file_storage extension: the journal lies in its directory.'),
    batch: batch
      .optional()
      .describe('Groups records before the export, as the batch processor does.')
  })
  .superRefine(({ batch, sizer, queue_size, wait_for_result, storage }, context) => {
    const add = (message: string, ...path: string[]) =>
      context.addIssue({ code: 'custom', path, message })
    if (wait_for_result && storage !== undefined)
      add('`wait_for_result` is not supported with a persistent queue configured with `storage`')
    if (batch === undefined) return
    const grouping = batch.sizer ?? sizer ?? 'items'
    if (grouping === 'requests') add(unknownSizer(grouping), 'batch')
    if (batch.max_size > 0 && batch.max_size < batch.min_size)
      add(
        `\`max_size\` (${batch.max_size}) must be greater or equal to \`min_size\` (${batch.min_size})`,
        'batch'
      )
    if (queue_size !== undefined && grouping === sizer && batch.min_size > queue_size)
      add('`min_size` must be less than or equal to `queue_size`')
  })
  .transform(({ sizer, batch, ...queue }) => ({
    ...queue,
    sizer: sizer ?? 'requests',
    ...(batch && { batch: { ...batch, sizer: batch.sizer ?? groupingOf(sizer) } })
  }))

function groupingOf(sizer: (typeof sizers)[number] | undefined): 'items' | 'bytes' {
  return sizer === 'bytes' ? 'bytes' : 'items'
}

function unknownSizer(found: unknown): string {
  return `\`batch\` supports only \`items\` or \`bytes\` sizer, found ${JSON.stringify(found)}`
}

/** The Collector shows Go's duration: nanoseconds. */
function positiveFlush(ms: unknown): string {
  return `\`flush_timeout\` must be positive, found ${Number(ms) * 1e6}`
}

const retryOnFailure = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: the first failure ends the attempts.'),
    initial_interval: interval('initial_interval', '5s').describe(
      'Wait before the second attempt.'
    ),
    randomization_factor: factor('randomization_factor')
      .refine((value) => value <= 1, 'randomization_factor value must be less than or equal to 1')
      .default(0.5)
      .describe('Each wait is spread by so much up and down.'),
    multiplier: factor('multiplier').default(1.5).describe('Each wait is so much longer.'),
    max_interval: interval('max_interval', '30s').describe('Longest wait.'),
    max_elapsed_time: interval('max_elapsed_time', '0').describe(
      'Gives up after so long; 0, our default: never.'
    )
  })
  .superRefine(({ enabled, initial_interval, max_interval, max_elapsed_time }, context) => {
    // As in the Collector, what is switched off is not compared.
    if (!enabled || max_elapsed_time <= 0) return
    for (const [key, value] of Object.entries({ initial_interval, max_interval })) {
      if (max_elapsed_time >= value) continue
      const message = `'max_elapsed_time' must not be less than '${key}'`
      context.addIssue({ code: 'custom', message })
    }
  })

function interval(key: string, otherwise: string) {
  return duration()
    .refine((ms) => ms >= 0, `${key} value must be greater than or equal to 0`)
    .prefault(otherwise)
}

function factor(key: string) {
  return z.number().min(0, `${key} value must be greater than or equal to 0`)
}

/** The keys an exporter takes beside its own; one that states a key itself has its own meaning of it. */
export const deliveryKeys = {
  sending_queue: sendingQueue
    .prefault({})
    .describe('Limits and groups what the journal holds for this exporter.'),
  retry_on_failure: retryOnFailure.prefault({}).describe('When a failed export is tried again.'),
  timeout: duration()
    .refine((ms) => ms >= 0, "'timeout' must be non-negative")
    .prefault('5s')
    .describe('Of one attempt; 0: no limit.')
}

const all = z.strictObject(deliveryKeys)

/** Delivery as checked, in milliseconds; `timeout` is 0 where the exporter applies its own. */
export type Delivery = z.output<typeof all>

/** The delivery part of an exporter's checked options, and what is left for the exporter itself. */
export function takeDelivery(
  options: Record<string, unknown>,
  own: ReadonlySet<string>
): { delivery: Delivery; options: Record<string, unknown> } {
  const rest = { ...options }
  const taken: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(deliveryKeys)) {
    taken[key] = own.has(key) ? (key === 'timeout' ? 0 : schema.parse(undefined)) : rest[key]
    if (!own.has(key)) delete rest[key]
  }
  return { delivery: taken as Delivery, options: rest }
}
