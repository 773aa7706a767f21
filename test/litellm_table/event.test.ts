import { expect, test } from 'vitest'
import { eventOf } from '../../src/litellm_table/event.ts'

const row = {
  id: '0a8ef3ad',
  updated_at: '2026-11-23 08:15:00.12',
  changed_by: 'Zoë',
  changed_by_api_key: '',
  action: 'updated',
  table_name: 'LiteLLM_TeamTable',
  object_id: 'a"b\\c\x7f',
  before_value: '{"max": 10.0, "name": "☂ 😀\\n"}',
  updated_values: null,
  added: '{}'
}

test("an event has the form that LiteLLM's own has: Python's spaces, escapes and times", () => {
  expect(eventOf(row).body).toBe(
    [
      String.raw`{"id": "0a8ef3ad", "updated_at": "2026-11-23T08:15:00.120000+00:00", "changed_by": "Zo\u00eb"`,
      '"changed_by_api_key": "", "action": "updated", "table_name": "LiteLLM_TeamTable"',
      String.raw`"object_id": "a\"b\\c\u007f"`,
      String.raw`"before_value": "{\"max\": 10.0, \"name\": \"\\u2602 \\ud83d\\ude00\\n\"}"`,
      '"updated_values": null}'
    ].join(', ')
  )
})

test('a state that LiteLLM has encoded twice is encoded twice again', () => {
  const before_value = String.raw`"{\"max_budget\": 10.0}"`
  const { body, document } = eventOf({ ...row, before_value })
  expect(document.before_value).toBe(before_value)
  expect(JSON.parse(JSON.parse(JSON.parse(body).before_value))).toEqual({ max_budget: 10 })
})

test.each([
  ['2026-11-23 08:15:00', '2026-11-23T08:15:00+00:00'],
  ['2026-11-23 08:15:00.123456', '2026-11-23T08:15:00.123456+00:00'],
  ['-infinity', '']
])('a time %s is %s', (updated_at, expected) => {
  expect(eventOf({ ...row, updated_at }).document.updated_at).toBe(expected)
})
