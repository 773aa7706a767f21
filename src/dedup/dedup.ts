import type { Batch } from '../component.ts'
import type { DedupConfig } from '../config/dedup.ts'
import type { FrameIndex } from '../journal/frame_index.ts'
import type { Logs } from '../logs/logs.ts'
import type { Log } from '../telemetry/log.ts'
import { type IdFiles, openIdFiles } from './id_files.ts'
import { createKnown, type Known } from './known.ts'
import { createPrinter, type Prints } from './prints.ts'
import { type Counts, createSieve, type Flight, type SieveOptions } from './sieve.ts'

/** A receiver whose records have ids. */
export interface DedupReceiver {
  readonly id: string
  readonly dedup: DedupConfig
}

/** The ids of all scopes, and the way of each receiver's batches through them. */
export interface Dedup {
  /** What the journal tells of its frames, and asks before a segment goes. */
  readonly index: FrameIndex
  readonly scopes: readonly ScopeStatus[]
  /** What became of a receiver's records so far; undefined: they have no ids. */
  counts(receiver: string): Readonly<Counts> | undefined
  /** Takes a receiver's batches and passes on what is not stored already; undefined: they have no ids. */
  sieve(
    receiver: string,
    ways: Pick<SieveOptions, 'pass' | 'mark'>
  ): ((batch: Batch) => void) | undefined
}

export interface ScopeStatus {
  readonly scope: string
  /** Ids forgotten within the window, because there were too many. */
  readonly crowded: number
}

interface Scope {
  readonly known: Known
  readonly pending: Map<number, Flight>
}

interface Member {
  readonly scope: Scope
  readonly print: (logs: Logs) => Prints
  readonly compare: DedupConfig['compare']
  readonly counts: Counts
}

const repeatMs = 60_000

export function createDedup(receivers: readonly DedupReceiver[], log: Log): Dedup {
  const scopes = new Map<string, Scope>()
  const members = new Map<string, Member>()
  for (const { id, dedup } of receivers) {
    const { scope: name, max_entries, window } = dedup
    const scope = scopes.get(name) ?? {
      known: createKnown(max_entries, window),
      pending: new Map()
    }
    scopes.set(name, scope)
    const counts = { repeats: 0, differing: 0, conflicts: 0, withoutId: 0 }
    members.set(id, { scope, print: createPrinter(dedup.id), compare: dedup.compare, counts })
  }

  return {
    index: createIndex(scopes, members, log),
    get scopes() {
      return [...scopes].map(([scope, { known }]) => ({ scope, crowded: known.crowded }))
    },
    counts: (receiver) => members.get(receiver)?.counts,
    sieve: (receiver, ways) => {
      const member = members.get(receiver)
      if (!member) return undefined
      const { scope, print, compare, counts } = member
      return createSieve({
        ...{ ...scope, ...ways, print, compare },
        counted: watchCounts(counts, scope.known, log.with({ receiver }))
      })
    }
  }
}

function createIndex(
  scopes: ReadonlyMap<string, Scope>,
  members: ReadonlyMap<string, Member>,
  log: Log
): FrameIndex {
  const known = new Map([...scopes].map(([name, scope]) => [name, scope.known]))
  let files: IdFiles | undefined
  return {
    open: async (directory) => {
      files = await openIdFiles(directory, known)
    },
    learn: ({ lsn, envelope, logs }) => {
      const member = members.get(envelope.receiver)
      // A replayed record came before, and is not the sender's any more.
      if (!member || envelope.replay) return
      const { known } = member.scope
      known.expire(Date.now())
      const { hasId, bytes } = member.print(logs)
      for (const [record, has] of hasId.entries()) {
        if (has === 1 && !known.hasContent(bytes, record))
          known.add(bytes, record, envelope.arrived, lsn)
      }
    },
    unread: (path, lsn) =>
      log.warn('ids are not known any more: delivered frames do not read', { path, lsn }),
    keep: async (lsn) => {
      for (const one of known.values()) one.expire(Date.now())
      await files!.keep(lsn)
    }
  }
}

/** A person hears of what should not be when it begins and then once a minute: senders that do it do it often. */
function watchCounts(counts: Counts, known: Known, log: Log) {
  let said = Number.NEGATIVE_INFINITY
  let unsaid = 0
  let isCrowded = false

  return ({ repeats, differing, conflicts, withoutId }: Readonly<Counts>) => {
    counts.repeats += repeats
    counts.differing += differing
    counts.conflicts += conflicts
    counts.withoutId += withoutId
    unsaid += conflicts
    if (unsaid > 0 && Date.now() - said >= repeatMs) {
      log.warn('records with a known id and other content are stored and marked', {
        records: unsaid
      })
      said = Date.now()
      unsaid = 0
    }
    if (known.crowded > 0 && !isCrowded) {
      log.warn('ids are forgotten within their window: raise max_entries, or shorten the window')
      isCrowded = true
    }
  }
}
