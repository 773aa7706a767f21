import { z } from 'zod'
import type { LaneContext, Processor } from '../src/component.ts'
import { byteSize, duration } from '../src/config/fields.ts'
import { longestTimeout } from '../src/deadline.ts'
import { group } from '../src/group.ts'

/**
 * Joins the records of many requests to bigger batches, so that the exporter writes fewer and bigger
 * objects. It loses nothing: the sender was answered by the journal, which gives out again whatever
 * was still waiting here when the process ended. A batch may therefore be as big and as old as the
 * object that is made of it should be.
 */
export const config = z
  .strictObject({
    send_batch_size: count()
      .default(8192)
      .describe(
        'Records at which a batch is sent; not a limit. 0: records are not counted, and without `send_batch_size_bytes` every batch is sent at once.'
      ),
    timeout: duration()
      .refine((ms) => ms >= 0, 'timeout must be greater or equal to 0')
      .refine((ms) => ms <= longestTimeout, 'timeout must be less than or equal to 596h')
      .prefault('200ms')
      .describe(
        'Time after its first record at which a batch is sent whatever its size. 0: at once, whatever the sizes.'
      ),
    send_batch_max_size: count()
      .default(0)
      .describe(
        'The most records an exporter is handed at once; 0: no limit. What one request brought stays together: only the exporter cuts it, and answers for all of it.'
      ),
    send_batch_size_bytes: byteSize()
      .prefault(0)
      .describe(
        'Bytes of OTLP protobuf at which a batch is sent, beside `send_batch_size`; not a limit. 0: bytes are not counted.'
      ),
    send_batch_max_size_bytes: byteSize()
      .prefault(0)
      .describe(
        'As `send_batch_max_size`, in bytes of OTLP protobuf; 0: no limit. One record above it is a dead letter, but for `awss3`, which stores it as an object of its own.'
      ),
    metadata_keys: z
      .array(z.string())
      .default([])
      .describe(
        'Client metadata (HTTP headers, gRPC metadata) whose values must be equal within a batch; the receiver must have `include_metadata`.'
      ),
    metadata_cardinality_limit: count()
      .default(1000)
      .describe(
        'Batches with different metadata values held at once; one more sends the oldest. 0: no limit.'
      )
  })
  .superRefine((options, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    const { send_batch_size, send_batch_max_size, metadata_keys } = options
    if (send_batch_max_size > 0 && send_batch_max_size < send_batch_size) {
      problem(
        ['send_batch_max_size'],
        'send_batch_max_size must be greater or equal to send_batch_size'
      )
    }
    const { send_batch_size_bytes, send_batch_max_size_bytes } = options
    if (send_batch_max_size_bytes > 0 && send_batch_max_size_bytes < send_batch_size_bytes) {
      problem(
        ['send_batch_max_size_bytes'],
        'send_batch_max_size_bytes must be greater or equal to send_batch_size_bytes'
      )
    }
    const names = metadata_keys.map((key) => key.toLowerCase())
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue
      problem(
        ['metadata_keys', index],
        `duplicate entry in metadata_keys: ${JSON.stringify(name)} (case-insensitive)`
      )
    }
  })

export default function batch(options: z.infer<typeof config>, { lane }: LaneContext): Processor {
  const { timeout, metadata_keys, metadata_cardinality_limit } = options
  const { send_batch_size, send_batch_max_size } = options
  const { send_batch_size_bytes, send_batch_max_size_bytes } = options
  // The lane reads no further than its window, so a bigger batch would never fill (L2).
  if (send_batch_size_bytes > lane.window) {
    throw new Error(
      `send_batch_size_bytes (${send_batch_size_bytes}) must be less than or equal to the lane's window (${lane.window} bytes)`
    )
  }
  return group(
    {
      trigger: { records: send_batch_size, bytes: send_batch_size_bytes },
      limit: { records: send_batch_max_size, bytes: send_batch_max_size_bytes },
      timeout,
      metadata: metadata_keys.map((key) => key.toLowerCase()),
      groups: metadata_keys.length > 0 ? metadata_cardinality_limit : 0
    },
    lane
  )
}

/** Go's uint32, as the Collector reads these keys. */
function count() {
  return z
    .number()
    .int()
    .nonnegative()
    .max(2 ** 32 - 1)
}
