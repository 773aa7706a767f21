import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { joinLogs, type Logs, noLogs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { decodeSecond, encodeSecond } from './second_codec.ts'
import { jsonOf } from './second_json.ts'

const text = (logs: Logs) => Buffer.concat([...jsonFromLogs(logs)]).toString()
const parse = (json: string) => logsFromJson(Buffer.from(json))
const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)

describe('from protobuf to JSON', () => {
  test('any request becomes the JSON that a second writer makes of it', () => {
    fc.assert(
      fc.property(arbitraryRequest, (data) => {
        const logs = checkLogs(encodeSecond(data))
        if (logs.records === 0) expect(text(logs)).toBe('')
        else expect(JSON.parse(text(logs))).toEqual(jsonOf(decodeSecond(bytesOf(logs))))
      }),
      { numRuns: 500 }
    )
  })

  test("members stand in the Collector's order, and what it always writes is written", () => {
    const record = parse('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}')
    expect(text(record)).toBe(
      '{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"body":{}}]}]}]}'
    )
    const turned = parse(
      `{"resourceLogs":[{"schemaUrl":"r","scopeLogs":[{"schemaUrl":"s","logRecords":[{
        "eventName":"e","spanId":"EEE19B7EC3C1B173","attributes":[{"value":{"intValue":1},"key":"a"}],
        "flags":1,"body":{"bytesValue":"AQI"},"observedTimeUnixNano":2,"timeUnixNano":"1",
        "severityText":"t","severityNumber":9}],"scope":{"version":"v","name":"n"}}],
        "resource":{"droppedAttributesCount":3}}]}`
    )
    expect(text(turned)).toBe(
      '{"resourceLogs":[{"resource":{"droppedAttributesCount":3},"scopeLogs":[{"scope":{"name":"n","version":"v"},"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","severityNumber":9,"severityText":"t","body":{"bytesValue":"AQI="},"attributes":[{"key":"a","value":{"intValue":"1"}}],"flags":1,"spanId":"eee19b7ec3c1b173","eventName":"e"}],"schemaUrl":"s"}],"schemaUrl":"r"}]}'
    )
  })

  test('joined logs become one object, in pieces that are no longer than a record above their size', () => {
    const logs = joinLogs([auditLogs(900), auditLogs(900, 2)])
    const pieces = [...jsonFromLogs(logs)]
    expect(pieces.length).toBeGreaterThan(8)
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(264 * 1024)
    expect(bytesOf(parse(Buffer.concat(pieces).toString()))).toEqual(bytesOf(canonical(logs)))
    expect(JSON.parse(Buffer.concat(pieces).toString()).resourceLogs).toHaveLength(2)
  })

  test('no records make no bytes', () => {
    expect([...jsonFromLogs(noLogs)]).toEqual([])
  })

  test('an id of zeros is no id', () => {
    const logs = checkLogs(
      encodeSecond({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ traceId: new Uint8Array(16) }] }] }]
      })
    )
    expect(text(logs)).not.toContain('traceId')
  })
})

/** The same logs with every message in one chunk and in the order our writer uses. */
function canonical(logs: Logs): Logs {
  return parse(text(logs))
}
