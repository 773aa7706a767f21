import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyLayout } from '../../src/archive/key.ts'
import { compileKeyTemplate, type KeyTemplate } from '../../src/archive/key_template.ts'
import { withoutNumbers } from '../../src/archive/key_text.ts'
import { editLogs, newLogsView } from '../../src/logs/edit.ts'
import { emptyMap } from '../../src/logs/value.ts'
import type { View } from '../../src/ottl/values.ts'
import { type Given, noon, recordsOf } from './records.ts'

const laneId = '00112233aabbccdd'
const layout = keyLayout({
  ...{ s3_base_prefix: 'base', s3_prefix: 'audit', s3_partition_format: '', file_prefix: '' },
  ...{ unique_key_func_name: '', extension: 'json', compression: 'none', laneId }
})

/** The key of an object whose first record this is. */
function keyOf(template: string | KeyTemplate, record: Given = {}, number = 42): string {
  const compiled = typeof template === 'string' ? compileKeyTemplate(template, 'UTC') : template
  const view: View = { ...newLogsView(), cache: emptyMap }
  let key = ''
  const visit = () => {
    key = compiled.key(view, noon)
    return true
  }
  editLogs(recordsOf(record), view, { record: visit })
  return layout({ at: new Date(0), number, key })
}

const id = (value: unknown): Given => ({ attributes: { id: value } })

test('text, times, values and the number stand where the template has them', () => {
  const record: Given = {
    ...{ event: 'key.updated', body: { team: 'a' } },
    ...{ attributes: { 'audit.record.id': 'x1' }, resource: { 'service.name': 'proxy' } }
  }
  const template =
    '{resource.attributes["service.name"]}/%Y-%m-%d/{{%H}}_{event_name}_{attributes["audit.record.id"]}_{body["team"]}_{number}.json'
  expect(keyOf(template, record)).toBe(
    `base/audit/proxy/2026-09-30/{12}_key.updated_x1_a_${laneId}-000000000042.json`
  )
})

test("LiteLLM's: / and : of an id are _, everything else stays for the one encoding on the wire", () => {
  expect(keyOf('{attributes["id"]}.json', id("a/b:c d%25+&=#?'~ü"))).toBe(
    "base/audit/a_b_c d%25+&=#?'~ü.json"
  )
})

test('a converter may stand in braces, with strings that have braces in them', () => {
  expect(keyOf('{Concat([attributes["id"], "}{"], "-")}', id('a'))).toBe('base/audit/a-}{')
})

test.for<[string, Given, string]>([
  ['no attribute', {}, 'none'],
  ['an empty one', id(''), 'none'],
  ['what cannot be worked out', id([1]), 'none'],
  ['a number', id(12), '12'],
  ['a truth', id(true), 'true']
])('%s has a defined text: %s', ([, record, wanted]) => {
  const path =
    wanted === 'none' && record.attributes?.id ? 'attributes["id"]["x"]' : 'attributes["id"]'
  expect(keyOf(`{${path}}.json`, record)).toBe(`base/audit/${wanted}.json`)
})

test('whatever a value is, the key is one level longer than its folder, storable and no stranger to it', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.constantFrom('..', '.', '.auditcol', '.AUDITCOL', '.tmp', '/', '../../x', '\ud800', '\0')
  )
  const template = compileKeyTemplate('{attributes["folder"]}/%Y/{attributes["file"]}', 'UTC')
  fc.assert(
    fc.property(nasty, nasty, (folder, file) => {
      const attributes = { folder, file }
      const key = keyOf(template, { attributes })
      const levels = key.split('/')
      expect(levels).toHaveLength(5)
      expect(levels.slice(0, 2)).toEqual(['base', 'audit'])
      expect(levels[3]).toBe('2026')
      for (const level of levels) {
        expect(level).not.toMatch(/^(\.{0,2}|\.auditcol|\.tmp)$/i)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        expect(level).not.toMatch(/[\u0000-\u001f\u007f]/)
        expect(level.isWellFormed()).toBe(true)
        expect(Buffer.byteLength(level)).toBeLessThanOrEqual(250)
      }
    })
  )
})

test('long values that differ at their ends stay two', () => {
  const long = (end: string) => keyOf('{attributes["id"]}.json', id(`${'ü'.repeat(300)}${end}`))
  expect(long('a')).not.toBe(long('b'))
  expect(long('a')).toMatch(/^base\/audit\/ü{90,}~[0-9a-f]{12}\.json$/)
})

test('A6: a value that looks like the number of an object is none, in one piece or in two', () => {
  const stolen = `${laneId}-000000000043`
  expect(keyOf('{attributes["id"]}.json', id(stolen))).toBe(
    `base/audit/${laneId}_000000000043.json`
  )
  const attributes = { a: stolen.slice(0, 9), b: stolen.slice(9) }
  expect(keyOf('{attributes["a"]}{attributes["b"]}', { attributes })).not.toContain(stolen)
  expect(withoutNumbers('0a8ef3ad-6b4e-4a2f-bb0b-000000000001')).toBe(
    '0a8ef3ad-6b4e-4a2f-bb0b-000000000001'
  )
})

describe('what is wrong is said at start, with its place', () => {
  test.for<[string, string]>([
    [
      '%Y/{event_nam}',
      'unknown path "event_nam" (did you mean event_name?), at column 5: event_nam}'
    ],
    ['{attributes["a"', 'a { without its other half, at column 1: {attributes["a"; {{ is a {'],
    ['a}b', 'a } without its other half, at column 2: }b; {{ is a {'],
    ['{}', 'unexpected the end, a value is expected, at column 2: }'],
    ['%Y-%Q', 'unknown directive "%Q" in key_template "%Y-%Q"'],
    ['../x', 'key_template has a level that cannot be stored: ".." in ../x'],
    ['a//b', 'key_template has a level that cannot be stored: "" in a//b'],
    ['/a', 'key_template has a level that cannot be stored: "" in /a'],
    ['.auditcol/{number}', 'key_template has a level that cannot be stored: ".auditcol"'],
    ['{attributes["a"]}'.repeat(11), 'key_template leaves each value 22 bytes of the 1024']
  ])('%s: %s', ([template, wanted]) => {
    expect(() => compileKeyTemplate(template, 'UTC')).toThrow(wanted)
  })
})

test('the folders say which time a record belongs to, without what comes from records', () => {
  const template = compileKeyTemplate(
    '{event_name}/%Y/%m-{number}/%d_{attributes["x"]}.json',
    'UTC'
  )
  expect(template.folderFormat).toBe('/%Y/%m-/')
  expect(template.isNumbered).toBe(true)
  expect(compileKeyTemplate('%Y/{event_name}', 'UTC').isNumbered).toBe(false)
})
