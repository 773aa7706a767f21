import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { joinLogs, type Logs } from '../../src/logs/logs.ts'
import { pickRecords } from '../../src/logs/pick.ts'

/** Records by resource and scope, their bodies counted through. */
function logsOf(shape: number[][][], first: number): Logs {
  let next = first
  const request = {
    resourceLogs: shape.map((scopes, resource) => ({
      resource: { attributes: [{ key: 'r', value: { stringValue: `${resource}` } }] },
      scopeLogs: scopes.map((counts, scope) => ({
        scope: { name: `${scope}` },
        logRecords: counts.map(() => ({ body: { stringValue: `${next++}` } }))
      }))
    }))
  }
  return logsFromJson(Buffer.from(JSON.stringify(request)))
}

const seen = (logs: Logs) =>
  decodeLogs(logs).map(
    ({ body, resource, instrumentationScope }) =>
      `${resource.attributes.r} ${instrumentationScope.name} ${body}`
  )

test('the chosen records, each under its own resource and scope, in order', () => {
  const shape = fc.array(fc.array(fc.array(fc.constant(0), { maxLength: 4 }), { maxLength: 3 }), {
    maxLength: 3
  })
  fc.assert(
    fc.property(shape, shape, fc.array(fc.boolean(), { maxLength: 80 }), (a, b, chosen) => {
      const one = logsOf(a, 0)
      const logs = joinLogs([one, logsOf(b, one.records)])
      const picked = pickRecords(logs, (index) => chosen[index] ?? false)
      const expected = seen(logs).filter((_, index) => chosen[index] ?? false)
      expect(seen(picked)).toEqual(expected)
      expect(picked.records).toBe(expected.length)
      // What it made is a request that the check at the door would take.
      for (const chunk of picked.chunks) checkLogs(chunk)
    })
  )
})

test('a chunk of which every record is chosen stays the same buffer, unknown fields stay', () => {
  const [a, b] = [logsOf([[[0, 0]]], 0), logsOf([[[0, 0]]], 2)]
  const unknown = Buffer.from([0xfa, 0x3f, 1, 7])
  const chunk = Buffer.concat([b.chunks[0]!, unknown])
  const logs = joinLogs([a, { chunks: [chunk], bytes: chunk.length, records: 2 }])
  const picked = pickRecords(logs, (index) => index !== 2)
  expect(picked.chunks[0]).toBe(a.chunks[0])
  expect(Buffer.from(picked.chunks[1]!).includes(unknown)).toBe(true)
})

test('a record to which a field is added has it, and all else as it was', () => {
  const logs = joinLogs([logsOf([[[0, 0], [0]], [[0]]], 0), logsOf([[[0]]], 4)])
  // dropped_attributes_count (7)
  const picked = pickRecords(logs, (index) => (index % 2 === 1 ? Uint8Array.of(0x38, 5) : true))
  for (const chunk of picked.chunks) checkLogs(chunk)
  expect(seen(picked)).toEqual(seen(logs))
  expect(decodeLogs(picked).map((record) => record.droppedAttributesCount)).toEqual([0, 5, 0, 5, 0])
  expect(picked.chunks[1]).toBe(logs.chunks[1])
})
