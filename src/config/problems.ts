import type { z } from 'zod'
import type { Place, Problem } from './errors.ts'
import { hintFor } from './hints.ts'
import { nearestName } from './nearest.ts'
import { childOf, type Node } from './node.ts'
import { hasFreeKeys, levelsOf, type Schema, schemaBelow } from './schema_walk.ts'

/** What was checked, for the words of its errors. */
export interface Checked {
  readonly schema: Schema
  readonly node: Node
  /** Where the thing is named. */
  readonly place: Place
  /** `exporters::awss3`: stands before each message and names the outermost level. */
  readonly path: string
  /** Where the Collector words a wrong key or type otherwise: `'service.telemetry.logs' has ...`. */
  readonly decoded?: { readonly path: string; readonly name: string }
}

type Issue = z.core.$ZodIssue

/** zod's issues in the Collector's words, each with its place and the name that was probably meant. */
export function problemsOf(issues: readonly Issue[], checked: Checked): Problem[] {
  return issues
    .flatMap((issue) => opened(issue))
    .filter(({ path }) => !isBroken(checked.node, path))
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKey(issue.path, key, checked))
        : [isDecoding(issue) ? decoding(issue, checked) : validation(issue, checked)]
    )
}

/** Of a union's branches only the one that was meant is talked about, where one can be told. */
function opened(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const deeper = issue.errors.filter((branch) => !branch.some(isOtherType))
  const meant = deeper.toSorted((a, b) => a.length - b.length)[0]
  if (meant === undefined) return [issue]
  return meant.flatMap((inner) => opened({ ...inner, path: [...issue.path, ...inner.path] }))
}

function isOtherType({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

function isBroken(node: Node, path: readonly PropertyKey[]): boolean {
  const found = path.reduce<Node | undefined>((inner, key) => childOf(inner, key), node)
  return found?.kind === 'scalar' && found.broken === true
}

function unknownKey(path: readonly PropertyKey[], key: string, checked: Checked): Problem {
  const { node } = foundAt(path, checked)
  const place = (node?.kind === 'map' && node.entries.get(key)?.place) || checked.place
  const levels = levelsOf(checked.schema)
  const level = path.filter((_, depth) => !isOfUser(path.slice(0, depth + 1), checked.schema))
  const hint = hintFor(key, level.map(String), levels, checked.path)
  return decodingProblem(checked, path, place, `has invalid keys: ${key}${hint}`)
}

/** True for a list's index and a key of the user's own. */
function isOfUser(path: readonly PropertyKey[], schema: Schema): boolean {
  const above = path.slice(0, -1).reduce<Schema | undefined>(below, schema)
  return typeof path.at(-1) === 'number' || hasFreeKeys(above)
}

function below(schema: Schema | undefined, key: PropertyKey): Schema | undefined {
  return schema && schemaBelow(schema, key)
}

/** The value is not of the kind wanted, as opposed to: of the kind, but not allowed. */
function isDecoding(issue: Issue): boolean {
  if (issue.code === 'custom') return issue.params?.decoding === true
  // A schema's own message is shown as it is; zod's own begin like this.
  return /^(Invalid|Too|Unrecognized)\b/.test(issue.message)
}

function decoding(issue: Issue, checked: Checked): Problem {
  const { place } = foundAt(issue.path, checked)
  const text = issue.code === 'custom' ? issue.message : decodingText(issue)
  return decodingProblem(checked, issue.path, place, `${text}${storageHint(issue)}`)
}

/** A component's own check: the path says which map it is about, as in the Collector. */
function validation(issue: Issue, checked: Checked): Problem {
  const { node, place } = foundAt(issue.path, checked)
  const ownMap = node?.kind === 'map' || issue.path.length === 0
  const map = ownMap ? issue.path : issue.path.slice(0, -1)
  const leaf = ownMap ? '' : String(issue.path.at(-1))
  const named = ownMap || letters(issue.message).includes(letters(leaf))
  const path = [checked.path, ...map.map(String)].join('::')
  return { place, path, message: named ? issue.message : `'${leaf}' ${issue.message}` }
}

function letters(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function decodingProblem(
  checked: Checked,
  path: readonly PropertyKey[],
  place: Place,
  text: string
): Problem {
  const message = `${quoted(path, checked)} ${text}`
  return { place, path: checked.decoded?.path ?? checked.path, message }
}

/** The node at the path, and the place to show: of its key where it is a map, has no text or is missing. */
function foundAt(
  path: readonly PropertyKey[],
  checked: Checked
): { node: Node | undefined; place: Place } {
  let node: Node | undefined = checked.node
  let place = checked.place
  for (const key of path) {
    const entry: { place: Place; node: Node } | undefined =
      node?.kind === 'map' ? node.entries.get(String(key)) : undefined
    const next: Node | undefined = entry?.node ?? childOf(node, key)
    if (next === undefined) return { node: undefined, place }
    const whole = next.kind !== 'scalar' || next.value === null
    place = entry && whole ? entry.place : next.place
    node = next
  }
  return { node, place }
}

/** `'s3uploader.s3_bucket'`, `'headers[x]'`, `'operators[0].type'`: mapstructure's way to name a field. */
function quoted(path: readonly PropertyKey[], checked: Checked): string {
  let text = checked.decoded?.name ?? ''
  let schema: Schema | undefined = checked.schema
  for (const key of path) {
    const bracket = typeof key === 'number' || hasFreeKeys(schema)
    text += bracket ? `[${String(key)}]` : `${text === '' ? '' : '.'}${String(key)}`
    schema = schema && schemaBelow(schema, key)
  }
  return `'${text}'`
}

function decodingText(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeText(issue.expected, issue.input)
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? oneOf(issue.options, issue.input)
        : unionText(issue.errors, issue.input)
    case 'invalid_value':
      return oneOf(issue.values, issue.input)
    case 'too_small':
      if (issue.minimum === 1 && unitOf(issue) !== '' && typeof issue.input !== 'number')
        return 'must not be empty'
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue)}`
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unitOf(issue)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return `must be a valid ${issue.format}`
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.map((inner) => inner.message).join(', ')
    default:
      return issue.message
  }
}

function unitOf({ origin, input }: { origin: string; input?: unknown }): string {
  if (origin === 'string') return ' characters long'
  if (origin === 'array' || origin === 'set') return ' entries long'
  return typeof input === 'number' || typeof input === 'bigint' ? `, got ${input}` : ''
}

/** What mapstructure says of a value of another type. */
export function typeText(expected: string, input: unknown): string {
  if (input === undefined) return 'is required'
  if (expected === 'array' || expected === 'tuple')
    return `source data must be an array or slice, got ${kindOf(input)}`
  if (expected === 'object') return `expected a map or struct, got "${kindOf(input)}"`
  return `expected type '${goTypes[expected] ?? expected}', got unconvertible type '${goType(input)}'`
}

const goTypes: Record<string, string> = {
  boolean: 'bool',
  number: 'float64',
  record: 'map[string]interface {}',
  array: '[]interface {}',
  object: 'map[string]interface {}'
}

function goType(input: unknown): string {
  if (Array.isArray(input)) return goTypes.array!
  if (input === null) return 'nil'
  if (typeof input === 'number' || typeof input === 'bigint')
    return typeof input === 'bigint' || Number.isInteger(input) ? 'int' : 'float64'
  return goTypes[typeof input] ?? typeof input
}

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return 'slice'
  return input !== null && typeof input === 'object' ? 'map' : goType(input)
}

function unionText(branches: readonly (readonly Issue[])[], input: unknown): string {
  const wanted = branches.flatMap((branch) =>
    branch.filter(isOtherType).map((issue) => {
      if (issue.code === 'invalid_value') return issue.values.map((value) => `${String(value)}`)
      return issue.code === 'invalid_type' ? [`'${goTypes[issue.expected] ?? issue.expected}'`] : []
    })
  )
  const distinct = [...new Set(wanted.flat())].join(' or ')
  return `expected type ${distinct}, got unconvertible type '${goType(input)}'`
}

function oneOf(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return 'is required'
  if (typeof input === 'object') return typeText('string', input)
  const near =
    typeof input === 'string' ? nearestName(input, values.map(String).filter(Boolean)) : undefined
  const shown = values.map((value) => (value === '' ? '""' : String(value))).join(', ')
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  return `must be one of ${shown}, got ${JSON.stringify(input)}${hint}`
}

/** `storage:` written as a map is one of the mistakes real files have. */
function storageHint({ path, code }: Issue): string {
  const isStorage = path.at(-1) === 'storage' && code === 'invalid_type'
  return isStorage ? ' (name a storage extension, e.g. file_storage)' : ''
}
