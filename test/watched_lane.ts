import type { LaneContext } from '../src/component.ts'
import { createLog, type Level } from '../src/telemetry/log.ts'
import { laneContext } from './batches.ts'

/** A lane of its own for one exporter: numbers in memory, and all that the exporter said and counted. */
export function watchedLane() {
  const written: string[] = []
  const numbers: string[] = []
  const places: string[] = []
  const counts: Record<string, number> = {}
  const last = new Map<string, number>()
  const context: LaneContext = {
    ...laneContext({
      id: '00112233aabbccdd',
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
    }),
    id: 'awss3',
    log: createLog({ level: 'debug', encoding: 'json', write: (line) => written.push(line) }),
    ready: (place) => places.push(place)
  }
  const lines = (level: Level) => written.filter((line) => JSON.parse(line).level === level)
  return { context, numbers, counts, places, lines }
}
