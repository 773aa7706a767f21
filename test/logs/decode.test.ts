import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs, InvalidLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { joinLogs, type Logs, noLogs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { encodeSecond } from './second_codec.ts'

const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)
const json = (logs: Logs) => JSON.parse(Buffer.concat([...jsonFromLogs(logs)]).toString() || '{}')

function one(members: string): ReadableLogRecord {
  const request = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${members}}]}]}]}`
  return decodeLogs(logsFromJson(Buffer.from(request)))[0]!
}

describe('decoding', () => {
  test('every field is there under the name the SDK gives it', () => {
    const record = one(
      '"timeUnixNano":"1800000000123456789","observedTimeUnixNano":"18446744073709551615","severityNumber":13,"severityText":"WARN","eventName":"e","body":{"arrayValue":{"values":[{"intValue":1},{},{"bytesValue":"AQ=="}]}},"attributes":[{"key":"a","value":{"doubleValue":0.5}}],"droppedAttributesCount":4,"flags":257,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7"'
    )
    expect(record).toMatchObject({
      hrTime: [1_800_000_000, 123_456_789],
      hrTimeObserved: [18_446_744_073, 709_551_615],
      severityNumber: 13,
      severityText: 'WARN',
      eventName: 'e',
      body: [1, null, Uint8Array.from([1])],
      attributes: { a: 0.5 },
      droppedAttributesCount: 4,
      spanContext: {
        traceFlags: 257,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: '00f067aa0ba902b7'
      }
    })
    expect('body' in one('')).toBe(false)
    expect(one('"body":{}').body).toBe(null)
  })

  test('int64 beyond 2^53 are bigints, others numbers', () => {
    const int = (digits: string) => one(`"body":{"intValue":"${digits}"}`).body
    expect(int('9007199254740991')).toBe(9_007_199_254_740_991)
    expect(int('9007199254740992')).toBe(9_007_199_254_740_992n)
    expect(int('-9007199254740992')).toBe(-9_007_199_254_740_992n)
    expect(int('-9223372036854775808')).toBe(-(2n ** 63n))
    expect(int('-1')).toBe(-1)
  })

  test('__proto__ is an attribute and changes no prototype', () => {
    const { attributes } = one(
      '"attributes":[{"key":"__proto__","value":{"kvlistValue":{"values":[{"key":"admin","value":{"boolValue":true}}]}}}]'
    )
    expect(Object.keys(attributes)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(attributes)).toBe(Object.prototype)
    expect('admin' in attributes).toBe(false)
  })

  test('equal resources and scopes are one object, also across chunks', () => {
    const records = decodeLogs(joinLogs([auditLogs(2), auditLogs(2, 2)]))
    expect(new Set(records.map(({ resource }) => resource)).size).toBe(1)
    expect(new Set(records.map(({ instrumentationScope }) => instrumentationScope)).size).toBe(1)
    const { resource } = records[0]!
    expect(resource.getRawAttributes()).toContainEqual(['host.name', 'proxy-1'])
    expect(resource.merge(resource).attributes).toEqual(resource.attributes)
  })
})

describe('encoding', () => {
  test('what was decoded is encoded to the same request, but for the documented limits', () => {
    fc.assert(
      fc.property(arbitraryRequest, (data) => {
        const logs = checkLogs(encodeSecond(data))
        const records = decodeLogs(logs)
        const again = encodeLogs(records)
        expect(checkLogs(bytesOf(again)).records).toBe(logs.records)
        expect(decodeLogs(again).map(plain)).toEqual(regrouped(records).map(plain))
      }),
      { numRuns: 300 }
    )
  })

  test('audit records come back byte for byte', () => {
    const logs = auditLogs(50)
    expect(bytesOf(encodeLogs(decodeLogs(logs)))).toEqual(bytesOf(logs))
    expect(encodeLogs([])).toBe(noLogs)
  })

  test('numbers: whole ones are integers, others doubles, bigints integers with all digits', () => {
    const record = {
      ...one(''),
      attributes: { a: 1, b: -5, c: 1.5, d: 2n ** 62n, e: -0, f: 1e300, g: Number.NaN }
    }
    const [{ attributes }] = json(encodeLogs([record])).resourceLogs[0].scopeLogs[0].logRecords
    expect(attributes.map(({ value }: { value: object }) => value)).toEqual([
      { intValue: '1' },
      { intValue: '-5' },
      { doubleValue: 1.5 },
      { intValue: '4611686018427387904' },
      { doubleValue: -0 },
      { doubleValue: 1e300 },
      { doubleValue: 'NaN' }
    ])
  })

  test('undefined attributes are left out, half a surrogate pair becomes U+FFFD', () => {
    const record = { ...one(''), attributes: { a: undefined, b: 'x\ud800' } } as ReadableLogRecord
    expect(decodeLogs(encodeLogs([record]))[0]!.attributes).toEqual({ b: 'x\ufffd' })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  test.each([
    [{ a: new Date(0) }, 'a: a Date is no attribute value'],
    [{ a: { b: () => 1 } }, 'a: b: a function is no attribute value'],
    [{ a: 2n ** 63n }, 'a: integer 9223372036854775808 is outside of 64 bits'],
    [cyclic, 'nested more than 100 deep']
  ])('a value that OTLP cannot hold is refused by name %#', (attributes, message) => {
    const record = { ...one(''), attributes } as ReadableLogRecord
    expect(() => encodeLogs([record])).toThrow(InvalidLogs)
    expect(() => encodeLogs([record])).toThrow(message)
  })

  test('a trace id that is not one is refused', () => {
    const spanContext = { traceId: 'xyz', spanId: '', traceFlags: 0 }
    expect(() => encodeLogs([{ ...one(''), spanContext }])).toThrow('id "xyz" is not 32 hex digits')
  })
})

describe("beside the SDK's own serializers, for values that they keep", () => {
  const records = [
    ...decodeLogs(auditLogs(20)),
    one(
      '"body":{"stringValue":"é"},"attributes":[{"key":"d","value":{"doubleValue":0.25}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true}]}}}],"timeUnixNano":5,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","flags":1'
    )
  ]

  test('protobuf', () => {
    const theirs = checkLogs(ProtobufLogsSerializer.serializeRequest(records)!)
    expect(json(theirs)).toEqual(json(encodeLogs(records)))
  })

  test('JSON', () => {
    const theirs = logsFromJson(JsonLogsSerializer.serializeRequest(records)!)
    expect(json(theirs)).toEqual(json(encodeLogs(records)))
  })
})

function plain({ resource, ...rest }: ReadableLogRecord): object {
  return { ...rest, resource: resource.attributes, schemaUrl: resource.schemaUrl }
}

/** In the order in which encodeLogs writes them: by resource, then by scope, each at its first appearance. */
function regrouped(records: readonly ReadableLogRecord[]): ReadableLogRecord[] {
  return [...Map.groupBy(records, ({ resource }) => resource).values()].flatMap((group) =>
    [...Map.groupBy(group, ({ instrumentationScope }) => instrumentationScope).values()].flat()
  )
}
