import { RE2JS } from 're2js'
import { z } from 'zod'
import { typedValue } from '../config/fields.ts'
import { refused } from '../config/refused.ts'
import type { LogsView } from '../logs/edit.ts'
import { matcherOf } from '../logs/match.ts'
import { anyValueOf } from '../logs/raw_value.ts'
import type { AnyValue } from '../logs/value.ts'
import { isSet } from './action_schema.ts'

const attribute = z.strictObject({
  key: z.string().default('').describe('Of the attribute, which must be there.'),
  value: typedValue()
    .optional()
    .describe('Its value, if that matters: `5` is an int and `5.0` a double; a text with regexp.')
})

const severityNumber = z.strictObject({
  min: z.int().default(0).describe('This severity or more.'),
  match_undefined: z.boolean().default(false).describe('Records without severity match too.')
})

const notForLogs = refused(
  'services, span_names, span_kinds and metric_names are not valid for log records'
)

/** `include` and `exclude` of the Collector's `attributes` processor. */
export const matchSchema = z
  .strictObject({
    match_type: z
      .string()
      .default('')
      .describe('`strict`, equal, or `regexp`, an RE2 that matches somewhere.'),
    attributes: z.array(attribute).default([]).describe("The record's: all of them must match."),
    resources: z.array(attribute).default([]).describe("The resource's: all of them must match."),
    libraries: z
      .array(
        z.strictObject({
          name: z.string().default('').describe('Of the instrumentation scope.'),
          version: z.string().optional().describe('Its version, if that matters.')
        })
      )
      .default([])
      .describe('All of them must match.'),
    log_bodies: z.array(z.string()).default([]).describe('One of them must match.'),
    log_severity_texts: z.array(z.string()).default([]).describe('One of them must match.'),
    log_severity_number: severityNumber.optional().describe('By the number of the severity.'),
    services: notForLogs,
    span_names: notForLogs,
    span_kinds: notForLogs,
    metric_names: notForLogs,
    regexp: refused('regexp sets a cache that is not needed here: leave it out')
  })
  .superRefine((match, context) => {
    const mistake = mistakeIn(match)
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake })
  })

type Match = z.infer<typeof matchSchema>

/** Which records a processor with these is for: `include` is asked first. */
export function concerns(
  include: Match | undefined,
  exclude: Match | undefined
): ((view: LogsView) => boolean) | undefined {
  const within = include && matcherOf(propertiesOf(include))
  const without = exclude && matcherOf(propertiesOf(exclude))
  if (within === undefined && without === undefined) return undefined
  return (view) => (within?.(view) ?? true) && !without?.(view)
}

function mistakeIn(match: Match): string | undefined {
  const { attributes, resources, libraries, log_bodies, log_severity_texts } = match
  const lists = [attributes, resources, libraries, log_bodies, log_severity_texts]
  if (match.log_severity_number === undefined && lists.every((list) => list.length === 0))
    return 'at least one of "attributes", "libraries", "span_kinds", "resources", "log_bodies", "log_severity_texts" or "log_severity_number" field must be specified'
  return (
    wrong(
      'library name',
      libraries.map(({ name }) => name),
      match
    ) ??
    wrong(
      'library version',
      libraries.flatMap(({ version }) => version ?? []),
      match
    ) ??
    wrongAttributes('attribute', attributes, match) ??
    wrongAttributes('resource', resources, match) ??
    wrong('log record body', log_bodies, match) ??
    wrong('log record severity text', log_severity_texts, match)
  )
}

type Typed = Pick<Match, 'match_type'>

function wrong(what: string, texts: readonly string[], match: Typed): string | undefined {
  const mistake = texts.map((text) => mistakeInText(text, match)).find((one) => one !== undefined)
  return mistake && `error creating ${what} filters: ${mistake}`
}

function wrongAttributes(
  what: string,
  attributes: Match['attributes'],
  match: Typed
): string | undefined {
  const mistake = attributes
    .map((one) => mistakeInAttribute(one, match))
    .find((one) => one !== undefined)
  return mistake && `error creating ${what} filters: ${mistake}`
}

function mistakeInAttribute(
  { key, value }: Match['attributes'][number],
  match: Typed
): string | undefined {
  if (key === '') return "can't have empty key in the list of attributes"
  if (!isSet(value)) return undefined
  let wanted: AnyValue
  try {
    wanted = anyValueOf(value)
  } catch (error) {
    return (error as Error).message
  }
  if (typeof wanted === 'string') return mistakeInText(wanted, match)
  if (match.match_type === 'regexp')
    return `match_type=regexp for "${key}" only supports Str, but found ${typeName(wanted)}`
  return mistakeInText('', match)
}

function mistakeInText(text: string, { match_type: type }: Typed): string | undefined {
  if (type === 'strict') return undefined
  if (type !== 'regexp')
    return `unrecognized match_type: '${type}', valid types are: [regexp strict]`
  try {
    RE2JS.compile(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The Collector's names of types. */
function typeName(value: AnyValue): string {
  if (typeof value === 'bigint') return 'Int'
  if (typeof value === 'number') return 'Double'
  if (typeof value === 'boolean') return 'Bool'
  return Array.isArray(value) ? 'Slice' : 'Map'
}

/** Without a text to compare the type does not matter, and may be missing. */
function propertiesOf(match: Match): Parameters<typeof matcherOf>[0] {
  const { match_type, log_severity_number: severity } = match
  return {
    match_type: match_type === 'regexp' ? 'regexp' : 'strict',
    attributes: match.attributes.map(typed),
    resources: match.resources.map(typed),
    libraries: match.libraries,
    bodies: match.log_bodies,
    severityTexts: match.log_severity_texts,
    ...(severity && {
      severityNumber: { min: severity.min, undefinedToo: severity.match_undefined }
    })
  }
}

function typed({ key, value }: Match['attributes'][number]) {
  return { key, value: anyValueOf(value) }
}
