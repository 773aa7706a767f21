import type { Batch, LaneContext } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { type Rule, ruleName } from './rules.ts'
import type { RunOptions } from './statements.ts'

/**
 * What the rules of one processor do, counted for its lane. A batch whose logs fail is tried again
 * in parts, to find the record that is at fault: only what was done to a whole batch is counted.
 */
export function newTally({ id, lane, log }: LaneContext) {
  const counters: { readonly name: string; n: number }[] = []
  const told = new Set<Rule>()

  /** Counts one more record, or so many, that the rule has done this to: `dropped`, `run`. */
  function counter(done: string, rule: string): (records?: number) => void {
    const one = { name: `${done} by ${id} ${rule}`, n: 0 }
    counters.push(one)
    return (records = 1) => {
      one.n += records
    }
  }

  /** For `failed` of RunOptions: the first failure of a rule is told, all are counted. */
  function failing(rules: readonly Rule[]): NonNullable<RunOptions['failed']> {
    const failures = rules.map((rule) => counter('failed', ruleName(rule)))
    return (index, reason) => {
      const rule = rules[index]!
      failures[index]!()
      if (told.has(rule)) return
      told.add(rule)
      log.warn(`${ruleName(rule)} has failed; from now on its failures are only counted`, {
        rule: rule.text.slice(0, 200),
        error: reason.message
      })
    }
  }

  /** The component's function, its counts taken over when it has done with a whole batch. */
  function counted<T>(change: (logs: Logs, batch: Batch) => T) {
    return (logs: Logs, batch: Batch): T => {
      for (const one of counters) one.n = 0
      const changed = change(logs, batch)
      if (logs === batch.logs) for (const { name, n } of counters) if (n > 0) lane.count?.(name, n)
      return changed
    }
  }

  return { counter, failing, counted }
}

export type Tally = ReturnType<typeof newTally>
