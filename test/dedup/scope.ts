import { cp } from 'node:fs/promises'
import type { Batch, Meta } from '../../src/component.ts'
import { createDedup } from '../../src/dedup/dedup.ts'
import { parseIdPath } from '../../src/dedup/id_path.ts'
import type { JournalOptions } from '../../src/journal/journal.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { listen, newDirectory, open } from '../journal/harness.ts'
import { eventsIn, idName } from './records.ts'

export interface ScopeOptions extends Partial<JournalOptions> {
  readonly window?: number
  readonly max_entries?: number
  readonly receivers?: readonly string[]
  /** Of these a known id is enough. */
  readonly byId?: readonly string[]
}

/** A journal with one lane, and receivers of one scope before it. */
export async function openScope(directory: string, options: ScopeOptions = {}) {
  const {
    window = 3_600_000,
    max_entries = 1000,
    receivers = ['otlp'],
    byId = [],
    ...rest
  } = options
  const said: string[] = []
  const log = createLog({ level: 'warn', encoding: 'console', write: (line) => said.push(line) })
  const dedup = createDedup(
    receivers.map((id) => {
      const compare = byId.includes(id) ? 'id' : 'content'
      const path = parseIdPath(idName)!
      return { id, dedup: { id: path, window, max_entries, scope: 'shared', compare } }
    }),
    log
  )
  const journal = await open(directory, { index: dedup.index, ...rest })
  const lane = journal.lanes.get('logs/a') ?? (await journal.bear('logs/a'))
  const held = { next: 0, appends: [] as ((refusal?: Error) => void)[] }
  const sieves = new Map(
    receivers.map((id) => [
      id,
      dedup.sieve(id, {
        pass: (batch, stored) => {
          const append = (refusal?: Error) =>
            refusal ? batch.settle(refusal) : journal.append(batch, [lane], stored)
          if (held.next-- > 0) held.appends.push(append)
          else append()
        },
        mark: (batch) => journal.append(batch, [])
      })!
    ])
  )

  /** Resolves with 'stored' or the text of the error. */
  const send = (logs: Logs, meta: Partial<Meta> = {}): Promise<string> =>
    sendAndHear(logs, meta).then(({ outcome }) => outcome)

  /** With what it hears of records that are known. */
  const sendAndHear = (logs: Logs, meta: Partial<Meta> = {}) =>
    new Promise<{ outcome: string; known: number | undefined }>((resolve) => {
      const batch: Batch = {
        logs,
        meta: { receiver: 'otlp', arrived: Date.now(), ...meta },
        settle: (error, known) => resolve({ outcome: error?.message ?? 'stored', known })
      }
      sieves.get(batch.meta.receiver)!(batch)
    })

  const seen = listen(lane)
  return {
    ...{ journal, lane, dedup, said, send, sendAndHear },
    counts: (receiver = 'otlp') => ({ ...dedup.counts(receiver)! }),
    /** What the lane has been given, in order. */
    events: () => seen.batches.flatMap(({ logs }) => eventsIn(logs)),
    batches: seen.batches,
    /** So many of the next appends wait. */
    hold: (count = Number.POSITIVE_INFINITY) => {
      held.next = count
    },
    /** Lets what waits go on; the first one is refused with this. */
    release: (refusal?: Error) => {
      held.next = 0
      for (const append of held.appends.splice(0)) {
        append(refusal)
        refusal = undefined
      }
    }
  }
}

/** What a crash leaves behind, while the owner still runs. */
export async function copyOf(directory: string): Promise<string> {
  const copy = await newDirectory()
  await cp(directory, copy, {
    recursive: true,
    filter: (path) => !path.endsWith('.sock') && !path.endsWith('lock')
  })
  return copy
}
