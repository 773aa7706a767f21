import { Subject } from 'rxjs'
import { expect } from 'vitest'
import type { Batch, LaneContext, Meta, Processor } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { laneContext, type Sent, sent } from '../batches.ts'

/** Sends logs through a processor, and looks at what came out and what was counted. */
export function through(
  make: (context: LaneContext) => Processor,
  logs: Logs,
  meta: Partial<Meta> = {},
  lane: Partial<LaneContext['lane']> = {}
) {
  const counts: Record<string, number> = {}
  const count = (name: string, n: number) => {
    counts[name] = (counts[name] ?? 0) + n
  }
  const input = new Subject<Batch>()
  const out: Batch[] = []
  const batch: Sent = sent(logs, meta)
  input.pipe(make(laneContext({ count, ...lane }))).subscribe((one) => out.push(one))
  input.next(batch)
  const after = out[0]?.logs
  if (after !== undefined) expect(checkLogs(bytesOf(after)).records).toBe(after.records)
  return { after, counts, batch }
}

export function bytesOf(logs: Logs): Buffer {
  return Buffer.concat(logs.chunks)
}

/** The request as OTLP/JSON has it. */
export function jsonOf(logs: Logs) {
  return JSON.parse(Buffer.concat([...jsonFromLogs(logs)]).toString())
}

export function logsOf(resourceLogs: object[]): Logs {
  return logsFromJson(Buffer.from(JSON.stringify({ resourceLogs })))
}

/** Attributes of OTLP/JSON: a text is a string, a number an int. */
export function attributesOf(plain: Record<string, string | number>) {
  return Object.entries(plain).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) }
  }))
}
