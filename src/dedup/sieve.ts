import type { Batch, Meta } from '../component.ts'
import type { DedupConfig } from '../config/dedup.ts'
import { type Logs, noLogs } from '../logs/logs.ts'
import { pickRecords } from '../logs/pick.ts'
import type { Known } from './known.ts'
import { conflictMark } from './mark.ts'
import { type Prints, recordPrintBytes } from './prints.ts'

/** What came of the records of a batch, or of a receiver, that are durable. */
export interface Counts {
  /** Left out: stored before, with this id and content. */
  repeats: number
  /** Left out: known with this id and other content, and the receiver compares ids alone. */
  differing: number
  /** Stored and marked: known with this id and other content. */
  conflicts: number
  /** Stored: there is nothing to know them by. */
  withoutId: number
}

/** Records passed on and not settled. Who comes with one of their ids waits for what becomes of them. */
export interface Flight {
  readonly waiting: (() => void)[]
}

export interface SieveOptions {
  readonly known: Known
  /**
   * Who has ids under way, of all receivers of the scope, by 30 bits of their prints: two ids with the
   * same ones only wait for each other, and a million of them are no million strings.
   */
  readonly pending: Map<number, Flight>
  readonly print: (logs: Logs) => Prints
  /** What makes a record known. */
  readonly compare: DedupConfig['compare']
  /** Passes a batch on; `stored` hears where it lies just before it is settled with success. */
  pass(batch: Batch, stored: (lsn: number) => void): void
  /** Keeps the `resume` mark of a batch that has no records. */
  mark(batch: Batch): void
  /** A batch is durable. */
  counted(counts: Readonly<Counts>): void
}

/**
 * One receiver's way through the ids of its scope: passes on the records that are not stored yet, and
 * settles a batch when all of its records are durable, whoever has brought them.
 */
export function createSieve(options: SieveOptions): (batch: Batch) => void {
  const { known, pending, print, pass, mark, counted } = options

  return (batch) => {
    const { logs, meta } = batch
    const prints = print(logs)
    const counts: Counts = { repeats: 0, differing: 0, conflicts: 0, withoutId: 0 }
    let open = 1
    let failed: Error | undefined
    let isMarked = meta.resume === undefined

    const enter = (records: Iterable<number>, isFirst: boolean) => {
      known.expire(Date.now())
      const sorted = sort(records, prints, options, counts)
      for (const [flight, waiting] of sorted.waits) {
        open++
        // If those failed, these go themselves.
        flight.waiting.push(() => {
          enter(waiting, false)
          done()
        })
      }
      if (sorted.passing === 0) return
      open++
      // The mark says that all of the batch is stored: it must not be durable before what is waited for.
      const carriesMark = isFirst && sorted.waits.size === 0
      isMarked ||= carriesMark
      send(sorted, carriesMark)
    }

    const send = ({ flight, owned, verdicts, passing }: Sorted, carriesMark: boolean) => {
      const all = passing === logs.records && counts.conflicts === 0
      const settle = (error?: Error) => {
        for (const record of owned) pending.delete(keyOf(prints, record))
        for (const go of flight.waiting) go()
        done(error)
      }
      pass(
        {
          logs: all ? logs : pickRecords(logs, (record) => passed[verdicts[record]!]!),
          meta: carriesMark ? meta : withoutMark(meta),
          settle
        },
        (lsn) => {
          for (const record of owned) known.add(prints.bytes, record, meta.arrived, lsn)
        }
      )
    }

    const done = (error?: Error) => {
      failed ??= error
      if (--open > 0) return
      if (failed) return batch.settle(failed)
      counted(counts)
      const known = counts.repeats + counts.differing
      if (isMarked) return batch.settle(undefined, known)
      mark({ logs: noLogs, meta, settle: (error) => batch.settle(error, known) })
    }

    enter(prints.hasId.keys(), true)
    done()
  }
}

function withoutMark({ resume: _, ...meta }: Meta): Meta {
  return meta
}

interface Sorted {
  readonly flight: Flight
  /** By record: an index of `passed`. */
  readonly verdicts: Uint8Array
  readonly passing: number
  /** Those that `flight` stands for. */
  readonly owned: readonly number[]
  readonly waits: ReadonlyMap<Flight, number[]>
}

const kept = 1
const marked = 2
const passed = [false, true, conflictMark] as const

/** Which records go on, which are left out, and which wait for others with their id: also for one before them in their own batch. */
function sort(
  records: Iterable<number>,
  prints: Prints,
  { known, pending, compare }: SieveOptions,
  counts: Counts
): Sorted {
  const flight: Flight = { waiting: [] }
  const { hasId, bytes } = prints
  const verdicts = new Uint8Array(hasId.length)
  const owned: number[] = []
  const waits = new Map<Flight, number[]>()
  let passing = 0
  for (const record of records) {
    if (hasId[record] === 0) {
      verdicts[record] = kept
      passing++
      counts.withoutId++
      continue
    }
    const key = keyOf(prints, record)
    const other = pending.get(key)
    if (other) {
      const waiting = waits.get(other)
      if (waiting) waiting.push(record)
      else waits.set(other, [record])
      continue
    }
    if (known.hasContent(bytes, record)) {
      counts.repeats++
      continue
    }
    const isConflict = known.hasId(bytes, record)
    if (isConflict && compare === 'id') counts.differing++
    else {
      verdicts[record] = isConflict ? marked : kept
      passing++
      if (isConflict) counts.conflicts++
      pending.set(key, flight)
      owned.push(record)
    }
  }
  return { flight, verdicts, passing, owned, waits }
}

function keyOf({ bytes }: Prints, record: number): number {
  return bytes.readUInt32LE(record * recordPrintBytes) >>> 2
}
