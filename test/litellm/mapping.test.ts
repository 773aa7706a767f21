import { describe, expect, test } from 'vitest'
import { isAuditEvent, mapAuditEvent } from '../../src/litellm/audit_event.ts'
import { timeFromKey, timeFromSeconds, timeFromText } from '../../src/litellm/event_time.ts'
import { openValue } from '../../src/litellm/open_value.ts'
import { isRequestLog, mapRequestLog } from '../../src/litellm/request_log.ts'

const event = {
  id: '0a8ef3ad-6b4e-4a2f-bb0b-6e9d6d4a5f01',
  updated_at: '2026-11-23T08:15:00.123456+00:00',
  changed_by: 'default_user_id',
  changed_by_api_key: 'litellm_proxy_master_key',
  action: 'rotated',
  table_name: 'LiteLLM_VerificationToken',
  object_id: 'b7f1',
  before_value: null,
  updated_values: '{"max_budget": 10.5}'
}

const second = Date.parse('2026-11-23T08:15:00Z') / 1000

describe('an audit event of LiteLLM', () => {
  test("is named by its table and action, and speaks the audit draft's words", () => {
    expect(mapAuditEvent(event, false)).toEqual({
      eventName: 'litellm.verification_token.rotated',
      time: [second, 123_456_000],
      attributes: {
        'audit.record.id': event.id,
        'audit.actor.id': 'default_user_id',
        'audit.actor.type': 'user',
        'audit.action': 'ROTATE',
        'audit.outcome': 'success',
        'audit.target.id': 'b7f1',
        'audit.target.type': 'verification_token',
        'litellm.table_name': 'LiteLLM_VerificationToken',
        'litellm.action': 'rotated',
        'litellm.changed_by': 'default_user_id',
        'litellm.changed_by_api_key': 'litellm_proxy_master_key'
      }
    })
  })

  test.each([
    ['LiteLLM_TeamTable', 'created', 'litellm.team.created', 'CREATE'],
    ['LiteLLM_UserTable', 'updated', 'litellm.user.updated', 'UPDATE'],
    ['LiteLLM_ProxyModelTable', 'deleted', 'litellm.proxy_model.deleted', 'DELETE'],
    ['LiteLLM_ModelTable', 'created', 'litellm.model.created', 'CREATE'],
    ['LiteLLM_ManagedFileTable', 'created', 'litellm.managed_file.created', 'CREATE'],
    ['LiteLLM_ToolTable', 'updated', 'litellm.tool.updated', 'UPDATE'],
    ['LiteLLM_VerificationToken', 'rotated', 'litellm.verification_token.rotated', 'ROTATE'],
    ['LiteLLM_CacheConfig', 'updated', 'litellm.cache_config.updated', 'UPDATE'],
    ['LiteLLM_ConfigOverrides', 'updated', 'litellm.config_overrides.updated', 'UPDATE'],
    ['LiteLLM_Config', 'updated', 'litellm.config.updated', 'UPDATE'],
    ['LiteLLM_SSOConfig', 'blocked', 'litellm.sso_config.blocked', 'BLOCK'],
    ['LiteLLM_UISettings', 'unblocked', 'litellm.ui_settings.unblocked', 'UNBLOCK'],
    [
      'LiteLLM_AgentsTable',
      'kill_switch_fired',
      'litellm.agents.kill_switch_fired',
      'KILL_SWITCH_FIRED'
    ],
    ['Somebody.Else’s', 'Un Known', 'litellm.somebody_else_s.un_known', 'UN KNOWN'],
    ['', '', 'litellm.unknown.unknown', '']
  ])('of %s, %s, passes', (table_name, action, eventName, verb) => {
    const mapped = mapAuditEvent({ ...event, table_name, action }, false)
    expect(mapped.eventName).toBe(eventName)
    expect(mapped.attributes['audit.action']).toBe(verb)
  })

  test.each([
    ['user', { changed_by: 'u', changed_by_api_key: 'k' }, 'u'],
    ['service', { changed_by: '', changed_by_api_key: 'k' }, 'k'],
    ['system', { changed_by: '', changed_by_api_key: '' }, 'litellm']
  ])('is the act of a %s', (type, actor, id) => {
    const { attributes } = mapAuditEvent({ ...event, ...actor }, false)
    expect(attributes).toMatchObject({ 'audit.actor.type': type, 'audit.actor.id': id })
  })

  test('has the fields of newer versions', () => {
    const newer = { object_alias: 'core', object_team_id: 't', changed_by_user_email: 'a@b.c' }
    expect(mapAuditEvent({ ...event, ...newer }, false).attributes).toMatchObject({
      'litellm.object_alias': 'core',
      'litellm.object_team_id': 't',
      'litellm.changed_by_user_email': 'a@b.c'
    })
  })

  test('has every plain field of whatever comes next, up to 64 of them', () => {
    const next = { request_id: 'r', dry_run: false, tries: 2, empty: '', none: null, list: [1] }
    const { attributes } = mapAuditEvent({ ...event, ...next }, false)
    expect(attributes).toMatchObject({
      'litellm.request_id': 'r',
      'litellm.dry_run': false,
      'litellm.tries': 2
    })
    for (const name of [
      'id',
      'updated_at',
      'object_id',
      'updated_values',
      'empty',
      'none',
      'list'
    ]) {
      expect(attributes).not.toHaveProperty([`litellm.${name}`])
    }
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`field_${n}`, n]))
    const { attributes: some } = mapAuditEvent({ ...event, ...many }, false)
    expect(Object.keys(some).filter((name) => name.startsWith('litellm.'))).toHaveLength(64)
  })

  test('leaves what LiteLLM has starred as it is', () => {
    const updated_values = '{"key_alias": "****", "token": "b7f1", "models": ["gpt"]}'
    const { attributes } = mapAuditEvent({ ...event, updated_values }, true)
    expect(attributes['litellm.updated_values']).toEqual(JSON.parse(updated_values))
  })

  test('gives its values opened when asked to', () => {
    const twice = JSON.stringify(JSON.stringify({ models: ['gpt'], limits: { rpm: null } }))
    const { attributes } = mapAuditEvent({ ...event, before_value: twice }, true)
    expect(attributes).toMatchObject({
      'litellm.before_value': { models: ['gpt'], limits: { rpm: null } },
      'litellm.updated_values': { max_budget: 10.5 }
    })
    const none = mapAuditEvent({ ...event, before_value: 'null', updated_values: 'no json' }, true)
    expect(none.attributes).not.toHaveProperty('litellm.before_value')
    expect(none.attributes).not.toHaveProperty('litellm.updated_values')
  })

  test('is told by its body', () => {
    expect(isAuditEvent(event)).toBe(true)
    expect(isAuditEvent({ ...event, action: 1 })).toBe(false)
    expect(isAuditEvent({ table_name: 'a', action: 'b' })).toBe(false)
  })
})

describe('a value that LiteLLM has encoded', () => {
  const value = { a: [1, { b: 'c' }] }
  const encode = (times: number): unknown =>
    times === 0 ? value : JSON.stringify(encode(times - 1))

  test.each([0, 1, 2, 3])('%s times is opened', (times) => {
    expect(openValue(encode(times))).toEqual(value)
  })

  test.each([
    ['more often', encode(4)],
    ['no structure', '"text"'],
    ['a number', 1],
    ['deeper than OTLP has room for', '['.repeat(25) + ']'.repeat(25)],
    ['too large', JSON.stringify({ text: 'x'.repeat(256 * 1024) })]
  ])('stays closed: %s', (_, closed) => {
    expect(openValue(closed)).toBeUndefined()
  })
})

describe('a request log of LiteLLM', () => {
  const log = {
    id: 'chatcmpl-1',
    call_type: 'acompletion',
    model: 'gpt-4o',
    status: 'success',
    startTime: 1_795_421_700.123456,
    response_cost: 0.000_15,
    total_tokens: 30,
    messages: [{ role: 'user', content: 'secret' }],
    metadata: { user_api_key_alias: 'core', user_api_key_team_id: null, spend_logs_metadata: {} }
  }

  test('is named by its call, with who called, which model and what it cost', () => {
    expect(isRequestLog(log)).toBe(true)
    expect(mapRequestLog(log)).toEqual({
      eventName: 'litellm.request.acompletion',
      time: [1_795_421_700, 123_456_000],
      attributes: {
        'litellm.id': 'chatcmpl-1',
        'litellm.call_type': 'acompletion',
        'litellm.status': 'success',
        'litellm.model': 'gpt-4o',
        'litellm.total_tokens': 30,
        'litellm.response_cost': 0.000_15,
        'litellm.user_api_key_alias': 'core'
      }
    })
  })

  test('is told by its body', () => {
    expect(isRequestLog({ call_type: 'x', model: 'y' })).toBe(false)
    expect(isRequestLog({ ...log, call_type: 1 })).toBe(false)
  })
})

describe('the time', () => {
  test.each([
    ['2026-11-23T08:15:00.123456+00:00', [second, 123_456_000]],
    ['2026-11-23T10:15:00+02:00', [second, 0]],
    ['2026-11-23T08:15:00.5Z', [second, 500_000_000]],
    ['2026-11-23 08:15:00.000001', [second, 1000]],
    ['', undefined],
    ['yesterday', undefined],
    ['2026-13-45T08:15:00Z', undefined],
    ['0001-01-01T00:00:00Z', undefined],
    ['9999-01-01T00:00:00Z', undefined],
    [null, undefined]
  ])('of an event, %s', (text, expected) => {
    expect(timeFromText(text)).toEqual(expected)
  })

  test.each([
    [1.5, [1, 500_000_000]],
    [Number.NaN, undefined],
    [-1, undefined],
    [1e300, undefined],
    ['1', undefined]
  ])('in seconds, %s', (seconds, expected) => {
    expect(timeFromSeconds(seconds)).toEqual(expected)
  })

  test.each([
    ['proxy/audit_logs/2026-11-23/08-15-00_7c1.json', [second, 0]],
    ['audit_logs/2026-11-23/08/08-15-00_7c1.json', [second, 0]],
    ['2026-11-23/time-08-15-00-123456_chatcmpl-1.json', [second, 123_456_000]],
    ['audit_logs/2026-11-23/batch_08-15-00_f00.jsonl', [second, 0]],
    ['audit_logs/2026-11-23/99-99-99_7c1.json', undefined],
    ['report.json', undefined]
  ])('from a key, %s', (key, expected) => {
    expect(timeFromKey(key)).toEqual(expected)
  })
})
