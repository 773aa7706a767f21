import { describe, expect, test } from 'vitest'
import { config } from '../../processors/redaction.ts'
import { bodyLines } from '../../src/logs/bodies.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { jsonLines } from '../../src/logs/json_lines.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { detailedText, normalText } from '../../src/logs/to_text.ts'
import { newRedactLogs } from '../../src/redaction/redact_logs.ts'
import { places, requestWith, seen } from './places.ts'
import { type Secret, secretsOf } from './secrets.ts'

const secrets = [1, 2, 3, 4, 5, 6, 7, 8].flatMap(secretsOf)

function redacted(logs: Logs, options: object = {}): Logs {
  const parsed = config.parse({ allow_all_keys: true, patterns: 'all', ...options })
  return newRedactLogs(parsed, () => () => {})(logs)
}

function logsWith(some: readonly Secret[]): Logs {
  return logsFromJson(Buffer.from(JSON.stringify(requestWith(some))))
}

/** The bytes of every form in which an exporter hands records on; bytes of a record also in base64. */
function forms(logs: Logs): string {
  const parts = [
    ...logs.chunks,
    ...jsonFromLogs(logs),
    ...jsonLines(logs),
    ...bodyLines(logs),
    Buffer.from(normalText(decodeLogs(logs))),
    Buffer.from(detailedText(decodeLogs(logs)))
  ]
  return parts.map((part) => Buffer.from(part).toString('latin1')).join('\n')
}

test('there are at least 200 secrets, of every kind', () => {
  expect(secrets.length).toBeGreaterThanOrEqual(200)
  expect(new Set(secrets.map(({ value }) => value)).size).toBe(secrets.length)
})

describe.each(Object.keys(places))('in %s', (place) => {
  test('no secret goes out in any form, and without redaction each would', () => {
    const logs = logsFromJson(
      Buffer.from(
        JSON.stringify({
          resourceLogs: secrets.map((secret) => requestOf(place, secret))
        })
      )
    )
    expect(new Set(seen(secrets, forms(logs)).map((one) => one.split(' ')[0])).size).toBe(
      new Set(secrets.map(({ kind }) => kind)).size
    )
    const after = redacted(logs)
    expect(checkLogs(Buffer.concat(after.chunks)).records).toBe(logs.records)
    expect(seen(secrets, forms(after))).toEqual([])
  })
})

function requestOf(place: string, secret: Secret) {
  const { resource, scope, record, schemaUrl = '' } = places[place]!(secret)
  return {
    resource: { ...resource },
    schemaUrl,
    scopeLogs: [{ scope: { ...scope }, logRecords: [{ severityNumber: 9, ...record }] }]
  }
}

test('what was masked once is not masked again', () => {
  const hmac = { hash_function: 'hmac-sha256', hmac_key: 'k'.repeat(32) }
  for (const options of [{}, hmac]) {
    const once = redacted(logsWith(secretsOf(1)), options)
    const twice = redacted(once, options)
    expect(Buffer.concat(twice.chunks).equals(Buffer.concat(once.chunks))).toBe(true)
  }
})

test('with a key, equal secrets have equal masks wherever they stand, and others have others', () => {
  const [ones, others] = [secretsOf(1), secretsOf(2)]
  for (const [index, secret] of ones.entries()) {
    const masks = (some: Secret[]) => {
      const hmac = { hash_function: 'hmac-sha256', hmac_key: 'k'.repeat(32) }
      const written = forms(redacted(logsWith(some), hmac))
      return new Set(written.match(/<hmac:[a-z_]+#[0-9a-f]{16}>/g))
    }
    const here = masks([secret])
    const there = masks([others[index]!])
    expect(here.size, secret.kind).toBeLessThanOrEqual(2)
    expect(here.isDisjointFrom(there), secret.kind).toBe(true)
  }
})
