import type { Case } from './beside.ts'

const text = (stringValue: string) => ({ stringValue })
const attribute = (key: string, value: object) => ({ key, value })
const map = (...values: object[]) => ({ kvlistValue: { values } })
const list = (...values: object[]) => ({ arrayValue: { values } })

const card = '4111111111111111'

const hidden = Array.from(card, (digit) => `\\u003${digit}`).join('')

const attributes = [
  attribute('id', text('7')),
  attribute('mail', text('bob@example.com, help@example.com')),
  attribute('help', text('help@example.com')),
  attribute('lines', text(`first ${card}\n\nthird ${card}\n`)),
  attribute('api_token', text('one\ntwo')),
  attribute('token_count', { intValue: '42' }),
  attribute('card', { intValue: card }),
  attribute('half', { doubleValue: 0.5 }),
  attribute('yes', { boolValue: true }),
  attribute('bytes', { bytesValue: Buffer.from(card).toString('base64') }),
  attribute('empty', {}),
  attribute('blank', text('')),
  attribute('list', list(text(card), { intValue: card })),
  attribute(
    'map',
    map(attribute('mail', text('bob@example.com')), attribute('n', { intValue: '1' }))
  ),
  attribute('json', text(`{"mail":"bob@example.com","card":"${card}"}`)),
  attribute('unicode', text('é bob@example.com 😀'))
]

const bodies = [
  text(`pays with ${card} as bob@example.com`),
  text('help@example.com'),
  text(''),
  {},
  { intValue: card },
  { doubleValue: 4.5 },
  { boolValue: false },
  list(text(card), map(attribute('id', text('x')), attribute('mail', text('bob@example.com')))),
  map(...attributes, attribute('deep', map(attribute('id', list(text(`a${card}`), text('ok'))))))
]

/** Every kind of value in every place where the Collector looks. */
export const input = {
  resourceLogs: [
    {
      resource: { attributes: attributes.slice(0, 5) },
      scopeLogs: [
        {
          scope: { name: 'audit', attributes: attributes.slice(0, 3) },
          logRecords: bodies.map((body, index) => ({
            timeUnixNano: String(index + 1),
            body,
            attributes: index % 2 === 0 ? attributes : []
          }))
        }
      ]
    }
  ]
}

const key = 'k'.repeat(64)
const blocked = `blocked_values: ['4[0-9]{15}', '[a-z]+@[a-z.]+']`

/** Without `deep` nothing differs. */
export const same: Case[] = [
  '{}',
  '{ summary: debug }',
  '{ allowed_keys: [id, mail, deep, map], summary: debug }',
  `{ allow_all_keys: true, ${blocked} }`,
  `{ allow_all_keys: true, ${blocked}, summary: info }`,
  `{ allow_all_keys: true, ${blocked}, summary: debug }`,
  `{ allow_all_keys: true, ${blocked}, redact_all_types: true, summary: debug }`,
  `{ allow_all_keys: true, ${blocked}, allowed_values: ['^help@'], summary: debug }`,
  `{ allow_all_keys: true, ${blocked}, allowed_values: ['help'], redact_all_types: true, summary: debug }`,
  `{ allow_all_keys: true, blocked_key_patterns: [token, '^list$', '^map$'], summary: debug }`,
  `{ allow_all_keys: true, blocked_key_patterns: ['.'], redact_all_types: true }`,
  `{ allow_all_keys: true, ${blocked}, ignored_keys: [mail, deep], ignored_key_patterns: ['^ca', n], summary: debug }`,
  `{ allowed_keys: [id, lines], ignored_keys: [map], ${blocked}, summary: debug }`,
  ...['md5', 'sha1', 'sha3'].map(
    (name) =>
      `{ allow_all_keys: true, ${blocked}, blocked_key_patterns: [token], hash_function: ${name} }`
  ),
  ...['hmac-sha256', 'hmac-sha512'].map(
    (name) => `{ allow_all_keys: true, ${blocked}, hash_function: ${name}, hmac_key: ${key} }`
  ),
  `{ allow_all_keys: true, blocked_values: ['x*'] }`,
  `{ allow_all_keys: true, blocked_values: ['(?i)BOB', '(?s)first.*third', '\\pL+', '\\b7\\b', '^$'] }`
].map((yaml) => ({ type: 'redaction', yaml, ours: 'deep: false' }))

/** With it ours masks what the Collector lets pass: its records are told by `timeUnixNano`. */
export const deep: Case = {
  type: 'redaction',
  yaml: `{ allow_all_keys: true, ${blocked} }`
}

export const passesTheCollector = {
  resourceLogs: [
    {
      scopeLogs: [
        {
          scope: { name: card },
          logRecords: [
            { attributes: [attribute('a list', list(text(card)))] },
            { attributes: [attribute('a map', map(attribute('x', text(card))))] },
            {
              attributes: [attribute('bytes', { bytesValue: Buffer.from(card).toString('base64') })]
            },
            { body: { bytesValue: Buffer.from(card).toString('base64') } },
            { body: text(`{"card":"${hidden}"}`) },
            {
              body: text(JSON.stringify({ before_value: JSON.stringify(`{"card":"${hidden}"}`) }))
            },
            { eventName: card },
            { severityText: card }
          ]
        }
      ]
    }
  ]
}

/** In what is written of a record, its escapes or not, and as base64. */
export function isSeen(record: unknown): boolean {
  const written = JSON.stringify(record).replaceAll('\\', '')
  return [card, hidden.replaceAll('\\', ''), Buffer.from(card).toString('base64')].some((one) =>
    written.includes(one)
  )
}
