import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { encodeLogs } from '../src/logs/encode.ts'
import type { Logs } from '../src/logs/logs.ts'

/** Audit records as LiteLLM writes them, about 690 bytes each; the same `seed` gives the same bytes. */
export function auditLogs(count: number, seed = 1): Logs {
  const random = randomFrom(seed)
  const resource = {
    attributes: {
      'service.name': 'litellm-proxy',
      'service.version': '1.80.0',
      'host.name': 'proxy-1',
      'deployment.environment.name': 'prod'
    }
  } as unknown as ReadableLogRecord['resource']
  const instrumentationScope = { name: 'litellm.audit' }
  return encodeLogs(
    Array.from({ length: count }, (_, index) => ({
      resource,
      instrumentationScope,
      ...auditRecord(random, index)
    }))
  )
}

const actions = ['created', 'updated', 'deleted', 'blocked']
const tables = [
  'LiteLLM_VerificationToken',
  'LiteLLM_TeamTable',
  'LiteLLM_UserTable',
  'LiteLLM_ProxyModelTable'
]

function auditRecord(random: (below: number) => number, index: number) {
  const action = actions[random(4)]!
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => random(16).toString(16)).join('')
  const budget = `"max_budget":${random(900)},"models":["gpt-4o","claude"`
  return {
    hrTime: [1_800_000_000 + index, 123_456_789] as [number, number],
    hrTimeObserved: [1_800_000_000 + index, 987_654_321] as [number, number],
    severityNumber: 9,
    severityText: 'INFO',
    eventName: `litellm.audit.${action}`,
    body: {
      id: `aud-0badcafe-${String(index).padStart(12, '0')}`,
      updated_at: '2027-01-15T08:00:00.123456789Z',
      changed_by: `user-${random(97)}`,
      changed_by_api_key: hex(64),
      action,
      table_name: tables[random(4)]!,
      object_id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
      before_value: `{${budget}],"tpm_limit":${random(9000)}}`,
      updated_values: `{${budget},"gemini"],"tpm_limit":${random(9000)},"metadata":{"team":"t${random(13)}"}}`
    },
    attributes: {
      'user.id': `user-${random(97)}`,
      'audit.action': action,
      'audit.object.type': 'key',
      'client.address': `10.0.${random(250)}.${random(250)}`
    },
    droppedAttributesCount: 0
  }
}

/** A small generator with a seed (mulberry32), so that two runs measure the same bytes. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
