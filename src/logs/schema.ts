/**
 * The OTLP log messages as data: what check.ts, from_json.ts and the paths in error messages know
 * of https://github.com/open-telemetry/opentelemetry-proto (1.11). `string_value_strindex` (8) of
 * AnyValue and `key_strindex` (3) of KeyValue belong to profiles; in logs they are to be ignored,
 * so they count as unknown fields here: kept in the bytes, without meaning.
 */
export interface Field {
  readonly number: number
  /** As in the .proto file; its lowerCamelCase is the JSON name. */
  readonly name: string
  readonly kind: number
  readonly repeated: boolean
}

/** Scalar kinds; a kind from `firstMessage` on is a message, its place in `messages` added. */
export const kinds = {
  unknown: 0,
  bool: 1,
  uint32: 2,
  severity: 3,
  int64: 4,
  fixed64: 5,
  double: 6,
  fixed32: 7,
  string: 8,
  bytes: 9,
  traceId: 10,
  spanId: 11
} as const

export const firstMessage = 16

const names = [
  'ExportLogsServiceRequest',
  'ResourceLogs',
  'Resource',
  'EntityRef',
  'ScopeLogs',
  'InstrumentationScope',
  'LogRecord',
  'KeyValue',
  'AnyValue',
  'ArrayValue',
  'KeyValueList'
] as const

type Type = keyof typeof kinds | (typeof names)[number]

const request = [many(1, 'resource_logs', 'ResourceLogs')]

const resourceLogs = [
  one(1, 'resource', 'Resource'),
  many(2, 'scope_logs', 'ScopeLogs'),
  one(3, 'schema_url', 'string')
]

const resource = [
  many(1, 'attributes', 'KeyValue'),
  one(2, 'dropped_attributes_count', 'uint32'),
  many(3, 'entity_refs', 'EntityRef')
]

const entityRef = [
  one(1, 'schema_url', 'string'),
  one(2, 'type', 'string'),
  many(3, 'id_keys', 'string'),
  many(4, 'description_keys', 'string')
]

const scopeLogs = [
  one(1, 'scope', 'InstrumentationScope'),
  many(2, 'log_records', 'LogRecord'),
  one(3, 'schema_url', 'string')
]

const scope = [
  one(1, 'name', 'string'),
  one(2, 'version', 'string'),
  many(3, 'attributes', 'KeyValue'),
  one(4, 'dropped_attributes_count', 'uint32')
]

const logRecord = [
  one(1, 'time_unix_nano', 'fixed64'),
  one(2, 'severity_number', 'severity'),
  one(3, 'severity_text', 'string'),
  one(5, 'body', 'AnyValue'),
  many(6, 'attributes', 'KeyValue'),
  one(7, 'dropped_attributes_count', 'uint32'),
  one(8, 'flags', 'fixed32'),
  one(9, 'trace_id', 'traceId'),
  one(10, 'span_id', 'spanId'),
  one(11, 'observed_time_unix_nano', 'fixed64'),
  one(12, 'event_name', 'string')
]

const keyValue = [one(1, 'key', 'string'), one(2, 'value', 'AnyValue')]

/** A oneof: at most one of its fields is there. */
const anyValue = [
  one(1, 'string_value', 'string'),
  one(2, 'bool_value', 'bool'),
  one(3, 'int_value', 'int64'),
  one(4, 'double_value', 'double'),
  one(5, 'array_value', 'ArrayValue'),
  one(6, 'kvlist_value', 'KeyValueList'),
  one(7, 'bytes_value', 'bytes')
]

/** In the order of `names`; kind = firstMessage + index. */
export const messages: readonly (readonly Field[])[] = [
  request,
  resourceLogs,
  resource,
  entityRef,
  scopeLogs,
  scope,
  logRecord,
  keyValue,
  anyValue,
  [many(1, 'values', 'AnyValue')],
  [many(1, 'values', 'KeyValue')]
]

export const requestMessage = messages.indexOf(request)
export const logRecordMessage = messages.indexOf(logRecord)
export const anyValueMessage = messages.indexOf(anyValue)

/** Messages inside messages, protobuf's own limit: what we accept, every protobuf library reads. */
export const depthLimit = 100

function one(number: number, name: string, type: Type): Field {
  return { number, name, kind: kindOf(type), repeated: false }
}

function many(number: number, name: string, type: Type): Field {
  return { number, name, kind: kindOf(type), repeated: true }
}

function kindOf(type: Type): number {
  return type in kinds
    ? kinds[type as keyof typeof kinds]
    : firstMessage + names.indexOf(type as (typeof names)[number])
}
