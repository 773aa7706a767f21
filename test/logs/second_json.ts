import type { RequestData } from './second_codec.ts'

/**
 * OTLP/JSON as the specification and the Collector have it, written the slow and obvious way: what
 * our writer's output is compared with.
 */
export function jsonOf({ resourceLogs }: RequestData): object {
  const lists = (resourceLogs as Any[]).map(({ resource, scopeLogs, schemaUrl }) => ({
    resource: { ...common(resource ?? {}), ...refs(resource?.entityRefs) },
    ...(some(scopeLogs) ? { scopeLogs: scopeLogs.map(scopeLogsOf) } : {}),
    ...text({ schemaUrl })
  }))
  return lists.length > 0 ? { resourceLogs: lists } : { resourceLogs: [] }
}

// biome-ignore lint/suspicious/noExplicitAny: data of a second codec, of which every member may be absent.
type Any = any

function scopeLogsOf({ scope, logRecords, schemaUrl }: Any): object {
  return {
    scope: { ...text({ name: scope?.name, version: scope?.version }), ...common(scope ?? {}) },
    ...(some(logRecords) ? { logRecords: logRecords.map(recordOf) } : {}),
    ...text({ schemaUrl })
  }
}

function recordOf(record: Any): object {
  const { timeUnixNano = '0', observedTimeUnixNano = '0', severityNumber, flags } = record
  return {
    ...(timeUnixNano === '0' ? {} : { timeUnixNano }),
    ...(observedTimeUnixNano === '0' ? {} : { observedTimeUnixNano }),
    ...(severityNumber ? { severityNumber } : {}),
    ...text({ severityText: record.severityText, eventName: record.eventName }),
    body: anyValueOf(record.body ?? {}),
    ...common(record),
    ...(flags ? { flags } : {}),
    ...id('traceId', record.traceId),
    ...id('spanId', record.spanId)
  }
}

function common({ attributes, droppedAttributesCount }: Any): object {
  return {
    ...(some(attributes) ? { attributes: attributes.map(pairOf) } : {}),
    ...(droppedAttributesCount ? { droppedAttributesCount } : {})
  }
}

function pairOf({ key, value }: Any): object {
  return { ...text({ key }), value: anyValueOf(value ?? {}) }
}

function anyValueOf(value: Any): object {
  if ('doubleValue' in value) return { doubleValue: double(value.doubleValue) }
  if ('bytesValue' in value) return { bytesValue: Buffer.from(value.bytesValue).toString('base64') }
  if ('arrayValue' in value) return { arrayValue: list(value.arrayValue.values, anyValueOf) }
  if ('kvlistValue' in value) return { kvlistValue: list(value.kvlistValue.values, pairOf) }
  return { ...value }
}

function list(values: Any, of: (one: Any) => object): object {
  return some(values) ? { values: values.map(of) } : {}
}

function refs(entityRefs: Any): object {
  if (!some(entityRefs)) return {}
  const all = entityRefs.map(({ schemaUrl, type, idKeys, descriptionKeys }: Any) => ({
    ...text({ schemaUrl, type }),
    ...(some(idKeys) ? { idKeys } : {}),
    ...(some(descriptionKeys) ? { descriptionKeys } : {})
  }))
  return { entityRefs: all }
}

function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

function id(name: string, bytes: Uint8Array | undefined): object {
  return bytes?.some((byte) => byte !== 0) ? { [name]: Buffer.from(bytes).toString('hex') } : {}
}

function text(members: Record<string, string | undefined>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value))
}

function some(values: Any): boolean {
  return values !== undefined && values.length > 0
}
