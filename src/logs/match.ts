import { RE2JS } from 're2js'
import { asText } from './any_text.ts'
import { canonicalValue } from './canonical_value.ts'
import type { LogsView } from './edit.ts'
import { type Message, readAttribute, readField } from './message.ts'
import { type Field, recordFields, resourceFields, scopeFields } from './message_fields.ts'
import type { AnyValue, ValueMap } from './value.ts'

/** The Collector's properties of records, as `include` and `exclude` have them; all that are given must match. */
interface Properties {
  /** `regexp`: an RE2 that matches somewhere in the text. */
  readonly match_type: 'strict' | 'regexp'
  /** Each must be there, and match the value if one is given. */
  readonly attributes?: readonly KeyAndValue[]
  readonly resources?: readonly KeyAndValue[]
  readonly libraries?: readonly { readonly name: string; readonly version?: string | undefined }[]
  /** One of them must match. */
  readonly bodies?: readonly string[]
  readonly severityTexts?: readonly string[]
  /** The least severity; `undefinedToo` is whether a record without one matches. */
  readonly severityNumber?: { readonly min: number; readonly undefinedToo: boolean }
}

interface KeyAndValue {
  readonly key: string
  readonly value?: AnyValue | undefined
}

type Matches = (view: LogsView) => boolean

/** Throws when a pattern is no RE2. */
export function matcherOf(properties: Properties): Matches {
  const { match_type: type, attributes = [], resources = [], libraries = [] } = properties
  const { bodies = [], severityTexts = [], severityNumber } = properties
  const all: Matches[] = []
  if (bodies.length > 0) all.push(oneOf(bodies, type, bodyText))
  if (severityTexts.length > 0) all.push(oneOf(severityTexts, type, severityText))
  if (severityNumber !== undefined) all.push(atLeast(severityNumber))
  for (const { name, version } of libraries) {
    all.push(oneOf([name], type, (view) => readField(view.scope, scopeFields.name)))
    if (version !== undefined)
      all.push(oneOf([version], type, (view) => readField(view.scope, scopeFields.version)))
  }
  for (const one of resources)
    all.push(hasAttribute(one, type, (view) => view.resource, resourceFields.attributes))
  for (const one of attributes)
    all.push(hasAttribute(one, type, (view) => view.record, recordFields.attributes))
  return (view) => all.every((matches) => matches(view))
}

function bodyText(view: LogsView): string {
  return asText(readField(view.record, recordFields.body))
}

function severityText(view: LogsView): string {
  return readField(view.record, recordFields.severityText)
}

function oneOf(
  texts: readonly string[],
  type: Properties['match_type'],
  read: (view: LogsView) => string
): Matches {
  const tests = texts.map((text) => testOf(text, type))
  return (view) => {
    const value = read(view)
    return tests.some((matches) => matches(value))
  }
}

function testOf(text: string, type: Properties['match_type']): (value: string) => boolean {
  if (type === 'strict') return (value) => value === text
  const regex = RE2JS.compile(text)
  return (value) => regex.test(value)
}

function atLeast({ min, undefinedToo }: { min: number; undefinedToo: boolean }): Matches {
  return (view) => {
    const severity = readField(view.record, recordFields.severity)
    return severity === 0 ? undefinedToo : severity >= min
  }
}

function hasAttribute(
  { key, value }: KeyAndValue,
  type: Properties['match_type'],
  of: (view: LogsView) => Message,
  field: Field<ValueMap>
): Matches {
  const bytes = Buffer.from(key)
  const matches = valueTest(value, type)
  return (view) => {
    const found = readAttribute(of(view), field, key, bytes)
    return found !== undefined && matches(found)
  }
}

function valueTest(
  value: AnyValue | undefined,
  type: Properties['match_type']
): (found: AnyValue) => boolean {
  if (value === undefined || value === null) return () => true
  if (type === 'strict') return equalTo(value)
  const matches = testOf(asText(value), type)
  return (found) => isScalar(found) && matches(asText(found))
}

function equalTo(value: AnyValue): (found: AnyValue) => boolean {
  if (isScalar(value)) return (found) => found === value
  const wanted = canonicalValue(value)
  return (found) => !isScalar(found) && canonicalValue(found) === wanted
}

function isScalar(value: AnyValue): boolean {
  return value !== null && (typeof value !== 'object' || typeof value === 'string')
}
