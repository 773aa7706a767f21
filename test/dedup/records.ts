import { decodeLogs } from '../../src/logs/decode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'

/** An audit record; without an id when it has none. */
export interface Event {
  readonly id?: string
  readonly text?: string
  readonly observed?: string
}

export const idName = 'audit.record.id'
export const markName = 'auditcol.duplicate_id'

export function logsOf(...events: readonly Event[]): Logs {
  return logsFrom({ resourceLogs: [{ scopeLogs: [{ logRecords: events.map(recordOf) }] }] })
}

export function recordOf({ id, text = 'created', observed }: Event) {
  return {
    ...(observed && { observedTimeUnixNano: observed }),
    body: { stringValue: text },
    attributes: id === undefined ? [] : [{ key: idName, value: { stringValue: id } }]
  }
}

export function logsFrom(request: object): Logs {
  return logsFromJson(Buffer.from(JSON.stringify(request)))
}

/** `id text`, with `!` where it is marked as a conflict. */
export function eventsIn(logs: Logs): string[] {
  return decodeLogs(logs).map(({ body, attributes }) => {
    const mark = attributes[markName] === 'conflict' ? '!' : ''
    return `${attributes[idName] ?? '-'} ${body}${mark}`
  })
}
