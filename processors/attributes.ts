import { z } from 'zod'
import { actionsSchema } from '../src/attributes/action_schema.ts'
import { compileActions } from '../src/attributes/actions.ts'
import { concerns, matchSchema } from '../src/attributes/match_schema.ts'
import type { LaneContext, Processor } from '../src/component.ts'
import { eachBatch } from '../src/each_batch.ts'
import { editLogs, newLogsView } from '../src/logs/edit.ts'
import { readField, setField } from '../src/logs/message.ts'
import { recordFields } from '../src/logs/message_fields.ts'
import { newTally } from '../src/ottl/tally.ts'

/** Changes the attributes of records; a record that no action changes keeps its bytes. */
export const config = z.strictObject({
  actions: actionsSchema('actions'),
  include: matchSchema.optional().describe('Only these records are concerned.'),
  exclude: matchSchema.optional().describe('These records are not, also when included.')
})

export default function attributes(
  { actions, include, exclude }: z.infer<typeof config>,
  context: LaneContext
): Processor {
  const tally = newTally(context)
  const view = newLogsView()
  const isConcerned = concerns(include, exclude)
  const counts = actions.map((_, index) => tally.counter('changed', `actions[${index}]`))
  const change = compileActions(actions, counts)
  return eachBatch(
    tally.counted((logs, { meta }) => {
      const record = () => {
        if (isConcerned !== undefined && !isConcerned(view)) return true
        const before = readField(view.record, recordFields.attributes)
        setField(view.record, recordFields.attributes, change(before, meta))
        return true
      }
      return editLogs(logs, view, { record })
    })
  )
}
