import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { editLogs, newLogsView, type Visits } from '../../src/logs/edit.ts'
import { joinLogs, type Logs } from '../../src/logs/logs.ts'
import { type Message, readAttribute, readField, setField } from '../../src/logs/message.ts'
import {
  type Field,
  recordFields,
  resourceFields,
  schemaUrl,
  scopeFields
} from '../../src/logs/message_fields.ts'
import { pickRecords } from '../../src/logs/pick.ts'
import { type AnyValue, entryValue, isMap, mapOf, mapWith } from '../../src/logs/value.ts'
import { arbitraryRequest } from './arbitrary_logs.ts'
import { decodeSecond, encodeSecond } from './second_codec.ts'

const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)
const always = (work: () => void) => () => {
  work()
  return true
}

const field = (number: number, content: number[]) => [(number << 3) | 2, content.length, ...content]
const text = (number: number, value: string) => field(number, [...Buffer.from(value)])
const attribute = (key: string, value: string) => [...text(1, key), ...field(2, text(1, value))]
const checked = (bytes: number[]) => checkLogs(Uint8Array.from(bytes))

/** Records with what is around them, without the functions that a decoded resource has. */
const seen = (logs: Logs) =>
  decodeLogs(logs).map(({ resource, ...record }) => ({
    ...record,
    resource: [resource.attributes, resource.schemaUrl]
  }))

function everyField(message: Message, fields: object, work: (field: Field<unknown>) => void) {
  for (const one of Object.values(fields) as Field<unknown>[])
    if (readField(message, one) !== null) work(one)
}

test('what is only looked at stays the same buffers, whatever is read', () => {
  fc.assert(
    fc.property(arbitraryRequest, (request) => {
      const logs = checkLogs(encodeSecond(request))
      const view = newLogsView()
      const edited = editLogs(logs, view, {
        resource: always(() => everyField(view.resource, resourceFields, () => {})),
        scope: always(() => everyField(view.scope, scopeFields, () => {})),
        record: always(() => everyField(view.record, recordFields, () => {}))
      })
      expect(edited).toBe(logs)
    }),
    { numRuns: 100 }
  )
})

/** The value taken apart and put together anew, so that nothing of its bytes is used. */
function copyOf(value: AnyValue): AnyValue {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isMap(value)) return value
  return mapOf(value.entries.map((entry) => [entry.key, copyOf(entryValue(entry))]))
}

test('setting every field to what it is means the same as before', () => {
  fc.assert(
    fc.property(arbitraryRequest, (request) => {
      const logs = checkLogs(encodeSecond(request))
      const view = newLogsView()
      const rewrite = (message: Message, fields: object) =>
        everyField(message, fields, (one) => {
          const value = readField(message, one)
          const keep = one.number === 2 || typeof value !== 'object'
          message.values[one.number] = undefined
          setField(message, one, keep ? value : copyOf(value as AnyValue))
        })
      const edited = editLogs(logs, view, {
        resource: always(() => rewrite(view.resource, resourceFields)),
        scope: always(() => rewrite(view.scope, scopeFields)),
        record: always(() => rewrite(view.record, recordFields))
      })
      expect(seen(checkLogs(bytesOf(edited)))).toEqual(seen(logs))
    }),
    { numRuns: 100 }
  )
})

test('records that are left out go as if they had never been there', () => {
  fc.assert(
    fc.property(
      arbitraryRequest,
      arbitraryRequest,
      fc.infiniteStream(fc.boolean()),
      (a, b, keep) => {
        const logs = joinLogs([checkLogs(encodeSecond(a)), checkLogs(encodeSecond(b))])
        const kept = Array.from({ length: logs.records }, () => keep.next().value as boolean)
        let index = 0
        const edited = editLogs(logs, newLogsView(), { record: () => kept[index++]! })
        const picked = pickRecords(logs, (one) => kept[one]!)
        expect(edited.records).toBe(picked.records)
        expect(edited.bytes).toBe(bytesOf(edited).length)
        expect(seen(edited)).toEqual(seen(picked))
      }
    ),
    { numRuns: 100 }
  )
})

test('unknown fields, their order and other attributes keep their bytes beside what is set', () => {
  const unknown = [0xca, 0x3e, 1, 7]
  const kept = field(6, [...attribute('a', '1'), ...unknown])
  const record = (severity: string) => [...unknown, ...text(3, severity), ...kept, ...unknown]
  const request = (severity: string, extra: number[] = []) =>
    field(1, [...unknown, ...field(2, [...field(2, [...record(severity), ...extra]), ...unknown])])
  const view = newLogsView()
  const edited = editLogs(checked(request('x')), view, {
    record: always(() => {
      setField(view.record, recordFields.severityText, 'warn')
      const { attributes } = recordFields
      setField(view.record, attributes, mapWith(readField(view.record, attributes), 'b', '2'))
    })
  })
  const [first, second] = [field(6, attribute('b', '2')), kept]
  const expected = [...unknown, ...text(3, 'warn'), ...second, ...first, ...unknown]
  const whole = field(1, [...unknown, ...field(2, [...field(2, expected), ...unknown])])
  expect([...bytesOf(edited)]).toEqual(whole)
})

test('a resource, scope or schema url that a record sets is set for all of their records', () => {
  const record = (body: string) => field(2, field(5, text(1, body)))
  const scopeLogs = field(2, [...record('1'), ...record('2'), ...text(3, 'old')])
  const view = newLogsView()
  const { attributes } = resourceFields
  const edited = editLogs(checked(field(1, scopeLogs)), view, {
    record: always(() => {
      const count = readAttribute(view.resource, attributes, 'n', Buffer.from('n')) ?? 0n
      setField(view.resource, attributes, mapOf([['n', (count as bigint) + 1n]]))
      setField(view.scope, scopeFields.name, 's')
      setField(view.scopeLogs, schemaUrl, 'new')
      setField(view.resourceLogs, schemaUrl, 'made')
    })
  })
  expect(decodeSecond(bytesOf(edited))).toMatchObject({
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'n', value: { intValue: '2' } }] },
        schemaUrl: 'made',
        scopeLogs: [
          {
            scope: { name: 's' },
            schemaUrl: 'new',
            logRecords: [{ body: { stringValue: '1' } }, { body: { stringValue: '2' } }]
          }
        ]
      }
    ]
  })
})

test('a resource or scope that is left out takes its records with it, and an emptied chunk goes', () => {
  const one = (name: string) =>
    checked(field(1, [...field(2, [...field(1, text(1, name)), ...field(2, [])])]))
  const logs = joinLogs([one('a'), one('b')])
  const view = newLogsView()
  const names = (visits: Visits) =>
    decodeLogs(editLogs(logs, view, visits)).map((record) => record.instrumentationScope.name)
  expect(names({ scope: () => readField(view.scope, scopeFields.name) === 'b' })).toEqual(['b'])
  expect(
    editLogs(logs, view, { scope: () => readField(view.scope, scopeFields.name) === 'b' }).chunks
  ).toEqual([logs.chunks[1]])
  expect(editLogs(logs, view, { resource: () => false })).toEqual({
    chunks: [],
    bytes: 0,
    records: 0
  })
})

test('of a key that is there twice the first counts, and both go on', () => {
  const attributes = [...field(6, attribute('k', 'first')), ...field(6, attribute('k', 'second'))]
  const logs = checked(field(1, field(2, field(2, attributes))))
  const view = newLogsView()
  const found: unknown[] = []
  const edited = editLogs(logs, view, {
    record: always(() => {
      const key = Buffer.from('k')
      found.push(readAttribute(view.record, recordFields.attributes, 'k', key))
      const map = readField(view.record, recordFields.attributes)
      found.push(readAttribute(view.record, recordFields.attributes, 'k', key))
      setField(view.record, recordFields.attributes, mapWith(map, 'x', '1'))
    })
  })
  expect(found).toEqual(['first', 'first'])
  expect(bytesOf(edited).toString('latin1')).toMatch(/first.*second.*x/s)
})
