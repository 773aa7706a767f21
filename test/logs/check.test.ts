import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs, InvalidLogs } from '../../src/logs/check.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { decodeSecond, encodeSecond, type RequestData } from './second_codec.ts'

describe('what is valid', () => {
  test('every request of the second codec is accepted, its records counted, its bytes untouched', () => {
    fc.assert(
      fc.property(arbitraryRequest, (data) => {
        const bytes = encodeSecond(data)
        const logs = checkLogs(bytes)
        expect(logs.records).toBe(recordsIn(data))
        expect(logs.bytes).toBe(bytes.length)
        expect(logs.chunks).toEqual(bytes.length === 0 ? [] : [bytes])
      }),
      { numRuns: 500 }
    )
  })

  test('unknown fields of every wire type are kept, also with high numbers and long keys', () => {
    const unknown = [0x98, 0x06, 0x05, 0xa5, 0x06, 1, 2, 3, 4, 0xa1, 0x06, ...Array(8).fill(9)]
    const bytes = field(1, [...field(2, [...field(2, unknown), ...unknown]), 0x9a, 0x06, 1, 255])
    expect(checkLogs(Uint8Array.from(bytes)).records).toBe(1)
  })

  test('a Buffer that is a window into a larger one is read within its bounds', () => {
    const request = auditLogs(3).chunks[0]!
    const around = Buffer.concat([Buffer.alloc(7, 0xff), request, Buffer.alloc(9, 0xff)])
    expect(checkLogs(around.subarray(7, 7 + request.length)).records).toBe(3)
  })
})

describe('what is refused, with its place', () => {
  const record = (bytes: number[]) => field(1, field(2, [...field(2, []), ...field(2, bytes)]))
  const at = 'resource_logs[0].scope_logs[0].log_records[1]'
  const cases: [bytes: number[], message: string][] = [
    [record(field(9, [1, 2, 3, 4, 5])), `${at}.trace_id: 5 bytes, must be 0 or 16`],
    [record(field(10, Array(16).fill(1))), `${at}.span_id: 16 bytes, must be 0 or 8`],
    [record(field(3, [0xc3])), `${at}.severity_text: not valid UTF-8`],
    [record(field(12, [0xed, 0xa0, 0x80])), `${at}.event_name: not valid UTF-8`],
    [record([0x08, 1]), `${at}.time_unix_nano: wire type 0, must be 1`],
    [record([0x2d, 1, 2, 3, 4]), `${at}.body: wire type 5, must be 2`],
    [record([0x09, 1, 2, 3]), `${at}.time_unix_nano: cut off`],
    [record([0x45, 1]), `${at}.flags: cut off`],
    [record([0x10]), `${at}.severity_number: cut off`],
    [record([0x10, ...Array(9).fill(0xff), 2]), `${at}.severity_number: more than 64 bits`],
    [record([0x10, ...Array(12).fill(0xff)]), `${at}.severity_number: more than 64 bits`],
    [record([0x1a, 5, 65]), `${at}.severity_text: 5 bytes announced, 1 left`],
    [record([0x1a, 0xff]), `${at}.severity_text: cut off in its length`],
    [record([0x1a]), `${at}.severity_text: cut off in its length`],
    [
      record([0x1a, 0xff, 0xff, 0xff, 0xff, 0x1f]),
      `${at}.severity_text: length of more than 32 bits`
    ],
    [record([0x02, 0]), `${at}.field 0: field number 0`],
    [record([0x23, 0x24]), `${at}.field 4: groups are not OTLP`],
    [record([0x26, 0]), `${at}.field 4: wire type 6 does not exist`],
    [record([...field(3, [65]), ...field(3, [66])]), `${at}.severity_text: given twice`],
    [record([0xff]), `${at}: cut off in its field key`],
    [
      record(field(6, field(2, [0x10, 1, 0x18, 1]))),
      `${at}.attributes[0].value.int_value: a second value, must be one at most`
    ],
    [[0xff, 0xff, 0xff, 0xff, 0xff], 'byte 0: field key of more than 32 bits'],
    [field(1, [...field(1, []), ...field(1, [])]), 'resource_logs[0].resource: given twice'],
    [[...field(1, []), 0x08, 1], 'resource_logs[1]: wire type 0, must be 2']
  ]
  test.each(cases.map(([bytes, message]) => ({ bytes, message })))(
    '$message',
    ({ bytes, message }) => {
      expect(() => checkLogs(Uint8Array.from(bytes))).toThrow(new InvalidLogs(message))
    }
  )

  test('messages nested as deep as protobuf libraries read them pass, one deeper does not', () => {
    // The request, resource logs, scope logs, record and body are four messages deep.
    const nested = (values: number) => {
      let value: number[] = []
      for (let depth = 0; depth < values; depth++) value = field(5, field(1, value))
      return Uint8Array.from(field(1, field(2, field(2, field(5, value)))))
    }
    expect(checkLogs(nested(48)).records).toBe(1)
    expect(() => decodeSecond(nested(48))).not.toThrow()
    expect(() => checkLogs(nested(49))).toThrow('messages nested more than 100 deep')
    expect(() => checkLogs(nested(500))).toThrow('messages nested more than 100 deep')
  })
})

describe('hostile bytes', () => {
  const request = auditLogs(2).chunks[0]!

  test('every truncation is read as the second codec reads it, or refused as InvalidLogs', () => {
    for (let length = 0; length < request.length; length++) agree(request.subarray(0, length))
  })

  test('thousands of mutations are read as the second codec reads them, or refused as InvalidLogs', () => {
    const mutation = fc.record({
      at: fc.nat({ max: request.length - 1 }),
      byte: fc.nat({ max: 255 }),
      kind: fc.constantFrom('set', 'insert', 'remove')
    })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        let bytes = [...request]
        for (const { at, byte, kind } of mutations) {
          if (kind === 'set') bytes[at] = byte
          else
            bytes = bytes.toSpliced(
              at,
              kind === 'remove' ? 1 : 0,
              ...(kind === 'insert' ? [byte] : [])
            )
        }
        agree(Uint8Array.from(bytes))
      }),
      { numRuns: 4000 }
    )
  })

  test('random bytes never cause another error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), agree), { numRuns: 4000 })
  })
})

/** What we accept, the second codec reads, with as many records. */
function agree(bytes: Uint8Array): void {
  let records: number
  try {
    records = checkLogs(bytes).records
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidLogs)
    return
  }
  expect(recordsIn(decodeSecond(bytes))).toBe(records)
}

function recordsIn(data: RequestData): number {
  const lists = data.resourceLogs as { scopeLogs?: { logRecords?: object[] }[] }[]
  return lists
    .flatMap(({ scopeLogs = [] }) => scopeLogs)
    .reduce((sum, { logRecords = [] }) => sum + logRecords.length, 0)
}

/** A field with a length, short enough for two bytes of it. */
function field(number: number, content: number[]): number[] {
  const { length } = content
  const size: number[] = []
  for (let rest = length; ; rest >>>= 7) {
    size.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest < 128) break
  }
  return [(number << 3) | 2, ...size, ...content]
}
