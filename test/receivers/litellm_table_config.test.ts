import { expect, test } from 'vitest'
import { componentRoot as root } from '../../src/load.ts'
import { load } from '../config/load.ts'

const withKeys = (keys: string) => `
receivers:
  litellm_table: { ${keys} }
exporters: { debug: {} }
service:
  pipelines: { logs: { receivers: [litellm_table], exporters: [debug] } }
`

test.each([
  ['dsn: "postgresql://reader:p%40ss@db.example:6432/litellm"'],
  ['host: /run/postgresql, database: litellm, user: reader']
])('%s is a place', async (keys) => {
  await expect(load(withKeys(keys), { root })).resolves.toBeDefined()
})

test.each([
  ['', /'host' must be given, or dsn/],
  ['host: db, user: reader', /'database' must be given, or dsn/],
  [
    'dsn: "mysql://a:geheimnis@b/c"',
    /'dsn' must be postgresql:\/\/user:password@host:port\/database/
  ],
  ['dsn: "postgresql://a:geheimnis@b"', /'dsn' names no database/],
  ['dsn: "postgresql://a:geheimnis%@b/c"', /'dsn' has a % that is no percent-encoding/],
  [
    'dsn: "postgresql://a:geheimnis@b/c?sslmode=require"',
    /'dsn' must not have parameters \(sslmode\)/
  ],
  ['dsn: "postgresql://a:geheimnis@b/c", user: x', /'user' is in dsn already/],
  ['host: db, database: d, user: u, poll_interval: 0s', /must be whole milliseconds, at least 1/]
])('%s is refused, and no password is shown', async (keys, expected) => {
  const error: Error = await load(withKeys(keys), { root }).then(
    () => expect.unreachable(),
    (error) => error
  )
  expect(error.message).toMatch(expected)
  expect(error.message).not.toMatch(/geheimnis/)
})
