import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { start, stop, until } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'
import {
  type Postgres,
  postgresBin,
  reader,
  sayWithoutPostgres,
  startPostgres
} from '../litellm_table/postgres.ts'
import { archivedLogs } from './archived.ts'
import { killedLitellm } from './killed_litellm.ts'

const python = process.env.AUDITCOL_PYTHON
const pair = { AWS_ACCESS_KEY_ID: 'AKIDLITELLM', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' }

if (python === undefined)
  console.log(
    'skipped: LiteLLM killed with events queued (AUDITCOL_PYTHON names no python that has it)'
  )
sayWithoutPostgres('LiteLLM killed with events queued')

const sent = 40
const queued = 25

describe.skipIf(python === undefined || postgresBin === undefined)('LiteLLM killed', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 120_000)
  afterAll(() => postgres?.stop())

  const toArchive = (port: number, database: string) => `
receivers:
  s3_put:
    endpoint: 127.0.0.1:${port}
    access_keys:
      - access_key_id: ${pair.AWS_ACCESS_KEY_ID}
        secret_access_key: ${pair.AWS_SECRET_ACCESS_KEY}
    dedup: { id: audit.record.id, scope: litellm }
  litellm_table:
    host: 127.0.0.1
    port: ${postgres.port}
    database: ${database}
    user: ${reader.user}
    password: \${env:READER_PASSWORD}
    tls: { insecure: true }
    poll_interval: 200ms
    min_age: 10s
    dedup: { id: audit.record.id, scope: litellm, compare: id }
exporters:
  awss3: { s3uploader: { region: us-east-1, s3_bucket: 'file:./archive' } }
service:
  pipelines: { logs: { receivers: [s3_put, litellm_table], exporters: [awss3] } }
`

  test('with events in its queue: the table fills them in, and nothing is there twice', {
    timeout: 180_000
  }, async () => {
    const database = await postgres.database()
    const port = await freePort()
    const env = { READER_PASSWORD: reader.password }
    const auditcol = await start({ config: toArchive(port, database), env })
    const events = await killedLitellm({
      ...{ url: `http://127.0.0.1:${port}`, postgres, database, sent, queued },
      env: pair
    })
    const filled = () =>
      [...auditcol.output().matchAll(/(\d+) events? filled in that no PUT brought/g)]
        .map(([, count]) => Number(count))
        .reduce((sum, count) => sum + count, 0)
    await until(() => filled() >= queued, 'the events in the queue', auditcol.output)
    expect(await stop(auditcol)).toBe(0)

    const archived = recordsIn(auditcol.dir)
    expect(events).toHaveLength(sent + queued)
    expect(archived.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort())
    const byPut = archived.filter(({ isPut }) => isPut)
    expect(byPut).toHaveLength(sent)
    const told = new Map(events.map((event) => [event.id, event]))
    for (const { id, body } of byPut) expect(body).toBe(told.get(id)!.body)
    for (const { id, body, name } of archived.filter(({ isPut }) => !isPut)) {
      expect(meaningOf(body)).toEqual(meaningOf(told.get(id)!.body))
      expect(name).toMatch(
        /^litellm\.[a-z_]+\.(created|updated|deleted|blocked|unblocked|rotated|kill_)/
      )
    }
    const output = auditcol.output()
    expect(output).toMatch(
      new RegExp(`s3_put: ${sent} records accepted, 0 of them stored before, 0 with`)
    )
    expect(output).toMatch(
      new RegExp(
        `litellm_table: ${sent + queued} records accepted, 0 of them stored before, ${sent} known by their id`
      )
    )
  })
})

function recordsIn(dir: string) {
  return archivedLogs(dir).flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => {
        const { body, eventName, attributes } = record as typeof record & { eventName: string }
        return {
          id: attributes.find(({ key }) => key === 'audit.record.id')!.value.stringValue!,
          body: (body as { stringValue: string }).stringValue,
          name: eventName,
          isPut: resource.attributes.some(({ key }) => key === 'aws.s3.bucket')
        }
      })
    )
  )
}

/** What the table keeps of an event: milliseconds, and values whatever the order of their keys. */
function meaningOf(body: string) {
  const event = JSON.parse(body)
  return {
    ...event,
    updated_at: event.updated_at.replace(/(\.\d{3})\d{3}\+/, '$1000+').replace('.000000', ''),
    before_value: JSON.parse(event.before_value),
    updated_values: JSON.parse(event.updated_values)
  }
}
