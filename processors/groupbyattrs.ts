import { z } from 'zod'
import type { LaneContext, Processor } from '../src/component.ts'
import { eachBatch } from '../src/each_batch.ts'
import { regroup } from '../src/logs/regroup.ts'
import { newTally } from '../src/ottl/tally.ts'

/** Puts records below a resource with these of their attributes, and joins resources that are equal. */
export const config = z.strictObject({
  keys: z
    .array(z.string())
    .default([])
    .describe(
      'Attributes that move from the record to its resource; none: equal resources and scopes of a batch are joined, no more.'
    )
})

export default function groupbyattrs(
  options: z.infer<typeof config>,
  context: LaneContext
): Processor {
  const tally = newTally(context)
  const keys = [...new Set(options.keys)].filter((key) => key !== '')
  const counts = keys.map((key) => tally.counter('moved', key))
  const growth = context.lane.window
  return eachBatch(
    tally.counted((logs) => regroup(logs, { keys, growth, moved: (index) => counts[index]!() }))
  )
}
