import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { encodeLogs } from '../../src/logs/encode.ts'
import type { Logs } from '../../src/logs/logs.ts'

export interface Given {
  readonly body?: unknown
  /** Milliseconds since the epoch. */
  readonly at?: number
  readonly event?: string
  readonly attributes?: Record<string, unknown>
  readonly resource?: Record<string, string>
}

/** Noon of a Wednesday. */
export const noon = Date.UTC(2026, 8, 30, 12)

/** Logs of these records, in their order. */
export function recordsOf(...given: Given[]): Logs {
  const resources = new Map<string, Resource>()
  const resourceOf = (attributes: Record<string, string>) => {
    const name = JSON.stringify(attributes)
    const known = resources.get(name) ?? resourceFromAttributes(attributes)
    resources.set(name, known)
    return known
  }
  const instrumentationScope = { name: 'test' }
  const records = given.map(({ body = 'text', at = noon, event = '', attributes, resource }) => ({
    resource: resourceOf(resource ?? {}),
    instrumentationScope,
    hrTime: [Math.floor(at / 1000), (at % 1000) * 1e6],
    hrTimeObserved: [0, 0],
    eventName: event,
    body,
    attributes: attributes ?? {},
    droppedAttributesCount: 0
  }))
  return encodeLogs(records as unknown as ReadableLogRecord[])
}
