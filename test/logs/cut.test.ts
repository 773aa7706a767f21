import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { countRecords, cutLogs as cutLazily } from '../../src/logs/cut.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { jsonLines } from '../../src/logs/json_lines.ts'
import { joinLogs, type Logs, noLogs } from '../../src/logs/logs.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { encodeSecond } from './second_codec.ts'

const cutLogs = (...args: Parameters<typeof cutLazily>) => [...cutLazily(...args)]
const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)
const lines = (logs: Logs) => Buffer.concat([...jsonLines(logs)]).toString()
/** Logs whose counts are right: the bytes are valid, and as many as said. */
function expectSound(logs: Logs): void {
  expect(checkLogs(bytesOf(logs))).toMatchObject({ bytes: logs.bytes, records: logs.records })
}

test('logs within the limits stay as they are', () => {
  const logs = auditLogs(10)
  expect(cutLogs(logs, {})).toEqual([logs])
  expect(cutLogs(logs, { records: 10, bytes: logs.bytes })).toEqual([logs])
  expect(cutLogs(noLogs, { records: 1, bytes: 1 })).toEqual([noLogs])
})

test('any logs cut by records and bytes keep every record with its resource and scope, in order', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRequest, { minLength: 1, maxLength: 3 }),
      fc.record(
        { records: fc.integer({ min: 1, max: 6 }), bytes: fc.integer({ min: 1, max: 600 }) },
        { requiredKeys: [] }
      ),
      (requests, limit) => {
        const logs = joinLogs(requests.map((data) => checkLogs(encodeSecond(data))))
        const pieces = cutLogs(logs, limit)
        for (const piece of pieces) {
          expectSound(piece)
          expect(piece.records).toBeLessThanOrEqual(limit.records ?? Number.POSITIVE_INFINITY)
        }
        expect(pieces.map(lines).join('')).toBe(lines(logs))
      }
    ),
    { numRuns: 500 }
  )
})

describe('by bytes', () => {
  test('pieces are within the limit and as full as whole records allow', () => {
    const logs = auditLogs(300)
    const bytes = 20_000
    const pieces = cutLogs(logs, { bytes })
    for (const piece of pieces) expect(piece.bytes).toBeLessThanOrEqual(bytes)
    for (const piece of pieces.slice(0, -1)) expect(piece.bytes).toBeGreaterThan(bytes - 800)
    expect(pieces.map(lines).join('')).toBe(lines(logs))
  })

  test('the size of a piece is foreseen to the byte', () => {
    const logs = auditLogs(40)
    for (let records = 1; records < 40; records++) {
      const [first] = cutLogs(logs, { records })
      expect(cutLogs(logs, { bytes: first!.bytes })[0]!.records).toBe(records)
      expect(cutLogs(logs, { bytes: first!.bytes - 1 })[0]!.records).toBe(Math.max(1, records - 1))
    }
  })

  test('a record larger than the limit is a piece of its own', () => {
    const record = (size: number) => `{"body":{"stringValue":"${'x'.repeat(size)}"}}`
    const logs = request('', `[${[10, 500, 10, 10].map(record).join(',')}]`)
    expect(cutLogs(logs, { bytes: 100 }).map((piece) => piece.records)).toEqual([1, 1, 2])
  })

  test('a resource near the limit cannot multiply a request', () => {
    const attributes = `[{"key":"k","value":{"stringValue":"${'x'.repeat(10_000)}"}}]`
    const logs = request(
      `"resource":{"attributes":${attributes}},`,
      `[${Array(10_000).fill('{}').join(',')}]`
    )
    const pieces = cutLogs(logs, { bytes: 10_000 })
    expect(pieces.reduce((sum, piece) => sum + piece.bytes, 0)).toBeLessThan(3 * logs.bytes)
  })
})

test('chunks that fit are taken over without a copy', () => {
  const chunks = [auditLogs(3), auditLogs(4, 2), auditLogs(2, 3)]
  const pieces = cutLogs(joinLogs(chunks), { records: 7 })
  expect(pieces.map((piece) => piece.chunks)).toEqual([
    [chunks[0]!.chunks[0], chunks[1]!.chunks[0]],
    [chunks[2]!.chunks[0]]
  ])
  expect(pieces[0]!.chunks[0]).toBe(chunks[0]!.chunks[0])
})

test('unknown fields, schema urls and scopes go with every piece', () => {
  const unknown = [0xca, 0x3e, 1, 7]
  const scopeLogs = field(2, [
    ...field(2, []),
    ...field(1, []),
    ...unknown,
    ...field(2, []),
    ...field(3, [115])
  ])
  const bytes = Uint8Array.from([
    ...field(1, [...scopeLogs, ...field(3, [114]), ...unknown]),
    ...unknown
  ])
  const pieces = cutLogs(checkLogs(bytes), { records: 1 })
  const piece = [
    ...unknown,
    ...field(1, [
      ...field(3, [114]),
      ...unknown,
      ...field(2, [...field(1, []), ...unknown, ...field(3, [115]), ...field(2, [])])
    ])
  ]
  expect(pieces.map((one) => [...bytesOf(one)])).toEqual([piece, piece])
})

test('records are counted without decoding', () => {
  expect(countRecords(auditLogs(123).chunks[0]!)).toBe(123)
  expect(countRecords(new Uint8Array())).toBe(0)
})

function request(resource: string, records: string): Logs {
  return logsFromJson(
    Buffer.from(`{"resourceLogs":[{${resource}"scopeLogs":[{"logRecords":${records}}]}]}`)
  )
}

function field(number: number, content: number[]): number[] {
  return [(number << 3) | 2, content.length, ...content]
}

test('pieces are made one at a time: what they repeat may be many times the logs', () => {
  const pieces = cutLazily(auditLogs(1000), { records: 1 })
  expect(pieces.next().value?.records).toBe(1)
  expect(pieces.return(undefined).done).toBe(true)
})
