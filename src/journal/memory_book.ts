import {
  bearArchive,
  endCommit,
  rekey,
  seal,
  settleCarried,
  voidObject,
  writeCommit
} from './archives.ts'
import type { Book, Checks, Entry } from './book.ts'
import type { Passed } from './counts.ts'
import { endManifest, writeManifest } from './partitions.ts'
import type { Range } from './position.ts'
import { emptyLane, type LaneState } from './state.ts'

export interface MemoryBook extends Book {
  /** Frames that left no object. */
  settle(ranges: readonly Range[], passed: Passed): void
}

/** The book of a lane without a journal (L8): the same state, in memory, gone with the process. */
export function createMemoryBook(
  id: string,
  name: string,
  fatal = (error: Error): void => {
    throw error
  }
): MemoryBook {
  const lane = emptyLane(1, id, name, 0)
  const checks = new Map<string, Checks>()
  return {
    durable: false,
    spool: undefined,
    archives: lane.archives,
    checks: (store) => checks.get(store),
    write: async (entry) => writeEntry(lane, checks, entry),
    settle: (ranges, passed) => settleCarried(lane, ranges, passed),
    room: { admit: async () => {}, forBatch: async () => false },
    fatal,
    onVoid: () => {}
  }
}

function writeEntry(lane: LaneState, checks: Map<string, Checks>, entry: Entry): void {
  if (entry.do === 'archive') bearArchive(lane, entry)
  else if (entry.do === 'intent') seal(lane, entry)
  else if (entry.do === 'commit') writeCommit(lane, entry)
  else if (entry.do === 'committed') endCommit(lane, entry)
  else if (entry.do === 'rekeyed') rekey(lane, entry)
  else if (entry.do === 'void') voidObject(lane, entry)
  else if (entry.do === 'manifest') writeManifest(lane, entry)
  else if (entry.do === 'manifested') endManifest(lane, entry)
  else checks.set(entry.store, entry.checks)
}
