import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { stringOf } from './as_string.ts'

/*
 * Records for a person's eyes, laid out as the Collector's debug exporter does it
 * (https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/debugexporter).
 * Whole numbers are shown as Int: a decoded record no longer knows that one was a double.
 */

/** About one line for each record, under a line for its resource and one for its scope. */
export function normalText(records: readonly ReadableLogRecord[]): string {
  const lines: string[] = []
  for (const [index, { resource, scopes }] of byResource(records).entries()) {
    lines.push(
      `ResourceLog #${index}${inBrackets(resource.schemaUrl)}${pairs(resource.attributes)}`
    )
    for (const [place, { scope, records }] of scopes.entries()) {
      const name = scope.version ? `${scope.name}@${scope.version}` : scope.name
      const tail = `${inBrackets(scope.schemaUrl)}${pairs(scope.attributes ?? {})}`
      lines.push(`ScopeLog #${place}${name && ` ${name}`}${tail}`)
      for (const { body, attributes } of records) lines.push(stringOf(body) + pairs(attributes))
    }
  }
  return lines.join('\n')
}

/** Every field of every record, one a line. */
export function detailedText(records: readonly ReadableLogRecord[]): string {
  const lines: string[] = []
  for (const [index, { resource, scopes }] of byResource(records).entries()) {
    lines.push(`ResourceLog #${index}`, `Resource SchemaURL: ${resource.schemaUrl ?? ''}`)
    lines.push(...listed('Resource attributes', resource.attributes))
    for (const [place, { scope, records }] of scopes.entries()) {
      lines.push(`ScopeLogs #${place}`, `ScopeLogs SchemaURL: ${scope.schemaUrl ?? ''}`)
      lines.push(`InstrumentationScope ${scope.name} ${scope.version ?? ''}`)
      lines.push(...listed('InstrumentationScope attributes', scope.attributes ?? {}))
      for (const [number, record] of records.entries()) {
        lines.push(`LogRecord #${number}`, ...details(record))
      }
    }
  }
  return lines.join('\n')
}

interface OfResource {
  readonly resource: ReadableLogRecord['resource']
  readonly scopes: OfScope[]
}

interface OfScope {
  readonly scope: ReadableLogRecord['instrumentationScope']
  readonly records: ReadableLogRecord[]
}

/** Neighbours with the same resource and scope objects, as they stood together in the request. */
function byResource(records: readonly ReadableLogRecord[]): OfResource[] {
  const resources: OfResource[] = []
  for (const record of records) {
    let last = resources.at(-1)
    if (last?.resource !== record.resource) {
      last = { resource: record.resource, scopes: [] }
      resources.push(last)
    }
    const open = last.scopes.at(-1)
    if (open?.scope === record.instrumentationScope) open.records.push(record)
    else last.scopes.push({ scope: record.instrumentationScope, records: [record] })
  }
  return resources
}

function details(record: ReadableLogRecord): string[] {
  const { spanContext, severityNumber = 0 } = record
  return [
    `ObservedTimestamp: ${time(record.hrTimeObserved)}`,
    `Timestamp: ${time(record.hrTime)}`,
    `SeverityText: ${record.severityText ?? ''}`,
    `SeverityNumber: ${severityName(severityNumber)}(${severityNumber})`,
    ...(record.eventName ? [`EventName: ${record.eventName}`] : []),
    `Body: ${typed(record.body)}`,
    ...listed('Attributes', record.attributes),
    `Trace ID: ${spanContext?.traceId ?? ''}`,
    `Span ID: ${spanContext?.spanId ?? ''}`,
    `Flags: ${spanContext?.traceFlags ?? 0}`
  ]
}

function listed(title: string, attributes: object): string[] {
  const entries = Object.entries(attributes)
  if (entries.length === 0) return []
  return [`${title}:`, ...entries.map(([key, value]) => `     -> ${key}: ${typed(value)}`)]
}

function pairs(attributes: object): string {
  return Object.entries(attributes)
    .map(([key, value]) => ` ${key}=${stringOf(value)}`)
    .join('')
}

function inBrackets(text: string | undefined): string {
  return text ? ` [${text}]` : ''
}

function typed(value: unknown): string {
  return `${typeName(value)}(${stringOf(value)})`
}

function typeName(value: unknown): string {
  if (value === undefined || value === null) return 'Empty'
  if (typeof value === 'string') return 'Str'
  if (typeof value === 'boolean') return 'Bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'Int' : 'Double'
  if (typeof value === 'bigint') return 'Int'
  if (value instanceof Uint8Array) return 'Bytes'
  return Array.isArray(value) ? 'Slice' : 'Map'
}

/** As Go prints a time: `2020-02-11 20:26:13.000000789 +0000 UTC`. */
function time([seconds, nanos]: ReadableLogRecord['hrTime']): string {
  const [day, clock] = new Date(seconds * 1000).toISOString().slice(0, 19).split('T')
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  return `${day} ${clock}${fraction} +0000 UTC`
}

const severities = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal']

function severityName(number: number): string {
  const name = severities[Math.floor((number - 1) / 4)]
  if (name === undefined) return number === 0 ? 'Unspecified' : ''
  const step = (number - 1) % 4
  return step === 0 ? name : `${name}${step + 1}`
}
