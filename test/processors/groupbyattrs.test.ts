import fc from 'fast-check'
import { expect, test } from 'vitest'
import groupbyattrs, { config } from '../../processors/groupbyattrs.ts'
import { type LaneContext, PermanentError } from '../../src/component.ts'
import { joinLogs } from '../../src/logs/logs.ts'
import { testProcessor } from '../contract/processor.ts'
import { attributesOf, bytesOf, jsonOf, logsOf, through } from './run.ts'

const make =
  (...keys: string[]) =>
  (context: LaneContext) =>
    groupbyattrs(config.parse({ keys }), context)

testProcessor('groupbyattrs', make('tenant'))
testProcessor('groupbyattrs without keys', make())

type Plain = Record<string, string | number>

const record = (n: number, plain: Plain = {}) => ({
  body: { intValue: String(n) },
  attributes: attributesOf(plain)
})
const below = (resource: Plain, logRecords: object[], scope: object = { name: 's' }) => ({
  resource: { attributes: attributesOf(resource) },
  scopeLogs: [{ scope, logRecords }]
})

/** Resources with their scopes and the bodies in these. */
function shapeOf(logs: ReturnType<typeof logsOf>) {
  return jsonOf(logs).resourceLogs.map((one: ResourceLogs) => [
    plainOf(one.resource?.attributes),
    ...one.scopeLogs.map(({ logRecords }) => logRecords.map(({ body }) => Number(body.intValue)))
  ])
}

interface KeyValue {
  key: string
  value: { stringValue?: string; intValue?: string }
}

interface ResourceLogs {
  resource?: { attributes?: KeyValue[] }
  schemaUrl?: string
  scopeLogs: {
    scope?: object
    logRecords: { body: { intValue: string }; attributes?: KeyValue[] }[]
  }[]
}

function plainOf(attributes: KeyValue[] = []): Plain {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)])
  )
}

test('records go below a resource with their attributes of the keys, in order', () => {
  const { after, counts } = through(
    make('tenant', 'n'),
    logsOf([
      below({ host: 'a' }, [
        record(0, { tenant: 'red', other: 1 }),
        record(1),
        record(2, { tenant: 'red', n: 5 }),
        record(3, { tenant: 'red' })
      ]),
      below({ host: 'a' }, [record(4, { tenant: 'red' }), record(5)])
    ])
  )
  expect(shapeOf(after!)).toEqual([
    [{ host: 'a', tenant: 'red' }, [0, 3, 4]],
    [{ host: 'a' }, [1, 5]],
    [{ host: 'a', tenant: 'red', n: 5 }, [2]]
  ])
  const first = jsonOf(after!).resourceLogs[0].scopeLogs[0].logRecords[0]
  expect(first.attributes).toEqual(attributesOf({ other: 1 }))
  expect(counts).toEqual({ 'moved by under_test tenant': 4, 'moved by under_test n': 1 })
})

test('a value of a record takes the place of its resource’s', () => {
  const { after } = through(
    make('host'),
    logsOf([below({ host: 'a' }, [record(0, { host: 'b' })])])
  )
  expect(shapeOf(after!)).toEqual([[{ host: 'b' }, [0]]])
})

test('equal resources of all requests of a batch become one, and their equal scopes', () => {
  const one = logsOf([below({ a: 1, b: 2 }, [record(0)]), below({ a: 1 }, [record(1)])])
  const two = logsOf([
    below({ b: 2, a: 1 }, [record(2)]),
    below({ a: 1, b: 2 }, [record(3)], { name: 'other' })
  ])
  const { after } = through(make(), joinLogs([one, two]))
  expect(shapeOf(after!)).toEqual([
    [{ a: 1, b: 2 }, [0, 2], [3]],
    [{ a: 1 }, [1]]
  ])
})

test('equal resources are joined though their scopes differ, and equal scopes of one resource', () => {
  const apart = [below({ a: 1 }, [record(0)]), below({ a: 1 }, [record(1)], { name: 'other' })]
  expect(shapeOf(through(make(), logsOf(apart)).after!)).toEqual([[{ a: 1 }, [0], [1]]])
  const [scope] = below({}, [record(2)]).scopeLogs
  const twice = [{ ...below({ a: 1 }, [record(1)]), scopeLogs: [scope!, scope!] }]
  expect(shapeOf(through(make(), logsOf(twice)).after!)).toEqual([[{ a: 1 }, [2, 2]]])
})

test('unknown fields of requests and resources stay', () => {
  const field = Uint8Array.of(0x7a, 1, 0x41)
  const known = logsOf([below({ a: 1 }, [record(0)]), below({ a: 1 }, [record(1)])])
  const chunks = [Buffer.concat([...known.chunks, field])]
  const { after } = through(make(), { chunks, bytes: known.bytes + 3, records: 2 })
  expect(shapeOf(after!)).toEqual([[{ a: 1 }, [0, 1]]])
  expect(bytesOf(after!).subarray(-3)).toEqual(Buffer.from(field))
})

test('resources and scopes that differ in anything stay apart, so that nothing is lost', () => {
  const logs = logsOf([
    { ...below({ a: 1 }, [record(0)]), schemaUrl: 'https://one' },
    { ...below({ a: 1 }, [record(1)]), schemaUrl: 'https://two' },
    below({ a: 1 }, [record(2)], { name: 's', attributes: attributesOf({ region: 'eu' }) }),
    below({ a: 2 }, [record(3)]),
    { ...below({}, [record(4)]), resource: { droppedAttributesCount: 1 } },
    { ...below({}, [record(5)]), resource: { droppedAttributesCount: 2 } }
  ])
  expect(through(make('none'), logs).after).toBe(logs)
})

test('a resource that would be repeated past the lane’s window makes its records dead letters', () => {
  const logs = logsOf([
    below(
      { large: 'x'.repeat(10_000) },
      Array.from({ length: 50 }, (_, n) => record(n, { id: n }))
    )
  ])
  expect(through(make('id'), logs, {}, { window: 1_000_000 }).after!.records).toBe(50)
  const { after, batch, counts } = through(make('id'), logs, {}, { window: 100_000 })
  expect(after).toBeUndefined()
  expect(batch.outcomes[0]).toBeInstanceOf(PermanentError)
  expect(String(batch.outcomes[0]!.cause)).toMatch(/would take too many bytes/)
  expect(counts).toEqual({})
})

test('whatever the keys: every record keeps its body, its attributes and its order in the group', () => {
  const key = fc.constantFrom<string>('a', 'b', 'c', '__proto__')
  const plain = fc.dictionary(key, fc.constantFrom<string | number>('x', '', 1, 2), { maxKeys: 3 })
  const resources = fc.array(fc.tuple(plain, fc.array(plain, { minLength: 1, maxLength: 6 })), {
    minLength: 1,
    maxLength: 5
  })
  fc.assert(
    fc.property(resources, fc.uniqueArray(key, { maxLength: 3 }), (all, keys) => {
      let n = 0
      const given: string[] = []
      const input = all.map(([resource, records]) =>
        below(
          resource,
          records.map((attributes) => {
            const moved = Object.entries(attributes).filter(([name]) => keys.includes(name))
            const rest = Object.entries(attributes).filter(([name]) => !keys.includes(name))
            given.push(told(n, [...Object.entries(resource), ...moved], rest))
            return record(n++, attributes)
          })
        )
      )
      const { after } = through(make(...keys), logsOf(input))
      const found: string[] = []
      for (const { resource, scopeLogs } of jsonOf(after!).resourceLogs as ResourceLogs[])
        for (const { logRecords } of scopeLogs) {
          const order = logRecords.map(({ body }) => Number(body.intValue))
          expect(order).toEqual(order.toSorted((a, b) => a - b))
          for (const { body, attributes } of logRecords)
            found.push(
              told(Number(body.intValue), pairsOf(resource?.attributes), pairsOf(attributes))
            )
        }
      expect(found.toSorted()).toEqual(given.toSorted())
    })
  )
})

type Pairs = [string, string | number][]

function pairsOf(attributes: KeyValue[] = []): Pairs {
  return attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)])
}

/** A record with its resource, of whose attributes the last one of a name counts. */
function told(n: number, resource: Pairs, own: Pairs): string {
  return JSON.stringify([String(n), [...new Map(resource)].toSorted(), own.toSorted()])
}
