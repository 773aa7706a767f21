import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { joinLogs, type Logs } from '../../src/logs/logs.ts'
import { splitRecords } from '../../src/logs/split.ts'
import { type Given, recordsOf } from '../archive/records.ts'

const shown = (logs: Logs) =>
  decodeLogs(logs).map(({ body, resource }) => [resource.attributes.service, body])

test('every record is in its part, in order, under its own resource', () => {
  const given = fc.record({ service: fc.constantFrom('a', 'b', 'c'), part: fc.nat(3) })
  fc.assert(
    fc.property(
      fc.array(fc.array(given, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
      (chunks) => {
        const all = chunks.flat()
        const record = ({ service }: (typeof all)[number], body: number): Given => ({
          body: `${body}`,
          resource: { service }
        })
        let next = 0
        const logs = joinLogs(
          chunks.map((chunk) => recordsOf(...chunk.map((one) => record(one, next++))))
        )
        const order = decodeLogs(logs).map(({ body }) => Number(body))
        const partOf = order.map((index) => all[index]!.part)
        const parts = splitRecords(logs, partOf, 4)
        for (const [index, part] of parts.entries()) {
          const made = part.logs()
          const wanted = shown(logs).filter((_, at) => partOf[at] === index)
          expect(shown(made)).toEqual(wanted)
          expect(part.records).toBe(wanted.length)
          for (const chunk of made.chunks) expect(() => checkLogs(chunk)).not.toThrow()
        }
      }
    )
  )
})

test('one part is the same buffers', () => {
  const logs = recordsOf({}, {})
  expect(splitRecords(logs, [0, 0], 1)[0]!.logs()).toBe(logs)
})

test('what is around the records stays with each part, unknown fields included', () => {
  // resource_logs { resource {} scope_logs { log_records {} log_records {} field 9: 5 } schema_url "u" field 8: 7 } field 7: 1
  const record = Buffer.from([0x12, 0x02, 0x10, 0x09])
  const scope = Buffer.concat([record, record, Buffer.from([0x48, 0x05])])
  const scopeField = Buffer.concat([Buffer.from([0x12, scope.length]), scope])
  const inner = Buffer.concat([
    Buffer.from([0x0a, 0x00]),
    scopeField,
    Buffer.from([0x1a, 1, 0x75, 0x40, 7])
  ])
  const chunk = Buffer.concat([Buffer.from([0x0a, inner.length]), inner, Buffer.from([0x38, 1])])
  const logs = { chunks: [chunk], bytes: chunk.length, records: 2 }
  const [first, second] = splitRecords(logs, [0, 1], 2).map((part) => part.logs())
  expect(first).toEqual(second)
  const hex = Buffer.from(first!.chunks[0]!).toString('hex')
  for (const kept of ['3801', '4007', '1a0175', '4805', '12021009']) expect(hex).toContain(kept)
  expect(first!.records).toBe(1)
})
