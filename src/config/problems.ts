import type { z } from 'zod'
import type { Place, Problem } from './errors.ts'
import { hintFor } from './hints.ts'
import { nearestName } from './nearest.ts'
import { childOf, type Node } from './node.ts'
import {
  hasFreeKeys,
  type Level,
  levelsOf,
  type Schema,
  schemaAt,
  schemaBelow,
  takesInteger,
  takesMap
} from './schema_walk.ts'

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
  const all = issues.flatMap(opened).filter(({ path }) => !isBroken(checked.node, path))
  const decoded = all.filter(isDecoding).flatMap((issue) => decodingProblems(issue, checked))
  const misread = decoded.flatMap(({ about }) => about)
  const validated = all.filter((issue) => !isDecoding(issue) && !follows(issue, misread, checked))
  return [
    ...decoded.map(({ problem }) => problem),
    ...validated.map((issue) => validation(issue, checked))
  ]
}

type Path = readonly PropertyKey[]

/**
 * A check of a whole map is not worth telling while something in the map is misspelt or stands
 * elsewhere: "bucket is required" next to "s3_bucket belongs here" says one thing twice.
 */
function follows(issue: Issue, misread: readonly Path[], checked: Checked): boolean {
  const isThere = foundAt(issue.path, checked).node !== undefined
  const map = isThere || issue.path.length === 0 ? issue.path : issue.path.slice(0, -1)
  if (!takesMap(schemaAt(checked.schema, map))) return false
  return misread.some((path) => map.every((key, depth) => key === path[depth]))
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

function isBroken(node: Node, path: Path): boolean {
  const found = path.reduce<Node | undefined>((inner, key) => childOf(inner, key), node)
  return found?.kind === 'scalar' && found.broken === true
}

/** What is wrong, and the maps it takes something from. */
interface Decoded {
  readonly problem: Problem
  readonly about: readonly Path[]
}

function decodingProblems(issue: Issue, checked: Checked): Decoded[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(issue.path, key, issue.keys, checked))
  const { place } = foundAt(issue.path, checked)
  const number = takesInteger(schemaAt(checked.schema, issue.path)) ? 'int' : 'float64'
  const text = issue.code === 'custom' ? issue.message : decodingText(issue, number)
  const problem = decodingProblem(checked, issue.path, place, `${text}${storageHint(issue)}`)
  return [{ problem, about: [issue.path] }]
}

function unknownKey(
  path: Path,
  key: string,
  strangers: readonly string[],
  checked: Checked
): Decoded {
  const { node } = foundAt(path, checked)
  const place = (node?.kind === 'map' && node.entries.get(key)?.place) || checked.place
  const level = path.filter((_, depth) => !isOfUser(path.slice(0, depth + 1), checked.schema))
  const root = `under ${checked.path}`
  const levels = levelsOf(checked.schema)
  const isWritten = ({ path }: Level) => foundAt(path, checked).node !== undefined
  const { text, homes } = hintFor(key, level.map(String), levels, root, strangers, isWritten)
  const problem = decodingProblem(checked, path, place, `has invalid keys: ${key}${text}`)
  return { problem, about: homes.map((home) => home.path) }
}

/** True for a list's index and a key of the user's own. */
function isOfUser(path: Path, schema: Schema): boolean {
  return typeof path.at(-1) === 'number' || hasFreeKeys(schemaAt(schema, path.slice(0, -1)))
}

/** The value is not of the kind wanted, as opposed to: of the kind, but not allowed. */
function isDecoding(issue: Issue): boolean {
  if (isNoScalar(issue)) return true
  if (issue.code === 'custom') return issue.params?.decoding === true
  // A schema's own message is shown as it is; zod's own begin like this.
  return /^(Invalid|Too|Unrecognized)\b/.test(issue.message)
}

/** A map or list in the place of one value: a schema's own message would show it as a text. */
function isNoScalar({ code, input, ...issue }: Issue): boolean {
  if (typeof input !== 'object' || input === null) return false
  if (code === 'invalid_value') return true
  return (
    code === 'invalid_type' &&
    'expected' in issue &&
    ['string', 'number', 'boolean'].includes(String(issue.expected))
  )
}

/** A component's own check: the path says which map it is about, as in the Collector. */
function validation(issue: Issue, checked: Checked): Problem {
  const { place } = foundAt(issue.path, checked)
  const ownMap = issue.path.length === 0 || takesMap(schemaAt(checked.schema, issue.path))
  const map = ownMap ? issue.path : issue.path.slice(0, -1)
  const leaf = ownMap ? '' : String(issue.path.at(-1))
  const named = ownMap || letters(issue.message).includes(letters(leaf))
  const path = [checked.path, ...map.map(String)].join('::')
  return { place, path, message: named ? issue.message : `'${leaf}' ${issue.message}` }
}

function letters(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function decodingProblem(checked: Checked, path: Path, place: Place, text: string): Problem {
  const message = `${quoted(path, checked)} ${text}`
  return { place, path: checked.decoded?.path ?? checked.path, message }
}

/** The node at the path, and the place to show: of its key where it is a map, has no text or is missing. */
function foundAt(path: Path, checked: Checked): { node: Node | undefined; place: Place } {
  let node: Node | undefined = checked.node
  let place = isText(checked.node) ? checked.node.place : checked.place
  for (const key of path) {
    const entry: { place: Place; node: Node } | undefined =
      node?.kind === 'map' ? node.entries.get(String(key)) : undefined
    const next: Node | undefined = entry?.node ?? childOf(node, key)
    if (next === undefined) return { node: undefined, place }
    place = entry && !isText(next) ? entry.place : next.place
    node = next
  }
  return { node, place }
}

function isText(node: Node): boolean {
  return node.kind === 'scalar' && node.value !== null
}

/** `'s3uploader.s3_bucket'`, `'headers[x]'`, `'operators[0].type'`: mapstructure's way to name a field. */
function quoted(path: Path, checked: Checked): string {
  let text = checked.decoded?.name ?? ''
  let schema: Schema | undefined = checked.schema
  for (const key of path) {
    const bracket = typeof key === 'number' || hasFreeKeys(schema)
    text += bracket ? `[${String(key)}]` : `${text === '' ? '' : '.'}${String(key)}`
    schema = schema && schemaBelow(schema, key)
  }
  return `'${text}'`
}

function decodingText(issue: Issue, number: string): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeText(issue.expected === 'number' ? number : issue.expected, issue.input)
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options)
        ? oneOf(issue.options, discriminating(issue))
        : unionText(issue.errors, issue.input, number)
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

/** Of maps told apart by one key the issue is about that key, and has the whole map. */
function discriminating({ input, path }: Issue): unknown {
  const map = input !== null && typeof input === 'object' ? input : {}
  return (map as Record<PropertyKey, unknown>)[path.at(-1)!]
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

function unionText(
  branches: readonly (readonly Issue[])[],
  input: unknown,
  number: string
): string {
  const wanted = branches.flatMap((branch) =>
    branch.filter(isOtherType).map((issue) => {
      if (issue.code === 'invalid_value') return issue.values.map((value) => `${String(value)}`)
      if (issue.code !== 'invalid_type') return []
      return [
        `'${issue.expected === 'number' ? number : (goTypes[issue.expected] ?? issue.expected)}'`
      ]
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
