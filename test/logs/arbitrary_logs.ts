import fc from 'fast-check'
import type { RequestData } from './second_codec.ts'

/*
 * OTLP requests as a stranger may send them: any text, 64-bit numbers up to the edge, NaN, empty
 * messages, keys that are there twice or mean something to JavaScript. Fields are left out at random.
 */

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '__proto__', 'a"b\\c\n\u0000', '\u2028<&>', '1', '0', 'x'.repeat(200))
)
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n)
)
const time = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const count = fc.nat({ max: 2 ** 32 - 1 })
const bytes = (length: object) => fc.uint8Array(length)
const id = (length: number) =>
  fc.oneof(bytes({ minLength: length, maxLength: length }), fc.constant(new Uint8Array()))

const { value: anyValue, keyValue } = fc.letrec<{ value: object; keyValue: object }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ stringValue: text }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64.map(String) }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ bytesValue: bytes({ maxLength: 8 }) }),
    fc.constant({}),
    fc.record({ arrayValue: list('values', tie('value')) }),
    fc.record({ kvlistValue: list('values', tie('keyValue')) })
  ),
  keyValue: fc.record({ key: text, value: tie('value') }, { requiredKeys: [] })
}))

function list(name: string, of: fc.Arbitrary<object>) {
  return fc.record({ [name]: fc.array(of, { minLength: 1, maxLength: 3 }) }, { requiredKeys: [] })
}

const attributes = fc.array(keyValue, { minLength: 1, maxLength: 4 })
const schemaUrl = text

const record = fc.record(
  {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: fc.oneof(fc.integer({ min: 0, max: 24 }), fc.integer()),
    severityText: text,
    body: anyValue,
    attributes,
    droppedAttributesCount: count,
    flags: count,
    traceId: id(16),
    spanId: id(8),
    eventName: text
  },
  { requiredKeys: [] }
)

const entityRef = fc.record(
  {
    schemaUrl,
    type: text,
    idKeys: fc.array(text, { minLength: 1, maxLength: 2 }),
    descriptionKeys: fc.array(text, { minLength: 1, maxLength: 2 })
  },
  { requiredKeys: [] }
)

const resource = fc.record(
  {
    attributes,
    droppedAttributesCount: count,
    entityRefs: fc.array(entityRef, { minLength: 1, maxLength: 2 })
  },
  { requiredKeys: [] }
)

const scope = fc.record(
  { name: text, version: text, attributes, droppedAttributesCount: count },
  { requiredKeys: [] }
)

const scopeLogs = fc.record(
  { scope, logRecords: fc.array(record, { minLength: 1, maxLength: 4 }), schemaUrl },
  { requiredKeys: [] }
)

const resourceLogs = fc.record(
  { resource, scopeLogs: fc.array(scopeLogs, { minLength: 1, maxLength: 3 }), schemaUrl },
  { requiredKeys: [] }
)

export const arbitraryRequest: fc.Arbitrary<RequestData> = fc.record({
  resourceLogs: fc.array(resourceLogs, { maxLength: 3 })
})

export const arbitraryRecord = record
