import { z } from 'zod'
import type { LaneContext, Processor } from '../src/component.ts'
import { refused } from '../src/config/refused.ts'
import { eachBatch } from '../src/each_batch.ts'
import { editLogs, newLogsView } from '../src/logs/edit.ts'
import type { Logs } from '../src/logs/logs.ts'
import { emptyMap, type ValueMap } from '../src/logs/value.ts'
import type { Context } from '../src/ottl/places.ts'
import { groupsOf, mistakesInList, type RuleGroup, ruleName } from '../src/ottl/rules.ts'
import {
  compileConditions,
  compileStatements,
  type ErrorMode,
  parseCondition,
  parseStatement
} from '../src/ottl/statements.ts'
import { newTally, type Tally } from '../src/ottl/tally.ts'
import type { View } from '../src/ottl/values.ts'

const errorMode = z.enum(['ignore', 'silent', 'propagate'])

const group = z.strictObject({
  context: z
    .enum(['log', 'scope', 'resource'])
    .optional()
    .describe(
      'What paths without a prefix belong to, and what the statements are run on; without it, what their paths name.'
    ),
  conditions: z
    .array(z.string())
    .default([])
    .describe('OTTL conditions; the statements are run where one of them holds.'),
  statements: z.array(z.string()).default([]).describe('OTTL statements, run in order.'),
  error_mode: errorMode.optional().describe('Instead of the one above, for this group.'),
  shared_cache: z
    .boolean()
    .default(false)
    .describe('`cache` is shared by the groups of this context, and by all records of a batch.')
})

const otherSignal = 'auditcol has logs only'

/** Changes records by OTTL statements; see docs/ottl.md. */
export const config = z
  .strictObject({
    error_mode: errorMode
      .default('ignore')
      .describe(
        'What a statement that fails on a record does: `ignore` counts it, tells of the first, and goes on with the next statement; `silent` goes on; `propagate` makes the record a dead letter.'
      ),
    log_statements: z
      .array(z.union([z.string(), group]))
      .default([])
      .describe(
        'OTTL statements, all of them texts, or groups of them. A group is run on all records before the next.'
      ),
    trace_statements: refused(otherSignal),
    metric_statements: refused(otherSignal),
    profile_statements: refused(otherSignal),
    flatten_data: refused(
      "flatten_data is behind the Collector's feature gate transform.flatten.logs"
    )
  })
  .superRefine(({ log_statements }, context) => {
    for (const { path, message } of mistakesInList(log_statements, 'statements', 'log_statements'))
      context.addIssue({ code: 'custom', path: [...path], message, params: { decoding: true } })
  })

export default function transform(
  { error_mode, log_statements }: z.infer<typeof config>,
  context: LaneContext
): Processor {
  const view: View = { ...newLogsView(), cache: emptyMap }
  const tally = newTally(context)
  const runs = groupsOf(log_statements, 'statements', 'log_statements').map((one) =>
    runOf(one, error_mode, view, tally)
  )
  return eachBatch(
    tally.counted((logs, { meta }) => {
      view.client = meta.client
      const shared = new Map<Context, ValueMap>()
      return runs.reduce((changed, run) => run(changed, shared), logs)
    })
  )
}

/** One pass over the logs with the statements of one group. */
function runOf(group: RuleGroup, mode: ErrorMode, view: View, tally: Tally) {
  const { surroundings, statements, conditions, sharedCache } = group
  const { context } = surroundings
  const options = { errorMode: group.errorMode ?? mode, sharedCache: true }
  const counts = statements.map((rule) => tally.counter('run', ruleName(rule)))
  const holds = compileConditions(
    conditions.map(({ text }) => parseCondition(text, surroundings)),
    { ...options, failed: tally.failing(conditions) }
  )
  const run = compileStatements(
    statements.map(({ text }) => parseStatement(text, surroundings)),
    {
      ...options,
      failed: tally.failing(statements),
      matched: (index) => counts[index]!()
    }
  )
  const visit = () => {
    if (!sharedCache) view.cache = emptyMap
    if (conditions.length === 0 || holds(view)) run(view)
    return true
  }
  const layer = context === 'log' ? 'record' : context
  return (logs: Logs, shared: Map<Context, ValueMap>): Logs => {
    view.cache = shared.get(context) ?? emptyMap
    const changed = editLogs(logs, view, { [layer]: visit })
    if (sharedCache) shared.set(context, view.cache)
    return changed
  }
}
