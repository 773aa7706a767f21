import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { jsonLines } from '../../src/logs/json_lines.ts'
import { joinLogs, type Logs, noLogs } from '../../src/logs/logs.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { encodeSecond } from './second_codec.ts'

const text = (logs: Logs) => Buffer.concat([...jsonLines(logs)]).toString()
const line = (members: string) => text(logsOf(members)).trimEnd()

function logsOf(members: string, around = ''): Logs {
  const json = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${members}}]}]${around}}]}`
  return logsFromJson(Buffer.from(json))
}

test('a line has everything that its record, scope and resource have', () => {
  const logs = logsFromJson(
    Buffer.from(`{"resourceLogs":[{
      "schemaUrl":"rs","resource":{"droppedAttributesCount":1,
        "attributes":[{"key":"service.name","value":{"stringValue":"api"}}],
        "entityRefs":[{"schemaUrl":"u","type":"service","idKeys":["service.name"],"descriptionKeys":["d"]}]},
      "scopeLogs":[{"schemaUrl":"ss","scope":{"name":"audit","version":"1","droppedAttributesCount":2,
          "attributes":[{"key":"k","value":{"boolValue":true}}]},
        "logRecords":[{"timeUnixNano":"1800000000000000007","observedTimeUnixNano":"18446744073709551615",
          "severityNumber":9,"severityText":"INFO","eventName":"user.login",
          "body":{"kvlistValue":{"values":[{"key":"id","value":{"intValue":"7"}}]}},
          "attributes":[{"key":"user.id","value":{"stringValue":"u1"}}],
          "traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"00F067AA0BA902B7","flags":1,
          "droppedAttributesCount":3}]}]}]}`)
  )
  expect(text(logs)).toBe(
    `${[
      '{"time":"2027-01-15T08:00:00.000000007Z","observed_time":"2554-07-21T23:34:33.709551615Z"',
      '"severity_number":9,"severity_text":"INFO","event_name":"user.login","body":{"id":7}',
      '"attributes":{"user.id":"u1"},"trace_id":"0af7651916cd43dd8448eb211c80319c"',
      '"span_id":"00f067aa0ba902b7","flags":1,"dropped_attributes_count":3',
      '"resource":{"schema_url":"rs","attributes":{"service.name":"api"},"dropped_attributes_count":1',
      '"entity_refs":[{"schema_url":"u","type":"service","id_keys":["service.name"],"description_keys":["d"]}]}',
      '"scope":{"schema_url":"ss","name":"audit","version":"1","attributes":{"k":true},"dropped_attributes_count":2}}'
    ].join(',')}\n`
  )
})

test('what is not there is not written', () => {
  expect(line('')).toBe('{}')
  expect(line('"body":{}')).toBe('{"body":null}')
  expect(text(logsOf('"eventName":"e"', ',"resource":{}'))).toBe(
    '{"event_name":"e","resource":{}}\n'
  )
  expect([...jsonLines(noLogs)]).toEqual([])
})

describe('values', () => {
  test.each([
    ['{"intValue":"9007199254740993"}', '9007199254740993'],
    ['{"intValue":"-9223372036854775808"}', '-9223372036854775808'],
    ['{"doubleValue":1}', '1.0'],
    ['{"doubleValue":-0.0}', '-0.0'],
    ['{"doubleValue":1e21}', '1e+21'],
    ['{"doubleValue":"NaN"}', '"NaN"'],
    ['{"boolValue":false}', 'false'],
    ['{"bytesValue":"AQID"}', '"AQID"'],
    ['{"stringValue":"a\\"\\n\\u0001é"}', '"a\\"\\n\\u0001é"'],
    ['{"arrayValue":{"values":[{"intValue":1},{},{"arrayValue":{}}]}}', '[1,null,[]]'],
    ['{"kvlistValue":{"values":[{"key":"a"},{}]}}', '{"a":null,"":null}']
  ])('%s is %s', (value, plain) => {
    expect(line(`"body":${value}`)).toBe(`{"body":${plain}}`)
  })
})

describe('a key that is there twice', () => {
  const attributes = (keys: readonly string[]) =>
    `"attributes":[${keys.map((key, index) => `{"key":"${key}","value":{"intValue":${index}}}`).join(',')}]`

  test('keeps all its values under names of their own', () => {
    expect(line(attributes(['a', 'b', 'a', 'a#2', 'a']))).toBe(
      '{"attributes":{"a":0,"b":1,"a#2":2,"a#2#2":3,"a#3":4}}'
    )
  })

  test('does not slow a line down when there are thousands of it', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) =>
      index % 2 === 0 ? 'same' : `k${index}`
    )
    const { attributes: read } = JSON.parse(line(attributes(keys)))
    expect(Object.keys(read)).toHaveLength(20_000)
    expect(read['same#10000']).toBe(19_998)
  })
})

test('any request becomes one valid line for each record, no value lost', () => {
  fc.assert(
    fc.property(arbitraryRequest, (data) => {
      const logs = checkLogs(encodeSecond(data))
      const lines = text(logs).split('\n')
      expect(lines.pop()).toBe('')
      expect(lines).toHaveLength(logs.records)
      const records = (data.resourceLogs as Wide[])
        .flatMap(({ scopeLogs = [] }) => scopeLogs)
        .flatMap(({ logRecords = [] }) => logRecords)
      for (const [index, read] of lines.map((one) => JSON.parse(one)).entries()) {
        const { attributes = [], eventName = '' } = records[index]!
        expect(Object.keys(read.attributes ?? {})).toHaveLength(attributes.length)
        expect(read.event_name ?? '').toBe(eventName)
      }
    }),
    { numRuns: 300 }
  )
})

test('pieces join to whole lines, also across chunks', () => {
  const logs = joinLogs([auditLogs(700), auditLogs(700, 2)])
  const pieces = [...jsonLines(logs)]
  expect(pieces.length).toBeGreaterThan(3)
  const lines = Buffer.concat(pieces).toString().trimEnd().split('\n')
  expect(lines.map((one) => JSON.parse(one).body.id.slice(-3)).slice(0, 3)).toEqual([
    '000',
    '001',
    '002'
  ])
  expect(lines).toHaveLength(1400)
})

interface Wide {
  scopeLogs?: { logRecords?: { attributes?: object[]; eventName?: string }[] }[]
}
