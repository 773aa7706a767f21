import { expect, test } from 'vitest'
import { marshalers } from '../../src/archive/marshal.ts'
import { partsOf } from '../../src/archive/parts.ts'
import { PermanentError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { repeatedSize } from '../../src/logs/repeated_size.ts'
import { hugeResource } from '../huge_resource.ts'

const { json_lines, otlp_json } = marshalers
const mebibyte = 2 ** 20

function sizes(records: number, resource: number) {
  const logs = checkLogs(hugeResource(records, resource))
  return [...partsOf(logs, json_lines)].map((part) => {
    let bytes = 0
    for (const piece of json_lines.marshal(part)) bytes += piece.length
    return { records: part.records, bytes }
  })
}

test('a batch is one object, in formats that write a resource once always', () => {
  expect(sizes(1000, 1000)).toHaveLength(1)
  const large = checkLogs(hugeResource(1000, mebibyte))
  expect([...partsOf(large, otlp_json)]).toEqual([large])
})

test('a large resource written with each record is cut into objects of a bounded size', () => {
  const parts = sizes(1000, 100_000)
  expect(parts.length).toBeGreaterThan(5)
  expect(parts.reduce((sum, { records }) => sum + records, 0)).toBe(1000)
  for (const { bytes } of parts) expect(bytes).toBeLessThan(17 * mebibyte)
})

test('A4: more than a thousand objects of one request are refused for good, at once', () => {
  const logs = checkLogs(hugeResource(1_000_000, 10 * mebibyte))
  expect(() => partsOf(logs, json_lines)).toThrow(PermanentError)
  expect(() => partsOf(logs, json_lines)).toThrow(
    /^marshaling: 1000000 records, each written with its resource, would be 10486 GB: use otlp_json/
  )
})

test('the size counts what resource and scope share for each record', () => {
  const once = checkLogs(hugeResource(1, 500))
  const twice = checkLogs(hugeResource(2, 500))
  expect(repeatedSize(twice) - repeatedSize(once)).toBeGreaterThan(500)
  expect(repeatedSize(once)).toBeLessThanOrEqual(once.bytes)
})
