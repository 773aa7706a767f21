import { readField } from '../logs/message.ts'
import { recordFields } from '../logs/message_fields.ts'
import type { View } from '../ottl/values.ts'
import type { Times } from './layout.ts'

/** Whose time says into which folder a record goes. */
export const partitionTimes = ['seal', 'record', 'arrival'] as const
export type PartitionTime = (typeof partitionTimes)[number]

const day = 86_400_000

/** Milliseconds since the epoch of the time that was asked for. */
export function timeBy(which: PartitionTime): (view: View, times: Times) => number {
  if (which === 'seal') return (_, { sealing }) => sealing
  return which === 'arrival' ? (_, { arrived }) => arrived : recordTime
}

/**
 * The record's own time, else the one it was observed at. Without either, and where it is more than a
 * day ahead of the arrival, a clock is wrong or somebody makes folders of the future: then the arrival.
 */
export function recordTime({ record }: View, { arrived }: Times): number {
  const nanos = readField(record, recordFields.time) || readField(record, recordFields.observedTime)
  const at = Number(nanos / 1_000_000n)
  return at === 0 || at > arrived + day ? arrived : at
}
