import { NEVER } from 'rxjs'
import type { Batch, LaneContext, Meta } from '../src/component.ts'
import { createMemoryBook } from '../src/journal/memory_book.ts'
import { decodeLogs } from '../src/logs/decode.ts'
import { logsFromJson } from '../src/logs/from_json.ts'
import type { Logs } from '../src/logs/logs.ts'
import { createLog } from '../src/telemetry/log.ts'

export interface Sent extends Batch {
  /** What each call of settle said. */
  readonly outcomes: (Error | undefined)[]
}

/** A batch that remembers how it was settled. */
export function sent(logs: Logs, meta: Partial<Meta> = {}): Sent {
  const outcomes: (Error | undefined)[] = []
  return {
    logs,
    meta: { receiver: 'otlp', arrived: 1_700_000_000_000, ...meta },
    outcomes,
    settle: (error) => outcomes.push(error)
  }
}

/** Logs of which only the counts matter; `mark` is repeated in their bytes. */
export function opaque(records: number, bytes = records * 10, mark = 1): Logs {
  return { chunks: [new Uint8Array(bytes).fill(mark)], bytes, records }
}

/** Logs with a record for each body. */
export function named(...bodies: string[]): Logs {
  const logRecords = bodies.map((stringValue) => ({ body: { stringValue } }))
  return logsFromJson(
    Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }))
  )
}

export function bodiesOf(logs: Logs): string[] {
  return decodeLogs(logs).map(({ body }) => `${body}`)
}

/** The context of a lane in which nothing is going on. */
export function laneContext(change: Partial<LaneContext['lane']> = {}): LaneContext {
  return {
    id: 'under_test',
    log: createLog({ level: 'error', encoding: 'json', write: () => {} }),
    stopping: new AbortController().signal,
    ready: () => {},
    lane: {
      name: 'logs/under_test',
      id: '0123456789abcdef',
      writer: 'fedcba9876543210',
      window: 64 * 2 ** 20,
      flush: NEVER,
      book: createMemoryBook('0123456789abcdef', 'logs/under_test'),
      stopped: () => {},
      resumed: () => {},
      finishing: new AbortController().signal,
      drain: () => {},
      waited: () => {},
      retry: {
        initial_interval: 1,
        randomization_factor: 0,
        multiplier: 1,
        max_interval: 1,
        max_elapsed_time: 0
      },
      ...change
    }
  }
}
