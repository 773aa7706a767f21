import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs, InvalidLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { decodeSecond, encodeSecond } from './second_codec.ts'
import { jsonOf } from './second_json.ts'

const text = (logs: Logs) => Buffer.concat([...jsonFromLogs(logs)]).toString()
const parse = (json: string) => logsFromJson(Buffer.from(json))
const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)

describe('from JSON to protobuf', () => {
  test('any request comes back from its JSON as it was', () => {
    fc.assert(
      fc.property(arbitraryRequest, (data) => {
        // JSON.stringify loses the sign of a zero; a double may be sent as a string.
        const json = JSON.stringify(jsonOf(data), (_, value) =>
          Object.is(value, -0) ? '-0' : value
        )
        const logs = parse(json)
        expect(checkLogs(bytesOf(logs)).records).toBe(logs.records)
        expect(jsonOf(decodeSecond(bytesOf(logs)))).toEqual(
          jsonOf(decodeSecond(encodeSecond(data)))
        )
      }),
      { numRuns: 500 }
    )
  })

  test('white space and the order of members do not matter', () => {
    fc.assert(
      fc.property(arbitraryRequest, fc.constantFrom(0, 1, '\t', ' \r'), (data, indent) => {
        const json = JSON.stringify(jsonOf(data))
        const spaced = JSON.stringify(JSON.parse(json), null, indent).replaceAll('\n', ' \r\n')
        expect(bytesOf(parse(spaced))).toEqual(bytesOf(parse(json)))
      })
    )
  })

  const value = (json: string) =>
    (decodeSecond(bytesOf(parse(record(`"body":${json}`)))) as Request).resourceLogs[0]!
      .scopeLogs[0]!.logRecords[0]!.body
  const record = (members: string) =>
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${members}}]}]}]}`
  const first = (members: string) =>
    (decodeSecond(bytesOf(parse(record(members)))) as Request).resourceLogs[0]!.scopeLogs[0]!
      .logRecords[0]

  test.each([
    ['9007199254740993', '9007199254740993'],
    ['"9223372036854775807"', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'],
    ['"-1"', '-1'],
    ['-0', '0'],
    ['1.0', '1'],
    ['12e2', '1200'],
    ['0e999999999', '0'],
    [`"${'0'.repeat(50)}1${'0'.repeat(90)}e-90"`, '1'],
    ['"1.5e1"', '15'],
    ['"007"', '7'],
    ['"+5"', '5'],
    ['"\\u0031"', '1']
  ])('int64 %s keeps all its digits', (json, digits) => {
    expect(value(`{"intValue":${json}}`)).toEqual({ intValue: digits })
  })

  test.each([
    ['"NaN"', Number.NaN],
    ['"-Infinity"', Number.NEGATIVE_INFINITY],
    ['1e-400', 0],
    ['-0.0', -0],
    ['"2.5"', 2.5],
    ['5', 5]
  ])('double %s', (json, number) => {
    expect(value(`{"doubleValue":${json}}`)).toEqual({ doubleValue: number })
  })

  test.each(['-_8', '+/8', '+/8=', '+\\/8='])(
    'base64 %s, in both alphabets, padded or not',
    (json) => {
      expect(value(`{"bytesValue":"${json}"}`)).toEqual({ bytesValue: Buffer.from([0xfb, 0xff]) })
    }
  )

  test('names in snake_case, severities by name, ids in upper case, names with escapes', () => {
    expect(
      first(
        '"time_unix_nano":"5","severity_number":"SEVERITY_NUMBER_WARN2","trace_id":"0AF7651916CD43DD8448EB211C80319C","event\\u004eame":"e","flags":257'
      )
    ).toMatchObject({
      timeUnixNano: '5',
      severityNumber: 14,
      traceId: Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex'),
      eventName: 'e',
      flags: 257
    })
  })

  test('null is unset, unknown members are passed over, whatever they hold', () => {
    expect(
      first(
        '"body":null,"traceId":null,"attributes":null,"severityText":"x","new":{"a":[1,{"b":null},"\\ud800\\udc00"],"c":true},"":-1.5e+3'
      )
    ).toEqual({ severityText: 'x' })
  })

  test('keys that are there twice, __proto__ and NUL survive in attributes', () => {
    expect(
      first(
        '"attributes":[{"key":"a","value":{"stringValue":"1"}},{"key":"a","value":{"stringValue":"\\u0000"}},{"key":"__proto__","value":{}},{}]'
      )
    ).toEqual({
      attributes: [
        { key: 'a', value: { stringValue: '1' } },
        { key: 'a', value: { stringValue: '\0' } },
        { key: '__proto__', value: {} },
        {}
      ]
    })
  })

  test('a pair of surrogate escapes is one character', () => {
    expect(value('{"stringValue":"\\ud83d\\ude00é\\u00e9\\u20ac"}')).toEqual({
      stringValue: '😀éé€'
    })
  })

  const at = 'resourceLogs[0].scopeLogs[0].logRecords[0]'
  test.each([
    ['"traceId":"abc"', `${at}.traceId: 3 hex digits, must be 32 or none`],
    ['"spanId":"000000000000000g"', `${at}.spanId: not hex digits`],
    ['"spanId":7', `${at}.spanId: a number, expected a string`],
    ['"severityText":5', `${at}.severityText: a number, expected a string`],
    ['"severityNumber":"LOUD"', `${at}.severityNumber: not an integer`],
    ['"severityNumber":"SEVERE"', `${at}.severityNumber: unknown severity "SEVERE"`],
    ['"severityNumber":2147483648', `${at}.severityNumber: outside of 32 bits`],
    ['"flags":4294967296', `${at}.flags: outside of 0 to 4294967295`],
    ['"flags":-1', `${at}.flags: outside of 0 to 4294967295`],
    ['"timeUnixNano":-1', `${at}.timeUnixNano: outside of 64 bits, or negative`],
    [
      '"timeUnixNano":"18446744073709551616"',
      `${at}.timeUnixNano: outside of 64 bits, or negative`
    ],
    ['"timeUnixNano":""', `${at}.timeUnixNano: not an integer`],
    [
      `"timeUnixNano":"${'0'.repeat(1001)}"`,
      `${at}.timeUnixNano: a number of more than 1000 characters`
    ],
    ['"timeUnixNano":1.5', `${at}.timeUnixNano: not an integer`],
    ['"timeUnixNano":true', `${at}.timeUnixNano: "true", expected an integer`],
    ['"body":{"intValue":9223372036854775808}', `${at}.body.intValue: outside of 64 bits`],
    ['"body":{"intValue":1e-9}', `${at}.body.intValue: not an integer`],
    ['"body":{"intValue":1e999999999}', `${at}.body.intValue: outside of 64 bits`],
    ['"body":{"intValue":"1e9999"}', `${at}.body.intValue: outside of 64 bits`],
    ['"body":{"doubleValue":1e999}', `${at}.body.doubleValue: number outside of 64-bit doubles`],
    ['"body":{"doubleValue":"0x1"}', `${at}.body.doubleValue: not a number`],
    ['"body":{"doubleValue":[]}', `${at}.body.doubleValue: a list, expected a number`],
    ['"body":{"boolValue":"true"}', `${at}.body.boolValue: a string, expected true or false`],
    ['"body":{"bytesValue":"a"}', `${at}.body.bytesValue: not base64`],
    [
      '"body":{"bytesValue":"ab=="  ,"x":"", "stringValue":""}',
      `${at}.body.stringValue: a second value, must be one at most`
    ],
    ['"body":{"bytesValue":"a!=="}', `${at}.body.bytesValue: not base64`],
    ['"body":"text"', `${at}.body: a string, expected an object`],
    [
      '"body":{"arrayValue":{"values":[{},null]}}',
      `${at}.body.arrayValue.values[1]: null in a list`
    ],
    [
      '"body":{"stringValue":"\\ud800x"}',
      `${at}.body.stringValue: half a surrogate pair (\\ud800) in a string`
    ],
    [
      '"body":{"stringValue":"\\udc00"}',
      `${at}.body.stringValue: half a surrogate pair (\\udc00) in a string`
    ],
    ['"body":{"stringValue":"\\x"}', `${at}.body.stringValue: unknown escape in a string`],
    [
      '"body":{"stringValue":"\\u12g4"}',
      `${at}.body.stringValue: \\u without four hex digits in a string`
    ],
    ['"body":{"stringValue":"\n"}', `${at}.body.stringValue: control character 10 in a string`],
    ['"attributes":{}', `${at}.attributes: an object, expected a list`],
    [
      '"attributes":[{"key":"a"},{"key":1}]',
      `${at}.attributes[1].key: a number, expected a string`
    ],
    ['"eventName":"a","event_name":"b"', `${at}.event_name: given twice`],
    ['"x":01', `${at}.x: number with a leading zero`],
    ['"x":1.', `${at}.x: malformed number`],
    ['"x":nul', `${at}.x: "nul" is no JSON value`],
    ['"x":[1,]', `${at}.x[1]: "]" is no JSON value`],
    ['"x"', `${at}.x: "}", expected ":"`],
    ['x:1', `${at}: "x", expected a name in quotes`]
  ])('%s is refused with its path', (members, message) => {
    expect(() => parse(record(members))).toThrow(new InvalidLogs(message))
  })

  test.each([
    ['', 'byte 0: end of the JSON, expected an object'],
    ['null', 'byte 0: "null", expected an object'],
    ['[]', 'byte 0: a list, expected an object'],
    ['{} {}', 'byte 3: more after the end of the JSON object'],
    ['\ufeff{}', 'byte 0:'],
    ['{"resourceLogs":[', 'resourceLogs[0]: end of the JSON, expected an object'],
    ['{"a":"b', 'a: string without its end']
  ])('%s is no request', (json, message) => {
    expect(() => parse(json)).toThrow(message)
  })

  test('bytes that are not UTF-8 are refused', () => {
    expect(() => logsFromJson(Uint8Array.from([0x7b, 0x22, 0xc3, 0x28, 0x22]))).toThrow(
      new InvalidLogs('JSON is not valid UTF-8')
    )
  })

  test('nesting without end is refused, not followed', () => {
    const unknown = `{"a":${'['.repeat(100_000)}`
    const known = record(`"body":${'{"arrayValue":{"values":['.repeat(20_000)}`)
    expect(() => parse(unknown)).toThrow('nested more than 100 deep')
    expect(() => parse(known)).toThrow('messages nested more than 100 deep')
  })

  test('what JSON.parse refuses is refused, and nothing but InvalidLogs is thrown', () => {
    const json = text(auditLogs(1))
    const mutation = fc.record({
      at: fc.nat({ max: json.length - 1 }),
      to: fc.string({ maxLength: 2 })
    })
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let changed = json
        for (const { at, to } of mutations)
          changed = changed.slice(0, at) + to + changed.slice(at + 1)
        let logs: Logs
        try {
          logs = parse(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidLogs)
          return
        }
        expect(() => JSON.parse(changed)).not.toThrow()
        expect(checkLogs(bytesOf(logs)).records).toBe(logs.records)
      }),
      { numRuns: 2000 }
    )
  })

  test('any JSON under an unknown name is passed over exactly when JSON.parse takes it', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '1',
      '-',
      '.5',
      'e3',
      'null',
      'true',
      ' ',
      '\\',
      '"'
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.array(pieces, { maxLength: 8 }).map((all) => all.join(''))
        ),
        (json) => {
          const whole = `{"x":${json}}`
          const valid = accepted(() => JSON.parse(whole))
          // Half a surrogate pair is JSON, but no text.
          if (!valid || !/\\ud[89a-f]/i.test(json)) expect(accepted(() => parse(whole))).toBe(valid)
        }
      ),
      { numRuns: 2000 }
    )
  })
})

interface Request {
  resourceLogs: { scopeLogs: { logRecords: { body?: object }[] }[] }[]
}

function accepted(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch {
    return false
  }
}
