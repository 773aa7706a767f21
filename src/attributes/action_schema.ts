import { RE2JS } from 're2js'
import { z } from 'zod'
import { typedValue } from '../config/fields.ts'
import { nearestName } from '../config/nearest.ts'
import { anyValueOf } from '../logs/raw_value.ts'

const text = () => z.string().default('')

/** One entry of `actions`, as the Collector's `attributes` and `resource` processors have it. */
const action = z.strictObject({
  key: text().describe(
    'The attribute; `delete` and `hash` can do without it when they have a pattern.'
  ),
  action: text()
    .transform((name) => name.toLowerCase())
    .describe(
      '`insert` (where it is missing), `update` (where it is there), `upsert`, `delete`, `hash` (SHA-256 as hex digits), `extract`, `convert`.'
    ),
  value: typedValue()
    .optional()
    .describe('Of insert, update and upsert: the value, with its type in YAML.'),
  from_attribute: text().describe('Of the same: the attribute that has the value.'),
  from_context: text().describe(
    "Of the same: what is known of the sender, `metadata.<header>` (with the receiver's `include_metadata`; several values joined by `;`), `auth.<name>` or `client.address`."
  ),
  default_value: typedValue()
    .optional()
    .describe('Of the same: the value where the source has none; without it nothing is done.'),
  pattern: text().describe(
    'RE2. Of delete and hash: the keys concerned. Of extract: its named groups become attributes.'
  ),
  converted_type: text().describe(
    'Of convert: `string`, `int` or `double`. What cannot be converted stays as it is.'
  )
})

export type Action = z.infer<typeof action>

/** The list of actions under the key that the processor has for it. */
export function actionsSchema(key: string) {
  return z
    .array(action)
    .default([])
    .superRefine((actions, context) => {
      const add = (message: string, ...path: number[]) =>
        context.addIssue({ code: 'custom', path, message })
      if (actions.length === 0) add(`missing required field "${key}"`)
      actions.forEach((one, index) => {
        const mistake = mistakeIn(one, index)
        if (mistake !== undefined) add(mistake, index)
      })
    })
    .describe('What is done, in this order.')
}

const sourced = ['insert', 'update', 'upsert']
const matching = ['delete', 'hash']
const known = [...sourced, ...matching, 'extract', 'convert']

/** What is wrong with an action, in the Collector's words where it refuses the same. */
function mistakeIn(action: Action, index: number): string | undefined {
  const { key, action: name } = action
  const what = 'error creating AttrProc'
  const at = `at the ${index}-th action`
  const because = (rest: string) => `error with key "${key}" (${index}-th action): ${what}${rest}`
  const unused = (text: string, these = 'This') =>
    because(`. Action "${name}" does not use ${text}. ${these} must not be specified`)

  if (key === '' && !matching.includes(name))
    return `${what} due to missing required field "key" ${at}`
  if (key === '' && action.pattern === '')
    return `${what} due to missing required field (at least one of "key" and "pattern" have to be used) ${at}`
  if (!known.includes(name)) {
    const near = nearestName(name, known)
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`
    return because(` due to unsupported action "${name}"${hint}`)
  }

  const sources = sourcesOf(action)
  const hasDefault = isSet(action.default_value)
  if (sourced.includes(name)) {
    if (sources.length === 0 && !hasDefault)
      return because(
        '. Either field "value", "from_attribute", "from_context", or "default_value" must be specified'
      )
    if (sources.length > 1) return because(' due to multiple value sources being set')
    if (action.pattern !== '') return unused('the "pattern" field')
    if (hasDefault && sources[0] === 'value')
      return because('. "default_value" is of no use beside "value"')
  } else {
    if (matching.includes(name) && sources.some((source) => source !== 'from_context'))
      return unused('"value" or "from_attribute" field', 'These')
    if (name === 'extract' && sources.length > 0) return unused('a value source field', 'These')
    if (name === 'convert' && (sources.length > 0 || action.pattern !== ''))
      return unused('value sources or "pattern" field', 'These')
    // The Collector ignores these two.
    if (sources.length > 0) return unused('the "from_context" field')
    if (hasDefault) return unused('the "default_value" field')
  }

  if (name === 'extract' && action.pattern === '')
    return because(` due to missing required field "pattern" for action "${name}"`)
  if (name !== 'convert' && action.converted_type !== '')
    return unused('the "converted_type" field')
  if (name === 'convert' && action.converted_type === '')
    return because(` due to missing required field "converted_type" for action "${name}"`)
  if (name === 'convert' && !['string', 'int', 'double'].includes(action.converted_type))
    return because(
      ` due to invalid value "${action.converted_type}" in field "converted_type" for action "${name}"`
    )
  const wrong = mistakeInValues(action) ?? mistakeInPattern(action)
  return wrong === undefined ? undefined : because(`. ${wrong}`)
}

export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function sourcesOf({ value, from_attribute, from_context }: Action): string[] {
  return [
    ...(isSet(value) ? ['value'] : []),
    ...(from_attribute !== '' ? ['from_attribute'] : []),
    ...(from_context !== '' ? ['from_context'] : [])
  ]
}

function mistakeInValues(action: Action): string | undefined {
  for (const field of ['value', 'default_value'] as const) {
    try {
      anyValueOf(action[field])
    } catch (error) {
      return `Field "${field}": ${(error as Error).message}`
    }
  }
  return undefined
}

function mistakeInPattern({ action, pattern }: Action): string | undefined {
  if (pattern === '') return undefined
  let regex: RE2JS
  try {
    regex = RE2JS.compile(pattern)
  } catch {
    return `Field "pattern" has invalid pattern: "${pattern}"`
  }
  if (action !== 'extract') return undefined
  if (regex.groupCount() === 0) return 'Field "pattern" contains no named matcher groups'
  return Object.keys(regex.namedGroups()).length < regex.groupCount()
    ? 'Field "pattern" contains at least one unnamed matcher group'
    : undefined
}
