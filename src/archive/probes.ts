import type { LaneContext } from '../component.ts'
import type { Checks } from '../journal/book.ts'
import type { CheckName, Findings } from './findings.ts'
import { look, lookedAt, type ProbedStore } from './look.ts'
import { meanings } from './meanings.ts'
import { probe } from './probe.ts'
import { refuseWrongKeys, requireOf } from './requirements.ts'

/** A store that can be probed. */
export interface Subject {
  readonly name: string
  /** Tells it from a store of the same name elsewhere, and from the same with other rights. */
  readonly identity: string
  /** What an exporter can do without where it writes: what is missing of it is no news. */
  readonly expected: readonly CheckName[]
  open(): Promise<ProbedStore>
  plain?(): ProbedStore
}

/** What is known of an exporter's stores. */
export interface Probes {
  /** For the first leaf of an archive: `ok`, `no` or `unknown` of each check. */
  checks(identity: string): Checks | undefined
  /**
   * Probes the store, or only reaches it when that was done and all that is required was found. Rejects with a
   * RequirementError when the store has not what is required, with another error when it is away.
   */
  ask(subject: Subject): Promise<void>
}

/**
 * Once for each store and writer (A12): the results are a frame of the journal. What leaves nothing
 * behind is asked anew at each start that requires it; a requirement that was not met is asked for
 * anew in any case, or it could never be mended.
 */
export function rememberProbes(
  required: readonly CheckName[],
  folder: string,
  { id, lane, log }: LaneContext
): Probes {
  const { book } = lane
  const fleeting: readonly CheckName[] = lookedAt

  async function ask(subject: Subject): Promise<void> {
    const known = book.checks(subject.identity)
    const isMet = (name: CheckName) => known?.[name] === 'ok' || fleeting.includes(name)
    const isKnown = known !== undefined && required.every(isMet)
    const store = await subject.open()
    try {
      await store.reach()
      if (isKnown && !required.some((name) => fleeting.includes(name))) return
      const found = isKnown ? await look(store) : await probeAll(store, subject)
      requireOf(subject.name, required, found, known)
    } catch (error) {
      if (required.length > 0) refuseWrongKeys(subject.name, error)
      throw error
    } finally {
      store.close()
    }
  }

  async function probeAll(store: ProbedStore, subject: Subject): Promise<Findings> {
    const findings = await probe(store, folder, subject.plain)
    const weak = subject.expected.filter((name) => findings[name].result !== 'ok')
    if (weak.length > 0) {
      const said = weak.map(
        (name) => `${name}: ${findings[name].answer}: ${meanings[name].without}`
      )
      log.warn(`${id}: ${subject.name}: ${said.join('; ')}`)
    }
    // What was denied altogether may be allowed by the next start.
    if (findings.create_only.result !== 'unknown') {
      const results = Object.entries(findings).map(([name, { result }]) => [name, result])
      const checks = Object.fromEntries(results)
      await book.write({ do: 'probed', store: subject.identity, checks })
    }
    return findings
  }

  return { checks: book.checks, ask }
}
