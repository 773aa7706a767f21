import { NEVER } from 'rxjs'
import type { Batch, LaneContext } from '../src/component.ts'
import type { Logs } from '../src/logs/logs.ts'
import { createLog, type Level } from '../src/telemetry/log.ts'

/** A lane for one component under test: numbers in memory, and all that it said and counted. */
export function laneContext(id = 'awss3') {
  const written: string[] = []
  const numbers: string[] = []
  const counts: Record<string, number> = {}
  const last = new Map<string, number>()
  const stopping = new AbortController()
  const context: LaneContext = {
    id,
    log: createLog({ level: 'debug', encoding: 'json', write: (line) => written.push(line) }),
    stopping: stopping.signal,
    ready() {},
    lane: {
      name: `logs/${id}`,
      id: '00112233aabbccdd',
      writer: 'ffeeddcc99887766',
      window: 64 * 2 ** 20,
      flush: NEVER,
      consumers: 4,
      async number(archive) {
        const number = (last.get(archive) ?? 0) + 1
        last.set(archive, number)
        numbers.push(`${archive} ${number}`)
        return number
      },
      count(name, n) {
        counts[name] = (counts[name] ?? 0) + n
      }
    }
  }
  const lines = (level: Level) => written.filter((line) => JSON.parse(line).level === level)
  return { context, stopping, numbers, counts, lines }
}

/** A batch of logs, or of a text's bytes where nobody looks inside. */
export function batchOf(logs: Logs | string): Batch {
  const chunk = typeof logs === 'string' ? Buffer.from(logs) : undefined
  return {
    logs: typeof logs === 'string' ? { chunks: [chunk!], bytes: chunk!.length, records: 1 } : logs,
    meta: { receiver: 'otlp', arrived: 0 },
    settle() {}
  }
}
