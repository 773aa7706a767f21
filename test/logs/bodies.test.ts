import { expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { bodyLines } from '../../src/logs/bodies.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { noLogs } from '../../src/logs/logs.ts'

function linesOf(...bodies: string[]): string {
  const records = bodies.map((body) => `{"body":${body}}`).join(',')
  const json = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`
  return Buffer.concat([...bodyLines(logsFromJson(Buffer.from(json)))]).toString()
}

test.each([
  ['{"stringValue":"as <it> is\\n"}', 'as <it> is\n'],
  ['{"boolValue":true}', 'true'],
  ['{"intValue":"-9223372036854775808"}', '-9223372036854775808'],
  ['{"doubleValue":1}', '1'],
  ['{"doubleValue":-0.0}', '-0'],
  ['{"doubleValue":1e-7}', '1e-7'],
  ['{"doubleValue":1e21}', '1e+21'],
  ['{"doubleValue":"Infinity"}', 'Infinity'],
  ['{"bytesValue":"-_8"}', '+/8='],
  ['{}', ''],
  ['{"stringValue":""}', ''],
  [
    '{"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"<é>\\u2028"}},{"key":"a","value":{"bytesValue":"AQ=="}},{"key":"__proto__"}]}}',
    '{"__proto__":null,"a":"AQ==","b":"<é>\\u2028"}'
  ],
  [
    '{"arrayValue":{"values":[{"intValue":"9007199254740993"},{"doubleValue":0.5},{"boolValue":false},{}]}}',
    '[9007199254740993,0.5,false,null]'
  ]
])('%s is written as Go writes it', (body, text) => {
  expect(linesOf(body)).toBe(`${text}\n`)
})

test('one line feed after each body, none for no records', () => {
  expect(linesOf('{"stringValue":"a"}', 'null', '{"stringValue":"b"}')).toBe('a\n\nb\n')
  expect([...bodyLines(noLogs)]).toEqual([])
})

test('large logs come in several pieces', () => {
  const pieces = [...bodyLines(auditLogs(1500))]
  expect(pieces.length).toBeGreaterThan(2)
  const lines = Buffer.concat(pieces).toString().trimEnd().split('\n')
  expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(1500)
})
