import { z } from 'zod'
import { actionsSchema } from '../src/attributes/action_schema.ts'
import { compileActions } from '../src/attributes/actions.ts'
import type { LaneContext, Processor } from '../src/component.ts'
import { eachBatch } from '../src/each_batch.ts'
import { editLogs, newLogsView } from '../src/logs/edit.ts'
import { readField, setField } from '../src/logs/message.ts'
import { resourceFields } from '../src/logs/message_fields.ts'
import { newTally } from '../src/ottl/tally.ts'

/** Changes the attributes of resources; records are not looked at. */
export const config = z.strictObject({ attributes: actionsSchema('attributes') })

export default function resource(
  { attributes: actions }: z.infer<typeof config>,
  context: LaneContext
): Processor {
  const tally = newTally(context)
  const view = newLogsView()
  let records = () => 0
  const counts = actions.map((_, index) => {
    const count = tally.counter('changed', `attributes[${index}]`)
    return () => count(records())
  })
  const change = compileActions(actions, counts)
  return eachBatch(
    tally.counted((logs, { meta }) => {
      const resource = (holds: () => number) => {
        records = holds
        const before = readField(view.resource, resourceFields.attributes)
        setField(view.resource, resourceFields.attributes, change(before, meta))
        return true
      }
      return editLogs(logs, view, { resource })
    })
  )
}
