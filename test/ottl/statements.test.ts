import { expect, test } from 'vitest'
import { checkLogs } from '../../src/logs/check.ts'
import { editLogs } from '../../src/logs/edit.ts'
import { Fault } from '../../src/ottl/errors.ts'
import {
  compileConditions,
  compileStatements,
  contextOf,
  type RunOptions
} from '../../src/ottl/statements.ts'
import { condition, flatten, newView, oneRecord, runOn, statement } from './run.ts'

const text = (value: string) => ({ stringValue: value })

function outcome(texts: string[], options: Partial<RunOptions>) {
  const told: string[] = []
  const matched: number[] = []
  const run = compileStatements(
    texts.map((one) => statement(one)),
    {
      errorMode: 'ignore',
      failed: (index, reason) => told.push(`${index}: ${reason.message}`),
      matched: (index) => matched.push(index),
      ...options
    }
  )
  const fields = flatten(runOn(oneRecord({ a: text('1') }), run))
  return { fields, told, matched }
}

const failing = ['set(log.attributes["b"], ParseJSON("{"))', 'set(log.attributes["c"], "after")']

test('ignore tells of a failed statement and goes on with the next', () => {
  const { fields, told, matched } = outcome(failing, { errorMode: 'ignore' })
  expect(fields['attributes.c']).toBe('after')
  expect(told).toEqual(['0: the string is no JSON'])
  expect(matched).toEqual([1])
})

test('silent goes on and tells nothing', () => {
  const { fields, told } = outcome(failing, { errorMode: 'silent' })
  expect(fields['attributes.c']).toBe('after')
  expect(told).toEqual([])
})

test('propagate throws, and says which statement', () => {
  expect(() => outcome(failing, { errorMode: 'propagate' })).toThrow(
    'running "set(log.attributes[\\"b\\"], ParseJSON(\\"{\\"))": the string is no JSON'
  )
})

test('a statement whose condition does not hold is not run, and not counted', () => {
  const { fields, matched } = outcome(
    [
      'set(log.attributes["b"], 1) where log.attributes["a"] == "2"',
      'set(log.body, "x") where true'
    ],
    {}
  )
  expect(fields['attributes.b']).toBeUndefined()
  expect(matched).toEqual([1])
})

test('conditions are joined by or, and one that fails does not hold', () => {
  const told: number[] = []
  const matched: number[] = []
  const options = {
    errorMode: 'ignore',
    failed: (index: number) => told.push(index),
    matched: (index: number) => matched.push(index)
  } as const
  const texts = ['log.body["x"] == 1', 'false', 'log.attributes["a"] == "1"', 'true']
  const holds = compileConditions(
    texts.map((one) => condition(one)),
    options
  )
  const results: boolean[] = []
  runOn(oneRecord({ a: text('1') }), (view) => results.push(holds(view)))
  expect({ results, told, matched }).toEqual({ results: [true], told: [0], matched: [2] })
  const strict = compileConditions([condition(texts[0]!)], { errorMode: 'propagate' })
  expect(() => runOn(oneRecord({}), strict)).toThrow(Fault)
})

test('the cache goes from statement to statement, and not to the next record', () => {
  const logs = checkLogs(
    Buffer.concat([...oneRecord({ a: text('1') }).chunks, ...oneRecord({}).chunks])
  )
  const view = newView()
  const seen: unknown[] = []
  const run = (shared: boolean) =>
    compileStatements(
      [
        statement('set(log.cache["kept"], log.attributes["a"]) where log.attributes["a"] != nil'),
        statement('set(log.body, log.cache["kept"])')
      ],
      { errorMode: 'propagate', sharedCache: shared }
    )
  for (const shared of [false, true]) {
    const statements = run(shared)
    editLogs(logs, view, {
      record: () => {
        statements(view)
        seen.push(view.record.values[5])
        return true
      }
    })
  }
  expect(seen).toEqual(['1', null, '1', '1'])
})

test('statements work on the innermost thing that their paths name', () => {
  expect(contextOf(['set(resource.attributes["a"], 1)'])).toBe('resource')
  expect(contextOf(['set(resource.attributes["a"], 1)', 'set(scope.name, "x") where true'])).toBe(
    'scope'
  )
  expect(contextOf(['set(resource.attributes["a"], Concat([log.body], ""))'])).toBe('log')
  expect(contextOf(['resource.attributes[log.event_name] == 1'])).toBe('log')
  expect(contextOf(['true', '((('])).toBe('log')
})

test('a record that no statement changes keeps its bytes, also where statements ran', () => {
  const logs = oneRecord({ a: text('1'), b: { doubleValue: 1 } })
  const view = newView()
  const statements = [
    'delete_key(log.attributes, "nope")',
    'delete_matching_keys(log.attributes, "x+")',
    'keep_keys(log.attributes, ["a", "b"])',
    'limit(log.attributes, 5, [])',
    'merge_maps(log.attributes, {"q": 1}, "update")',
    'truncate_all(log.attributes, 100)',
    'replace_pattern(log.attributes["a"], "x", "y")',
    'replace_all_patterns(log.attributes, "value", "x", "y")',
    'replace_all_patterns(log.attributes, "key", "x", "y")',
    'replace_all_matches(log.attributes, "x*", "y")',
    'set(log.body, 1) where log.attributes["a"] == "2"'
  ].map((one) => statement(one))
  const edited = editLogs(logs, view, {
    record: () => {
      for (const one of statements) one.run(view)
      return true
    }
  })
  expect(edited).toBe(logs)
})

test('an int stays an int and a double a double, to the last digit', () => {
  const logs = oneRecord({ i: { intValue: '9223372036854775807' }, d: { doubleValue: 1 } })
  const copied = runOn(logs, (view) => {
    statement('set(log.attributes["j"], log.attributes["i"])').run(view)
    statement('set(log.attributes["m"], {"i": log.attributes["i"], "d": log.attributes["d"]})').run(
      view
    )
  })
  expect(flatten(copied)).toMatchObject({
    'attributes.j': 'int 9223372036854775807',
    'attributes.m': { i: 'int 9223372036854775807', d: 1 }
  })
})

test('a pattern that makes backtracking engines run for ever is answered', () => {
  const logs = oneRecord({ a: text(`${'a'.repeat(50_000)}!`) })
  const matched: boolean[] = []
  runOn(logs, (view) =>
    matched.push(condition('IsMatch(log.attributes["a"], "^(a+)+$")').holds(view))
  )
  expect(matched).toEqual([false])
})

test('values cannot grow past what OTLP holds', () => {
  const deeper = statement('set(log.attributes["a"]["a"], log.attributes)')
  expect(() =>
    runOn(oneRecord({}), (view) => {
      for (let i = 0; i < 60; i++) deeper.run(view)
    })
  ).toThrow('nested deeper than OTLP allows')
  const far = statement('set(log.attributes["l"][1000000000], 1)')
  expect(() => runOn(oneRecord({}), far.run)).toThrow('the index is out of bounds')
})
