import { createPrintTable, tableBytes } from './print_table.ts'
import { printBytes, recordPrintBytes } from './prints.ts'

/**
 * The ids that a scope knows: a ring of entries, oldest first, that forgets what is older than the
 * window, and the oldest when it is full. Everything in it is durable.
 */
export interface Known {
  hasId(prints: Buffer, record: number): boolean
  /** It with this content. */
  hasContent(prints: Buffer, record: number): boolean
  /** The record came at `time` and lies in the frame `lsn`. */
  add(prints: Buffer, record: number, time: number, lsn: number): void
  /** Forgets what is older than the window. */
  expire(now: number): void
  /** Forgotten within the window, because it was full. */
  readonly crowded: number
  /** Entries are numbered as they come: the oldest one here, and the next one. */
  readonly first: number
  readonly next: number
  /** The first entry from this number on whose frame is above `lsn`. */
  firstAbove(lsn: number, from: number): number
  /** The entries from one number to before the other, in parts. */
  entries(from: number, to: number): Buffer[]
  /** Takes back what `entries` gave, but what is known already. */
  restore(entries: Buffer): void
}

/** The record's prints (32) | time f64 | lsn f64 */
export const entryBytes = recordPrintBytes + 16
const timeAt = recordPrintBytes
const lsnAt = recordPrintBytes + 8

/** Bytes that the ids of a scope take at most: 64 to 80 for each. */
export function knownBytes(max: number): number {
  return max * entryBytes + 2 * tableBytes(max)
}

/** `window` in milliseconds. */
export function createKnown(max: number, window: number): Known {
  const ring = Buffer.alloc(max * entryBytes)
  const ids = createPrintTable(max, ring, entryBytes, 0)
  const contents = createPrintTable(max, ring, entryBytes, printBytes)
  let first = 0
  let next = 0
  let crowded = 0

  const at = (number: number) => (number % max) * entryBytes
  const timeOf = (number: number) => ring.readDoubleLE(at(number) + timeAt)

  const forget = () => {
    const place = first++ % max
    ids.remove(place)
    contents.remove(place)
  }

  const expire = (now: number) => {
    while (first < next && timeOf(first) + window <= now) forget()
  }

  const put = () => {
    const place = next++ % max
    ids.put(place)
    contents.put(place)
  }

  return {
    hasId: (prints, record) => ids.find(prints, record * recordPrintBytes) !== -1,
    hasContent: (prints, record) =>
      contents.find(prints, record * recordPrintBytes + printBytes) !== -1,
    add: (prints, record, time, lsn) => {
      if (next - first === max) {
        if (timeOf(first) + window > time) crowded++
        forget()
      }
      const place = at(next)
      const from = record * recordPrintBytes
      prints.copy(ring, place, from, from + recordPrintBytes)
      ring.writeDoubleLE(time, place + timeAt)
      ring.writeDoubleLE(lsn, place + lsnAt)
      put()
    },
    expire,
    get crowded() {
      return crowded
    },
    get first() {
      return first
    },
    get next() {
      return next
    },
    firstAbove: (lsn, from) => {
      let number = Math.max(first, from)
      while (number < next && ring.readDoubleLE(at(number) + lsnAt) <= lsn) number++
      return number
    },
    entries: (from, to) => {
      if (from >= to) return []
      const end = at(to - 1) + entryBytes
      if (at(from) < end) return [ring.subarray(at(from), end)]
      return [ring.subarray(at(from)), ring.subarray(0, end)]
    },
    restore: (entries) => {
      for (let from = 0; from < entries.length; from += entryBytes) {
        if (contents.find(entries, from + printBytes) !== -1) continue
        if (next - first === max) forget()
        entries.copy(ring, at(next), from, from + entryBytes)
        put()
      }
    }
  }
}
