import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { archivedLogs, type RecordJson } from '../foreign/archived.ts'
import { freePort } from '../free_port.ts'
import {
  type Postgres,
  postgresBin,
  reader,
  sayWithoutPostgres,
  startPostgres
} from '../litellm_table/postgres.ts'
import { insert, rowsOf } from '../litellm_table/rows.ts'
import { start, stop, until } from './auditcol.ts'

sayWithoutPostgres('litellm_table in a pipeline')

const timeout = 120_000

describe.skipIf(postgresBin === undefined)('a pipeline with litellm_table', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 120_000)
  afterAll(() => postgres?.stop())

  const table = (database: string, more: string) => `
  litellm_table:
    dsn: postgresql://${reader.user}:${reader.password}@127.0.0.1:${postgres.port}/${database}
    tls: { insecure: true }
    poll_interval: 50ms
    min_age: 0s
    overlap: 1m
    ${more}`

  const toArchive = (receivers: string, ids: string) => `
receivers:${receivers}
exporters:
  awss3: { s3uploader: { region: us-east-1, s3_bucket: 'file:./archive' } }
service:
  pipelines: { logs: { receivers: [${ids}], exporters: [awss3] } }
`

  test.each([
    ['without dedup', ''],
    ['with dedup', 'dedup: { id: audit.record.id, compare: id }']
  ])(
    'killed again and again while it reads: every row is in the archive once, %s',
    { timeout },
    async (_, dedup) => {
      const database = await postgres.database()
      await insert(postgres, database, [...rowsOf('old', 300, 120), ...rowsOf('young', 300, 10)])
      const config = toArchive(table(database, `batch_size: 7\n    ${dedup}`), 'litellm_table')
      let auditcol = await start({ config })
      const { dir } = auditcol
      const stored = () => idsIn(dir).length
      for (const share of [50, 200, 400]) {
        await until(() => stored() >= share, `${share} rows`, auditcol.output)
        auditcol.signal('SIGKILL')
        await auditcol.exit
        auditcol = await start({ dir })
      }
      await until(
        () => stored() >= 600,
        'all rows',
        () => `${stored()}`
      )
      await insert(postgres, database, [{ id: 'last', age: 0 }])
      await until(() => stored() >= 601)
      expect(await stop(auditcol)).toBe(0)
      expect(idsIn(dir).sort()).toEqual(
        [...rowsOf('old', 300), ...rowsOf('young', 300), { id: 'last' }].map(({ id }) => id).sort()
      )
      expect(auditcol.output()).not.toContain(reader.password)
    }
  )

  test.each([
    [
      'content',
      ['rebuilt', 'put, marked'],
      /s3_put: 1 record accepted, 0 of them stored before, 1 with a known id/
    ],
    [
      'id',
      ['rebuilt'],
      /s3_put: 1 record accepted, 0 of them stored before, 1 known by their id alone, 0 with/
    ]
  ])(
    'a PUT later than its row, with compare: %s',
    { timeout },
    async (compare, expected, counted) => {
      const database = await postgres.database()
      const port = await freePort()
      const dedup = 'id: audit.record.id, scope: litellm'
      const receivers = `${table(database, `dedup: { ${dedup}, compare: id }`)}
  s3_put: { endpoint: 127.0.0.1:${port}, auth: none, dedup: { ${dedup}, compare: ${compare} } }`
      const auditcol = await start({ config: toArchive(receivers, 'litellm_table, s3_put') })
      await insert(postgres, database, [{ id: 'one' }])
      await until(() => /1 event filled in that no PUT brought/.test(auditcol.output()))
      const body =
        '{"id": "one", "table_name": "LiteLLM_TeamTable", "action": "updated", "object_id": "team-1"}'
      const url = `http://127.0.0.1:${port}/logs/audit_logs/2026-11-23/08-15-00_one.json`
      expect((await fetch(url, { method: 'PUT', body })).status).toBe(200)
      expect(await stop(auditcol)).toBe(0)
      const kinds = recordsIn(auditcol.dir).map(({ attributes }) => {
        const names = attributes.map(({ key }) => key)
        const kind = names.includes('aws.s3.key') ? 'put' : 'rebuilt'
        return names.includes('auditcol.duplicate_id') ? `${kind}, marked` : kind
      })
      expect(kinds.sort().reverse()).toEqual(expected)
      expect(auditcol.output()).toMatch(counted)
      expect(auditcol.output()).toMatch(/litellm_table: 1 record accepted/)
    }
  )
})

function recordsIn(dir: string): RecordJson[] {
  return archivedLogs(dir).flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords)
  )
}

function idsIn(dir: string): string[] {
  return recordsIn(dir).map(
    ({ attributes }) => attributes.find(({ key }) => key === 'audit.record.id')!.value.stringValue!
  )
}
