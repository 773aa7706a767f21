import type { LaneContext } from '../src/component.ts'
import type { Book } from '../src/journal/book.ts'
import { createMemoryBook } from '../src/journal/memory_book.ts'
import { createLog, type Level } from '../src/telemetry/log.ts'
import { laneContext } from './batches.ts'

export const watchedLaneId = '00112233aabbccdd'

/** A lane of its own for one exporter, without a journal unless it gets a book; and all that the exporter said and counted. */
export function watchedLane(book: Book = createMemoryBook(watchedLaneId, 'logs/under_test')) {
  const finishing = new AbortController()
  const written: string[] = []
  const places: string[] = []
  const counts: Record<string, number> = {}
  const stops: Error[] = []
  const drains: ((limit: AbortSignal) => Promise<void>)[] = []
  const context: LaneContext = {
    ...laneContext({
      id: watchedLaneId,
      consumers: 4,
      book,
      finishing: finishing.signal,
      stopped: (error) => void stops.push(error),
      drain: (finish) => void drains.push(finish),
      count(name, n) {
        counts[name] = (counts[name] ?? 0) + n
      }
    }),
    id: 'awss3',
    log: createLog({ level: 'debug', encoding: 'json', write: (line) => written.push(line) }),
    ready: (place) => places.push(place)
  }
  const lines = (level: Level) => written.filter((line) => JSON.parse(line).level === level)
  /** A stop begins: batches under way are still delivered. */
  const finish = () => finishing.abort()
  /** Waits for what goes on behind the exporter, as a stop of the lane does. */
  const drain = async (limit = new AbortController().signal) => {
    finish()
    await Promise.all(drains.map((finish) => finish(limit)))
  }
  /** The numbers given out so far, by archive. */
  const numbers = () =>
    Object.fromEntries([...book.archives].map(([name, { next }]) => [name, next - 1]))
  return { context, numbers, counts, places, lines, stops, finish, drain }
}
