import { recordFields, resourceFields, schemaUrl, scopeFields } from '../logs/message_fields.ts'
import {
  attributes,
  body,
  bodyText,
  cache,
  clientMetadata,
  count,
  id,
  idText,
  instant,
  nanos,
  type Place,
  severity,
  text
} from './place_kinds.ts'
import type { View } from './values.ts'

export type Context = 'resource' | 'scope' | 'log'

/** Whose a place is: `otelcol` has what is known of the request, whatever the statements are run on. */
export type Owner = Context | 'otelcol'

/** What a path may begin with. */
export const ownerNames: Record<string, Owner> = {
  log: 'log',
  scope: 'scope',
  instrumentation_scope: 'scope',
  resource: 'resource',
  otelcol: 'otelcol'
}

type Places = Readonly<Record<string, Place>>

/** The places of this owner as statements of a context see them: from a record one sees its scope, not the other way round. */
export function placesOf(owner: Owner, context: Context): Places {
  const level = { otelcol: -1, resource: 0, scope: 1, log: 2 }
  if (level[owner] > level[context]) return {}
  return owner === context ? { ...places[owner], cache } : places[owner]
}

const record = (view: View) => view.record
const scope = (view: View) => view.scope
const resource = (view: View) => view.resource

const places: Record<Owner, Places> = {
  otelcol: { 'client.metadata': clientMetadata, 'grpc.metadata': clientMetadata },
  resource: {
    attributes: attributes(resource, resourceFields.attributes),
    dropped_attributes_count: count(resource, resourceFields.dropped),
    schema_url: text((view) => view.resourceLogs, schemaUrl)
  },
  scope: {
    name: text(scope, scopeFields.name),
    version: text(scope, scopeFields.version),
    attributes: attributes(scope, scopeFields.attributes),
    dropped_attributes_count: count(scope, scopeFields.dropped),
    schema_url: text((view) => view.scopeLogs, schemaUrl)
  },
  log: {
    time: instant(recordFields.time),
    time_unix_nano: nanos(recordFields.time),
    observed_time: instant(recordFields.observedTime),
    observed_time_unix_nano: nanos(recordFields.observedTime),
    severity_number: severity,
    severity_text: text(record, recordFields.severityText),
    body,
    'body.string': bodyText,
    attributes: attributes(record, recordFields.attributes),
    dropped_attributes_count: count(record, recordFields.dropped),
    flags: count(record, recordFields.flags),
    trace_id: id(recordFields.traceId, 16),
    'trace_id.string': idText(recordFields.traceId, 16),
    span_id: id(recordFields.spanId, 8),
    'span_id.string': idText(recordFields.spanId, 8),
    event_name: text(record, recordFields.eventName)
  }
}
