import type { Row } from './connection.ts'
import { columns } from './table.ts'

/** An audit event as LiteLLM sends it to S3. */
export interface Event {
  /** JSON as Python writes it. */
  readonly body: string
  readonly document: Readonly<Record<string, unknown>>
}

/**
 * The event that LiteLLM has made this row of. It is the same in its meaning and not in its bytes: the
 * database keeps milliseconds of microseconds, and of `before_value` and `updated_values` neither the order
 * of keys nor repeated ones (jsonb).
 */
export function eventOf(row: Row): Event {
  const fields: Record<string, unknown> = {}
  for (const column of columns) fields[column] = row[column] ?? null
  fields.updated_at = isoFormat(row.updated_at ?? '')
  // LiteLLM sends the two as texts of JSON, of which all that is not ASCII is escaped.
  for (const column of ['before_value', 'updated_values']) {
    const text = row[column]
    if (typeof text === 'string') fields[column] = ascii(text)
  }
  const document = { ...fields, ...JSON.parse(row.added ?? '{}') }
  return { body: pythonJson(document), document }
}

/** Python's isoformat() of Postgres's text: `2026-11-23 08:15:00.123` is `2026-11-23T08:15:00.123000+00:00`. */
function isoFormat(time: string): string {
  const [, date, clock, fraction] =
    /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?$/.exec(time) ?? []
  if (date === undefined) return ''
  return `${date}T${clock}${fraction === undefined ? '' : `.${fraction.padEnd(6, '0')}`}+00:00`
}

/** Of members that are JSON's own, as json.dumps() writes a dict: `{"a": 1, "b": null}`. */
function pythonJson(document: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(document).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`
  )
  return ascii(`{${members.join(', ')}}`)
}

/** In JSON's text whatever is not ASCII stands in a string. */
function ascii(json: string): string {
  return json.replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}
