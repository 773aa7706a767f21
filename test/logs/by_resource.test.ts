import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitByResource } from '../../src/logs/by_resource.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { jsonLines } from '../../src/logs/json_lines.ts'
import { joinLogs, type Logs, noLogs } from '../../src/logs/logs.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { encodeSecond } from './second_codec.ts'

const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)
const lines = (logs: Logs) =>
  Buffer.concat([...jsonLines(logs)])
    .toString()
    .split('\n')
    .slice(0, -1)

/** Logs of one record for each list of attributes; its event name is its number. */
function logsOf(...resources: object[][]): Logs {
  const resourceLogs = resources.map((attributes, index) => ({
    resource: { attributes },
    scopeLogs: [{ logRecords: [{ eventName: String(index) }] }]
  }))
  return logsFromJson(Buffer.from(JSON.stringify({ resourceLogs })))
}

const tenant = (value: object) => ({ key: 'tenant', value })
const events = (logs: Logs) =>
  lines(logs)
    .map((line) => JSON.parse(line).event_name)
    .join('')

test('records are grouped by the values of their resources, groups and records in order', () => {
  const logs = logsOf(
    [tenant({ stringValue: 'a' }), { key: 'region', value: { stringValue: 'eu' } }],
    [tenant({ stringValue: 'b' })],
    [],
    [tenant({ stringValue: 'a' }), { key: 'region', value: { stringValue: 'eu' } }],
    [tenant({ stringValue: 'a' })]
  )
  const groups = splitByResource(logs, ['tenant', 'region'])
  expect(groups.map(({ values, logs }) => [values, events(logs)])).toEqual([
    [['a', 'eu'], '03'],
    [['b', undefined], '1'],
    [[undefined, undefined], '2'],
    [['a', undefined], '4']
  ])
  for (const group of groups) {
    expect(checkLogs(bytesOf(group.logs))).toMatchObject({
      bytes: group.logs.bytes,
      records: group.logs.records
    })
  }
})

test.each([
  [{ intValue: '9007199254740993' }, '9007199254740993'],
  [{ boolValue: true }, 'true'],
  [{ doubleValue: 1.5 }, '1.5'],
  [{ bytesValue: 'AQ==' }, 'AQ=='],
  [{ arrayValue: { values: [{ intValue: 1 }] } }, '[1]'],
  [{}, ''],
  [{ stringValue: '' }, '']
])('the value %j is named %s', (value, name) => {
  expect(splitByResource(logsOf([tenant(value)]), ['tenant'])[0]!.values).toEqual([name])
})

test('of an attribute that is there twice the first counts', () => {
  const logs = logsOf([tenant({ stringValue: 'a' }), tenant({ stringValue: 'b' })])
  expect(splitByResource(logs, ['tenant'])[0]!.values).toEqual(['a'])
})

test('one group is the logs themselves, neighbours in a chunk stay one chunk', () => {
  const same = logsOf([tenant({ stringValue: 'a' })], [tenant({ stringValue: 'a' })])
  expect(splitByResource(same, ['tenant'])[0]!.logs).toBe(same)
  const other = joinLogs([same, logsOf([])])
  expect(splitByResource(other, ['tenant'])[0]!.logs.chunks).toHaveLength(1)
  expect(splitByResource(noLogs, ['tenant'])).toEqual([])
})

test('any logs: nothing is lost, nothing is twice', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRequest, { minLength: 1, maxLength: 3 }), (requests) => {
      const logs = joinLogs(requests.map((data) => checkLogs(encodeSecond(data))))
      const groups = splitByResource(logs, ['', '__proto__', '1'])
      const names = groups.map(({ values }) => JSON.stringify(values))
      expect(new Set(names).size).toBe(names.length)
      expect(groups.flatMap((group) => lines(group.logs)).sort()).toEqual(lines(logs).sort())
      for (const group of groups)
        expect(checkLogs(bytesOf(group.logs)).records).toBe(group.logs.records)
    }),
    { numRuns: 300 }
  )
})
