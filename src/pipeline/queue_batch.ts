import type { LaneContext, Processor } from '../component.ts'
import type { Component } from '../config/config.ts'
import { longestTimeout } from '../deadline.ts'
import { group } from '../group.ts'

type QueueBatch = NonNullable<NonNullable<Component['delivery']>['sending_queue']['batch']>

/** `sending_queue.batch` groups as the batch processor does, in this lane (DESIGN 5). */
export function queueBatch(batch: QueueBatch, lane: LaneContext['lane']): Processor {
  // As with the batch processor: the lane reads no further than its window (L2).
  if (batch.sizer === 'bytes' && batch.min_size > lane.window) {
    throw new Error(
      `sending_queue::batch::min_size (${batch.min_size}) must be less than or equal to the lane's window (${lane.window} bytes)`
    )
  }
  const size = (n: number) =>
    batch.sizer === 'bytes' ? { records: 0, bytes: n } : { records: n, bytes: 0 }
  const grouping = {
    trigger: size(batch.min_size),
    limit: size(batch.max_size),
    timeout: Math.min(batch.flush_timeout, longestTimeout),
    metadata: batch.partition.metadata_keys.map((key) => key.toLowerCase()),
    groups: 1000
  }
  return group(grouping, lane)
}
