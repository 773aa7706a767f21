import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { mapAuditEvent } from '../litellm/audit_event.ts'
import { timeFromMs } from '../litellm/event_time.ts'
import { encodeLogs } from '../logs/encode.ts'
import type { Logs } from '../logs/logs.ts'
import type { Row } from './connection.ts'
import { eventOf } from './event.ts'

export interface RecordOptions {
  /** Of the table, for the resource: who reads an archive sees which records LiteLLM has not sent itself. */
  readonly database: string
  readonly table: string
  readonly open_values: boolean
}

/** One record for each row, the same as that of LiteLLM's own PUT but for what the PUT itself adds. */
export function recordsOf(rows: readonly Row[], arrived: number, options: RecordOptions): Logs {
  const observed = timeFromMs(arrived)
  const common = {
    resource: {
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': options.database,
        'db.collection.name': options.table
      }
    },
    instrumentationScope: { name: '' },
    hrTimeObserved: observed,
    droppedAttributesCount: 0
  }
  const records = rows.map((row) => {
    const { body, document } = eventOf(row)
    const { eventName, time, attributes } = mapAuditEvent(document, options.open_values)
    return { ...common, hrTime: time ?? observed, eventName, body, attributes }
  })
  return encodeLogs(records as unknown as ReadableLogRecord[])
}
