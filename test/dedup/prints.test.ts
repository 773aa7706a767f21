import { expect, test } from 'vitest'
import { parseIdPath } from '../../src/dedup/id_path.ts'
import { conflictMark } from '../../src/dedup/mark.ts'
import { createPrinter, printBytes, recordPrintBytes } from '../../src/dedup/prints.ts'
import { joinLogs, type Logs } from '../../src/logs/logs.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { eventsIn, idName, logsFrom, logsOf, recordOf } from './records.ts'

const print = createPrinter(parseIdPath(idName)!)

function printsOf(logs: Logs): { id: string; content: string }[] {
  const { bytes } = print(logs)
  return Array.from({ length: logs.records }, (_, record) => {
    const at = record * recordPrintBytes
    return {
      id: bytes.toString('hex', at, at + printBytes),
      content: bytes.toString('hex', at + printBytes, at + recordPrintBytes)
    }
  })
}

const one = printsOf(logsOf({ id: 'a' }))[0]!

test('content is the record with its resource and its scope, wherever in a request it lies', () => {
  const logRecords = [recordOf({ id: 'a' })]
  const cases: [same: boolean, request: object][] = [
    [true, { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }],
    [true, { resourceLogs: [{}, { scopeLogs: [{}, { logRecords: [{}, ...logRecords] }] }] }],
    [false, { resourceLogs: [{ schemaUrl: 'x', scopeLogs: [{ logRecords }] }] }],
    [false, { resourceLogs: [{ scopeLogs: [{ scope: { name: 'x' }, logRecords }] }] }],
    [false, { resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ logRecords }] }] }]
  ]
  for (const [same, request] of cases) {
    const found = printsOf(logsFrom(request)).at(-1)!
    expect(found.id).toBe(one.id)
    expect(found.content === one.content).toBe(same)
  }
  const text = printsOf(logsOf({ id: 'a', text: 'deleted' }))[0]!
  expect(text.id).toBe(one.id)
  expect(text.content).not.toBe(one.content)
})

test('records in several chunks keep their order', () => {
  const events = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
  const whole = printsOf(logsOf(...events))
  const parts = joinLogs([logsOf(events[0]!), logsOf(events[1]!, events[2]!)])
  expect(printsOf(parts)).toEqual(whole)
  expect(new Set(whole.flatMap(({ id, content }) => [id, content])).size).toBe(6)
})

test('the time of observation is not content, the time of the event is', () => {
  const observed = (time: string) => printsOf(logsOf({ id: 'a', observed: time }))[0]!
  expect(observed('1')).toEqual(observed('2'))
  expect(observed('1')).toEqual(one)
  const timed = (timeUnixNano: string) =>
    printsOf(
      logsFrom({
        resourceLogs: [
          { scopeLogs: [{ logRecords: [{ ...recordOf({ id: 'a' }), timeUnixNano }] }] }
        ]
      })
    )[0]!
  expect(timed('1').content).not.toBe(timed('2').content)
})

test('a marked record reads as it came', () => {
  const marked = pickRecords(logsOf({ id: 'a' }), () => conflictMark)
  expect(eventsIn(marked)).toEqual(['a created!'])
  expect(printsOf(marked)[0]).toEqual(one)
})

test('a string is no number, and a large record is read like a small one', () => {
  const attribute = (value: object) =>
    printsOf(
      logsFrom({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: [{ key: idName, value }] }] }] }]
      })
    )[0]!.id
  expect(attribute({ stringValue: '1' })).not.toBe(attribute({ intValue: '1' }))
  const large = (end: string) => printsOf(logsOf({ id: 'a', text: 'x'.repeat(200_000) + end }))[0]!
  expect(large('y')).toEqual(large('y'))
  expect(large('y').content).not.toBe(large('z').content)
})
