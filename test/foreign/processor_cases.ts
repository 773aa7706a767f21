import type { Case } from './beside.ts'

const text = (stringValue: string) => ({ stringValue })
const attribute = (key: string, value: object) => ({ key, value })

const rich = [
  attribute('text', text('alice@example.com from 10.0.0.1')),
  attribute('int', { intValue: '42' }),
  attribute('big', { intValue: '-9007199254740993' }),
  attribute('double', { doubleValue: 2.75 }),
  attribute('huge', { doubleValue: 1e300 }),
  attribute('yes', { boolValue: true }),
  attribute('no', { boolValue: false }),
  attribute('number', text('+17')),
  attribute('decimal', text('1.5e3')),
  attribute('bytes', { bytesValue: 'AQID' }),
  attribute('list', { arrayValue: { values: [{ intValue: '1' }, text('two')] } }),
  attribute('map', {
    kvlistValue: { values: [attribute('b', { doubleValue: 5 }), attribute('a', text('<x>'))] }
  }),
  attribute('empty', {}),
  attribute('user.id', text('alice')),
  attribute('user.mail', text('alice@example.com'))
]

const record = (body: string, severityNumber: number, attributes: object[]) => ({
  timeUnixNano: '1700000000123456789',
  severityNumber,
  severityText: severityNumber > 12 ? 'ERROR' : 'INFO',
  body: text(body),
  attributes
})

const resource = (service: string, ...more: object[]) => ({
  attributes: [
    attribute('service.name', text(service)),
    attribute('replicas', { intValue: '3' }),
    ...more
  ]
})

export const input = {
  resourceLogs: [
    {
      resource: resource('gateway', attribute('host.name', text('pod-1'))),
      scopeLogs: [
        {
          scope: { name: 'audit', version: '1.2' },
          logRecords: [
            record('created a key', 9, rich),
            record('deleted a key', 17, [attribute('tenant', text('red')), ...rich.slice(0, 3)])
          ]
        },
        { scope: { name: 'other' }, logRecords: [record('plain', 0, [])] }
      ]
    },
    {
      resource: resource('billing'),
      scopeLogs: [
        {
          scope: { name: 'audit', version: '1.2' },
          logRecords: [
            record('paid', 9, [
              attribute('tenant', text('red')),
              attribute('n', { intValue: '1' })
            ]),
            record('paid again', 9, [attribute('tenant', text('blue'))]),
            record('once more', 9, [attribute('tenant', text('red'))])
          ]
        }
      ]
    },
    {
      resource: resource('billing'),
      scopeLogs: [
        { scope: { name: 'audit', version: '1.2' }, logRecords: [record('later', 13, [])] }
      ]
    }
  ]
}

const attributes = (yaml: string, more = ''): Case => ({
  type: 'attributes',
  yaml: `{ actions: [${yaml}]${more} }`
})
const action = (rest: string) => attributes(`{ ${rest} }`)
const chosen = (match: string) =>
  attributes('{ key: seen, value: true, action: insert }', `, ${match}`)

export const cases: readonly Case[] = [
  action('key: new, value: x, action: insert'),
  action('key: int, value: x, action: insert'),
  action('key: int, value: 7, action: update'),
  action('key: missing, value: 7, action: update'),
  action('key: int, value: 5.0, action: upsert'),
  action('key: new, value: 5, action: UPSERT'),
  action('key: new, value: 9007199254740993, action: upsert'),
  action('key: new, value: 1e3, action: upsert'),
  action('key: new, value: false, action: upsert'),
  action('key: new, value: "007", action: upsert'),
  action('key: new, value: { a: [1, 2.0, x, { b: true }] }, action: upsert'),
  action('key: new, from_attribute: map, action: insert'),
  action('key: new, from_attribute: empty, action: insert'),
  action('key: new, from_attribute: missing, action: insert'),
  action('key: new, from_attribute: missing, default_value: [1], action: insert'),
  action('key: int, from_attribute: text, action: update'),
  action('key: new, default_value: 3, action: upsert'),
  action('key: new, from_context: metadata.X-Tenant, action: upsert'),
  action('key: new, from_context: x-tenant, action: upsert'),
  action('key: new, from_context: metadata.x-none, action: upsert'),
  action('key: new, from_context: metadata.x-none, default_value: none, action: upsert'),
  action('key: new, from_context: auth.subject, action: upsert'),
  action('key: new, from_context: client.address, action: upsert'),
  action('key: text, action: delete'),
  action('key: text, pattern: "^user[.]", action: delete'),
  action('pattern: "i", action: delete'),
  ...['text', 'int', 'big', 'double', 'yes', 'no', 'bytes', 'list', 'map', 'empty'].map((key) =>
    action(`key: ${key}, action: hash`)
  ),
  action('key: user.id, pattern: "^user", action: hash'),
  action(
    'key: text, pattern: "^(?P<user>[^@]+)@(?P<domain>[^ ]+)(?P<text> none)?", action: extract'
  ),
  action('key: int, pattern: "(?P<digits>.*)", action: extract'),
  action('key: text, pattern: "(?<nothing>never)", action: extract'),
  ...['string', 'int', 'double'].flatMap((type) =>
    rich.map(({ key }) => action(`key: ${key}, converted_type: ${type}, action: convert`))
  ),
  attributes(
    '{ key: a, from_attribute: int, action: insert }, { key: int, action: delete }, { key: a, action: hash }'
  ),
  chosen('include: { match_type: strict, log_bodies: [plain, paid] }'),
  chosen('include: { match_type: regexp, log_bodies: ["key$"] }'),
  chosen('include: { match_type: strict, log_severity_texts: [ERROR] }'),
  chosen('include: { match_type: strict, log_severity_number: { min: 10 } }'),
  chosen(
    'include: { match_type: strict, log_severity_number: { min: 10, match_undefined: true } }'
  ),
  chosen('include: { match_type: strict, attributes: [{ key: int, value: 42 }] }'),
  chosen('include: { match_type: strict, attributes: [{ key: int, value: 42.0 }] }'),
  chosen('include: { match_type: strict, attributes: [{ key: int, value: "42" }] }'),
  chosen('include: { match_type: strict, attributes: [{ key: map, value: { a: <x>, b: 5.0 } }] }'),
  chosen('include: { match_type: strict, attributes: [{ key: list, value: [1, two] }] }'),
  chosen('include: { match_type: regexp, attributes: [{ key: double, value: "^2[.]7" }] }'),
  chosen('include: { match_type: regexp, attributes: [{ key: map, value: "." }] }'),
  chosen('include: { attributes: [{ key: tenant }] }'),
  chosen(
    'include: { match_type: strict, resources: [{ key: replicas, value: 3 }, { key: host.name }] }'
  ),
  chosen('include: { match_type: regexp, libraries: [{ name: "^aud" }] }'),
  chosen('include: { match_type: strict, libraries: [{ name: audit, version: "1.2" }] }'),
  chosen('exclude: { match_type: strict, attributes: [{ key: tenant, value: red }] }'),
  chosen(
    'include: { match_type: strict, attributes: [{ key: tenant }] }, exclude: { match_type: regexp, log_bodies: [again, deleted] }'
  ),
  {
    type: 'resource',
    yaml: '{ attributes: [{ key: env, value: prod, action: upsert }, { key: host.name, action: delete }, { key: service.name, action: hash }] }'
  },
  {
    type: 'resource',
    yaml: '{ attributes: [{ key: service.name, pattern: "^(?P<first>.)", action: extract }, { key: replicas, converted_type: string, action: convert }] }'
  },
  { type: 'resource', yaml: '{ attributes: [{ key: none, action: delete }] }' },
  { type: 'groupbyattrs', yaml: '{ keys: [] }' },
  { type: 'groupbyattrs', yaml: '{ keys: [tenant] }' },
  { type: 'groupbyattrs', yaml: '{ keys: [tenant, n, "", tenant] }' },
  { type: 'groupbyattrs', yaml: '{ keys: [service.name, int, map] }' }
]

const scope = (region: string) => ({
  scope: { name: 'audit', attributes: [attribute('region', text(region))] },
  schemaUrl: 'https://scope',
  logRecords: [record('one', 9, [])]
})

/** What the Collector merges with a loss, or sees half of. */
export const odd = {
  resourceLogs: [
    { resource: resource('a'), schemaUrl: 'https://one', scopeLogs: [scope('eu')] },
    { resource: resource('a'), schemaUrl: 'https://two', scopeLogs: [scope('us')] },
    {
      resource: resource('b'),
      scopeLogs: [
        {
          logRecords: [
            record('twice', 9, [attribute('text', text('x')), attribute('text', text('y'))])
          ]
        }
      ]
    }
  ]
}

/** Where the records of `odd` differ, each with its reason. */
export const differences: readonly (Case & { readonly why: string })[] = [
  {
    ...{ type: 'groupbyattrs', yaml: '{ keys: [] }' },
    why: 'schema urls and scope attributes are kept: the Collector leaves them out, or takes the first for all'
  },
  {
    ...action('key: text, action: delete'),
    why: 'of a key that is there twice both go: the Collector leaves the second'
  },
  {
    ...action('key: text, action: hash'),
    why: 'of a key that is there twice both are hashed: the Collector leaves the second'
  }
]

export const refusals: readonly (Case & { readonly says: string })[] = [
  [
    'key: a, action: insert',
    'Either field "value", "from_attribute", "from_context", or "default_value" must be specified'
  ],
  [
    'key: a, value: 1, from_attribute: b, action: upsert',
    'error with key "a" (0-th action): error creating AttrProc due to multiple value sources being set'
  ],
  [
    'action: insert, value: 1',
    'error creating AttrProc due to missing required field "key" at the 0-th action'
  ],
  [
    'action: delete',
    'error creating AttrProc due to missing required field (at least one of "key" and "pattern" have to be used) at the 0-th action'
  ],
  [
    'key: a, value: 1, pattern: b, action: insert',
    'Action "insert" does not use the "pattern" field. This must not be specified'
  ],
  [
    'key: a, value: 1, converted_type: int, action: insert',
    'Action "insert" does not use the "converted_type" field. This must not be specified'
  ],
  [
    'key: a, value: 1, action: delete',
    'Action "delete" does not use "value" or "from_attribute" field. These must not be specified'
  ],
  ['key: a, pattern: "(", action: hash', 'Field "pattern" has invalid pattern: "("'],
  [
    'key: a, converted_type: int, action: hash',
    'Action "hash" does not use the "converted_type" field. This must not be specified'
  ],
  [
    'key: a, action: extract',
    'error creating AttrProc due to missing required field "pattern" for action "extract"'
  ],
  ['key: a, pattern: "b", action: extract', 'Field "pattern" contains no named matcher groups'],
  [
    'key: a, pattern: "(?P<b>.)(.)", action: extract',
    'Field "pattern" contains at least one unnamed matcher group'
  ],
  [
    'key: a, value: 1, pattern: "(?P<b>.)", action: extract',
    'Action "extract" does not use a value source field. These must not be specified'
  ],
  [
    'key: a, action: convert',
    'error creating AttrProc due to missing required field "converted_type" for action "convert"'
  ],
  [
    'key: a, converted_type: bool, action: convert',
    'error creating AttrProc due to invalid value "bool" in field "converted_type" for action "convert"'
  ],
  [
    'key: a, pattern: b, converted_type: int, action: convert',
    'Action "convert" does not use value sources or "pattern" field. These must not be specified'
  ],
  [
    'key: a, action: remove',
    'error with key "a" (0-th action): error creating AttrProc due to unsupported action "remove"'
  ]
]
  .map(([yaml, says]) => ({ ...action(yaml!), says: says! }))
  .concat(
    [
      [
        'include: { match_type: strict }',
        'at least one of "attributes", "libraries", "span_kinds", "resources", "log_bodies", "log_severity_texts" or "log_severity_number" field must be specified'
      ],
      [
        'include: { match_type: strict, services: [a] }',
        'services, span_names, span_kinds and metric_names are not valid for log records'
      ],
      [
        'include: { match_type: glob, log_bodies: [a] }',
        "error creating log record body filters: unrecognized match_type: 'glob', valid types are: [regexp strict]"
      ],
      [
        'exclude: { match_type: strict, attributes: [{ value: a }] }',
        "error creating attribute filters: can't have empty key in the list of attributes"
      ],
      [
        'exclude: { match_type: regexp, resources: [{ key: a, value: 5 }] }',
        'error creating resource filters: match_type=regexp for "a" only supports Str, but found Int'
      ]
    ].map(([match, says]) => ({ ...chosen(match!), says: says! })),
    [
      { type: 'attributes', yaml: '{ actions: [] }', says: 'missing required field "actions"' },
      { type: 'resource', yaml: '{}', says: 'missing required field "attributes"' }
    ]
  )
