import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Fault, OttlError } from '../../src/ottl/errors.ts'
import { changes, condition, flatten, logsOf, runOn, statement } from './run.ts'

/*
 * What the Collector's own OTTL, 0.162, made of one record: a value, changed fields, a truth, a
 * fault at the record, or a refusal at the start. Among the texts are the examples of its
 * documentation for logs. Where auditcol differs on purpose, docs/ottl.md says so.
 */
interface Measured {
  readonly record: object
  readonly values: readonly (readonly [string, Outcome])[]
  readonly statements: readonly (readonly [string, Outcome])[]
  readonly conditions: readonly (readonly [string, Outcome])[]
}

interface Outcome {
  readonly gives?: unknown
  readonly changes?: object
  readonly holds?: boolean
  readonly fault?: true
  readonly refused?: true
}

const file = new URL('../fixtures/ottl_collector.json', import.meta.url)
const measured = JSON.parse(readFileSync(file, 'utf8')) as Measured
const logs = logsOf(measured.record)

function outcome(work: () => Outcome): Outcome {
  try {
    return work()
  } catch (error) {
    if (error instanceof Fault) return { fault: true }
    if (error instanceof OttlError) return { refused: true }
    throw error
  }
}

/** Lists and maps without regard to the order of keys, which Go does not keep. */
test.each(measured.values)('%s', (text, expected) => {
  const found = outcome(() => {
    const set = statement(`set(log.attributes["out"], ${text})`)
    return { gives: flatten(runOn(logs, set.run))['attributes.out'] }
  })
  expect(found).toEqual(expected)
})

test.each(measured.statements)('%s', (text, expected) => {
  expect(outcome(() => ({ changes: changes(logs, runOn(logs, statement(text).run)) }))).toEqual(
    expected
  )
})

test.each(measured.conditions)('%s', (text, expected) => {
  const found = outcome(() => {
    let holds = false
    runOn(logs, (view) => {
      holds = condition(text).holds(view)
    })
    return { holds }
  })
  expect(found).toEqual(expected)
})
