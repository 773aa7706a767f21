import { PermanentError } from '../component.ts'
import { cutLogs } from '../logs/cut.ts'
import type { Logs } from '../logs/logs.ts'
import type { Marshaler } from './marshal.ts'

/** An object may always be so large, and four times as large as its records. */
const smallest = 16 * 2 ** 20
/** As many as a commit has leaves (A8). */
const most = 1000

/**
 * The logs in parts of one object each, nearly always one. A format that writes each record with all
 * of its resource can make gigabytes of a small request: those are cut, and refused past 1,000.
 */
export function partsOf(logs: Logs, marshaler: Marshaler): Iterable<Logs> {
  const limit = Math.max(smallest, 4 * logs.bytes)
  const size = marshaler.size?.(logs) ?? 0
  if (size <= limit) return [logs]
  if (size <= most * limit) return halves(logs, limit, marshaler)
  throw new PermanentError(
    `marshaling: ${logs.records} records, each written with its resource, would be ${Math.round(size / 1e9)} GB: ` +
      'use otlp_json or otlp_proto, or send fewer records with so large a resource'
  )
}

function* halves(logs: Logs, limit: number, marshaler: Marshaler): Iterable<Logs> {
  if (logs.records === 1 || marshaler.size!(logs) <= limit) {
    yield logs
    return
  }
  for (const half of cutLogs(logs, { records: Math.ceil(logs.records / 2) })) {
    yield* halves(half, limit, marshaler)
  }
}
