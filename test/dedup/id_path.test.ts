import { expect, test } from 'vitest'
import { type IdPath, parseIdPath } from '../../src/dedup/id_path.ts'
import { createPrinter } from '../../src/dedup/prints.ts'
import { logsFrom } from './records.ts'

test.each<[text: string, root: IdPath['root'], keys: string[]]>([
  ['audit.record.id', 'attributes', ['audit.record.id']],
  ['event-id', 'attributes', ['event-id']],
  ['bodyguard', 'attributes', ['bodyguard']],
  ['attributes["audit.record.id"]', 'attributes', ['audit.record.id']],
  ['attributes["a"].b', 'attributes', ['a', 'b']],
  ['body.id', 'body', ['id']],
  ['body["a b"].c["d\\"e"]', 'body', ['a b', 'c', 'd"e']]
])('%s is a path', (text, root, keys) => {
  expect(parseIdPath(text)).toEqual({ root, keys })
})

test.each([
  '',
  'body',
  'body.',
  'body.1',
  'body..a',
  'body[0]',
  'body["a"',
  'body[""]',
  'body.a b',
  'attributes.a',
  'attributes[a]',
  'resource.attributes["a"]',
  'two words'
])('%j is no path', (text) => {
  expect(parseIdPath(text)).toBeUndefined()
})

/** Which of the records have an id. */
function found(path: string, ...logRecords: object[]): number[] {
  const logs = logsFrom({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
  return [...createPrinter(parseIdPath(path)!)(logs).hasId]
}

const string = (stringValue: string) => ({ stringValue })
const pair = (key: string, value: object) => ({ key, value })
const map = (...values: object[]) => ({ kvlistValue: { values } })
const attributes = (...pairs: object[]) => ({ attributes: pairs })

test('an id is a string or bytes that are not empty, or an integer', () => {
  const values: [object, number][] = [
    [string('x'), 1],
    [string(''), 0],
    [{ intValue: '7' }, 1],
    [{ bytesValue: 'AAA=' }, 1],
    [{ bytesValue: '' }, 0],
    [{ boolValue: true }, 0],
    [{ doubleValue: 1.5 }, 0],
    [{ arrayValue: { values: [string('x')] } }, 0],
    [map(pair('k', string('x'))), 0],
    [{}, 0]
  ]
  const records = values.map(([value]) => attributes(pair('k', value)))
  expect(found('k', ...records)).toEqual(values.map(([, has]) => has))
})

test('names are compared whole, and the first value that is an id counts', () => {
  const records = [
    attributes(pair('kk', string('x')), pair('', string('x'))),
    attributes(pair('other', string('x')), pair('k', string('x'))),
    attributes(pair('k', string('')), pair('k', string('x'))),
    {}
  ]
  expect(found('k', ...records)).toEqual([0, 1, 1, 0])
})

test('a path leads through maps, in attributes and in the body, and through nothing else', () => {
  const deep = map(pair('x', string('no')), pair('a', map(pair('b', string('id')))))
  expect(
    found('body.a.b', { body: deep }, { body: string('a') }, attributes(pair('a', deep)))
  ).toEqual([1, 0, 0])
  expect(found('attributes["m"].a["b"]', attributes(pair('m', deep)), { body: deep })).toEqual([
    1, 0
  ])
  expect(found('body.a', { body: deep }, { body: map(pair('a', string('id'))) })).toEqual([0, 1])
})
