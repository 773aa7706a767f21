import { z } from 'zod'
import type { LaneContext, Processor } from '../src/component.ts'
import { typedValue } from '../src/config/fields.ts'
import { refused } from '../src/config/refused.ts'
import { eachBatch } from '../src/each_batch.ts'
import { editLogs, newLogsView } from '../src/logs/edit.ts'
import type { Logs } from '../src/logs/logs.ts'
import { matcherOf } from '../src/logs/match.ts'
import { anyValueOf } from '../src/logs/raw_value.ts'
import { emptyMap } from '../src/logs/value.ts'
import { enums } from '../src/ottl/enums.ts'
import {
  groupsOf,
  mistakesIn,
  mistakesInList,
  type RuleGroup,
  ruleName
} from '../src/ottl/rules.ts'
import { compileConditions, type ErrorMode, parseCondition } from '../src/ottl/statements.ts'
import { newTally, type Tally } from '../src/ottl/tally.ts'
import type { View } from '../src/ottl/values.ts'

const errorMode = z.enum(['ignore', 'silent', 'propagate'])

const group = z.strictObject({
  context: z
    .enum(['log', 'scope', 'resource'])
    .optional()
    .describe('What paths without a prefix belong to; without it, what the paths name.'),
  conditions: z.array(z.string()).default([]).describe('OTTL conditions, joined by or.'),
  error_mode: errorMode.optional().describe('Instead of the one above, for this group.')
})

const attribute = z.strictObject({
  key: z.string().min(1).describe('Of the attribute, which must be there.'),
  value: typedValue()
    .optional()
    .describe('Its value, if that matters; 5 is an int and 5.0 a double.')
})

const severity = z.string().transform((name, context) => {
  const number = /^\d+$/.test(name) ? BigInt(name) : enums[`SEVERITY_NUMBER_${name.toUpperCase()}`]
  if (number !== undefined && number >= 1n && number <= 24n) return Number(number)
  context.addIssue({ code: 'custom', message: `'${name}' is not a valid severity` })
  return z.NEVER
})

const properties = z.strictObject({
  match_type: z.enum(['strict', 'regexp']).describe('Equal, or an RE2 that matches somewhere.'),
  resource_attributes: z.array(attribute).default([]).describe('All of them must match.'),
  record_attributes: z.array(attribute).default([]).describe('All of them must match.'),
  severity_texts: z.array(z.string()).default([]).describe('One of them must match.'),
  severity_number: z
    .strictObject({
      min: severity.optional().describe('`INFO`, `WARN2`, or a number: this one or more.'),
      match_undefined: z.boolean().default(false).describe('Records without severity match too.')
    })
    .optional()
    .describe('By the number of the severity.'),
  bodies: z.array(z.string()).default([]).describe('One of them must match.')
})

const otherSignal = 'auditcol has logs only'

/** Drops records by OTTL conditions, see docs/ottl.md, or by their properties. */
export const config = z
  .strictObject({
    error_mode: errorMode
      .default('ignore')
      .describe(
        'What a condition that fails on a record does: `ignore` counts it, tells of the first, and goes on with the next condition; `silent` goes on; `propagate` makes the record a dead letter.'
      ),
    log_conditions: z
      .array(z.union([z.string(), group]))
      .default([])
      .describe(
        'OTTL conditions, all of them texts, or groups of them. What one of them holds for is dropped.'
      ),
    logs: z
      .strictObject({
        log_record: z
          .array(z.string())
          .optional()
          .describe('OTTL conditions for records, in the older form.'),
        resource: z
          .array(z.string())
          .optional()
          .describe('OTTL conditions for resources, in the older form.'),
        include: properties.optional().describe('Other records are dropped.'),
        exclude: properties.optional().describe('These records are dropped.')
      })
      .prefault({})
      .describe('The older forms.'),
    spans: refused(otherSignal),
    metrics: refused(otherSignal),
    traces: refused(otherSignal),
    profiles: refused(otherSignal),
    trace_conditions: refused(otherSignal),
    metric_conditions: refused(otherSignal),
    profile_conditions: refused(otherSignal)
  })
  .superRefine((options, context) => {
    const problem = (path: readonly (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message, params: { decoding: true } })
    const { log_conditions, logs } = options
    const older = logs.log_record ?? logs.resource
    const matched = logs.include ?? logs.exclude
    if (older !== undefined && matched !== undefined)
      problem(['logs'], 'cannot have log_record or resource beside include or exclude')
    if (log_conditions.length > 0 && (older ?? matched) !== undefined)
      problem(['logs'], 'would be ignored beside log_conditions')
    const mistakes = [
      ...mistakesInList(log_conditions, 'conditions', 'log_conditions'),
      ...olderGroups(logs).flatMap(mistakesIn)
    ]
    for (const { path, message } of mistakes) problem(path, message)
    for (const key of ['include', 'exclude'] as const) {
      const mistake = logs[key] && mistakeIn(logs[key])
      if (mistake !== undefined) problem(['logs', key], mistake)
    }
  })

type Options = z.infer<typeof config>

export default function filter(options: Options, context: LaneContext): Processor {
  const view: View = { ...newLogsView(), cache: emptyMap }
  const tally = newTally(context)
  const { include, exclude } = options.logs
  const groups = [
    ...groupsOf(options.log_conditions, 'conditions', 'log_conditions'),
    ...olderGroups(options.logs)
  ]
  const passes = groups.map((group) => byConditions(group, options.error_mode, view, tally))
  if (include && !isEmpty(include)) passes.push(byProperties(include, true, view, tally))
  if (exclude && !isEmpty(exclude)) passes.push(byProperties(exclude, false, view, tally))
  return eachBatch(
    tally.counted((logs, { meta }) => {
      view.client = meta.client
      return passes.reduce((kept, pass) => pass(kept), logs)
    })
  )
}

type Pass = (logs: Logs) => Logs

/** Conditions in the older form: of resources first, and paths need no prefix. */
function olderGroups(logs: Options['logs']): RuleGroup[] {
  const group = (key: 'resource' | 'log_record'): RuleGroup => ({
    surroundings: { context: key === 'resource' ? 'resource' : 'log', implied: true },
    statements: [],
    conditions: (logs[key] ?? []).map((text, index) => ({ path: ['logs', key, index], text })),
    sharedCache: false
  })
  return [group('resource'), group('log_record')].filter(({ conditions }) => conditions.length > 0)
}

function byConditions(group: RuleGroup, mode: ErrorMode, view: View, tally: Tally): Pass {
  const { surroundings, conditions, errorMode = mode } = group
  const counts = conditions.map((rule) => tally.counter('dropped', ruleName(rule)))
  let count = () => {}
  const holds = compileConditions(
    conditions.map(({ text }) => parseCondition(text, surroundings)),
    {
      errorMode,
      failed: tally.failing(conditions),
      matched: (index) => {
        count = counts[index]!
      }
    }
  )
  if (surroundings.context === 'log')
    return (logs) => editLogs(logs, view, { record: () => !holds(view) || dropped(count) })
  // A resource or scope goes record by record, so that its records are counted.
  let whole = false
  const look = () => {
    whole = holds(view)
    return true
  }
  return (logs) =>
    editLogs(logs, view, {
      [surroundings.context]: look,
      record: () => !whole || dropped(count)
    })
}

function byProperties(written: Written, keep: boolean, view: View, tally: Tally): Pass {
  const matches = matcherOf(propertiesOf(written))
  const count = tally.counter('dropped', keep ? 'logs.include' : 'logs.exclude')
  return (logs) => editLogs(logs, view, { record: () => matches(view) === keep || dropped(count) })
}

function dropped(count: () => void): false {
  count()
  return false
}

type Written = z.infer<typeof properties>

/** Without any property it is as if it were not there. */
function isEmpty({ match_type: _, severity_number, ...lists }: Written): boolean {
  return severity_number === undefined && Object.values(lists).every((list) => list.length === 0)
}

function mistakeIn(written: Written): string | undefined {
  try {
    matcherOf(propertiesOf(written))
    return undefined
  } catch (error) {
    return `has a pattern that is no RE2: ${(error as Error).message}`
  }
}

function propertiesOf({ match_type, severity_number, ...lists }: Written) {
  return {
    match_type,
    attributes: lists.record_attributes.map(typed),
    resources: lists.resource_attributes.map(typed),
    bodies: lists.bodies,
    severityTexts: lists.severity_texts,
    ...(severity_number && {
      severityNumber: {
        min: severity_number.min ?? 0,
        undefinedToo: severity_number.match_undefined
      }
    })
  }
}

function typed({ key, value }: z.infer<typeof attribute>) {
  return { key, value: anyValueOf(value) }
}
