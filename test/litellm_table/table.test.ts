import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import litellmTable, { config } from '../../receivers/litellm_table.ts'
import { type Batch, RefusedError } from '../../src/component.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { runReceiver } from '../contract/run_receiver.ts'
import { until } from '../e2e/auditcol.ts'
import {
  certificates,
  type Postgres,
  postgresBin,
  reader,
  sayWithoutPostgres,
  startPostgres
} from './postgres.ts'
import { insert, insertText, insertValues, rowsOf } from './rows.ts'

sayWithoutPostgres('the receiver litellm_table against a real server')

describe.skipIf(postgresBin === undefined)('litellm_table reads a real server', () => {
  let postgres: Postgres
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 120_000)
  afterAll(() => postgres?.stop())

  interface Options {
    readonly database: string
    readonly resume?: string | undefined
    readonly each?: (batch: Batch) => void
    readonly keys?: Record<string, unknown>
  }

  /** A receiver for the duration of the test; it takes over everything unless `each` says otherwise. */
  function read({ database, resume, each = (batch) => batch.settle(), keys }: Options) {
    const { host, port } = postgres
    const options = config.parse({
      ...{ host, port, database, ...reader, tls: { insecure: true } },
      ...{ poll_interval: '20ms', min_age: '0s', overlap: '30s', ...keys }
    })
    const said: string[] = []
    const run = runReceiver((context) => litellmTable(options, context), each, { resume, said })
    onTestFinished(() => run.subscription.unsubscribe())
    const marks = () => run.batches.map(({ meta }) => meta.resume)
    return { ...run, said, ids: () => run.batches.flatMap(idsOf), mark: () => marks().at(-1) }
  }

  const has = (count: number, { ids }: { ids: () => string[] }) =>
    until(
      () => ids().length >= count,
      `${count} rows`,
      () => ids().join()
    )

  test('rows come in the order of their times, whole pages and what is left', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 25))
    const reading = read({ database, keys: { batch_size: 10 } })
    await has(25, reading)
    expect(reading.ids()).toEqual(rowsOf('row', 25).map(({ id }) => id))
    expect(reading.batches.map(({ logs }) => logs.records)).toEqual([10, 10, 5])
    reading.stop()
    await reading.ended
    expect(reading.said.at(-1)).toMatch(/25 events read from the table/)
  })

  test('many rows of one time are more than a page', async () => {
    const database = await postgres.database()
    const rows = Array.from({ length: 25 }, (_, n) => ({ id: `same-${n}` }))
    await insert(postgres, database, rows)
    const reading = read({ database, keys: { batch_size: 10 } })
    await has(25, reading)
    await insert(postgres, database, [{ id: 'next', age: 0 }])
    await has(26, reading)
    expect(new Set(reading.ids()).size).toBe(26)
    expect(reading.ids()).toHaveLength(26)
  })

  test('a row that appears behind others within the overlap is taken, and none twice', async () => {
    const database = await postgres.database()
    await insert(postgres, database, [{ id: 'first', age: 5 }])
    const reading = read({ database })
    await has(1, reading)
    await insert(postgres, database, [
      { id: 'behind', age: 20 },
      { id: 'before', age: 1 }
    ])
    await has(3, reading)
    await insert(postgres, database, [{ id: 'further behind', age: 25 }])
    await has(4, reading)
    expect(reading.ids()).toEqual(['first', 'behind', 'before', 'further behind'])
  })

  test('a transaction that commits late is taken, also by a receiver that starts again', async () => {
    const database = await postgres.database()
    const late = postgres.ownerOf(database)
    await late.connect()
    onTestFinished(() => late.end())
    await late.query('BEGIN')
    await late.query(insertText, insertValues([{ id: 'late', age: 10 }]))
    await insert(postgres, database, [{ id: 'early', age: 1 }])
    const first = read({ database })
    await has(1, first)
    first.stop()
    await first.ended
    await late.query('COMMIT')
    const second = read({ database, resume: first.mark() })
    await has(1, second)
    await insert(postgres, database, [{ id: 'next', age: 0 }])
    await has(2, second)
    expect([...first.ids(), ...second.ids()]).toEqual(['early', 'late', 'next'])
  })

  test('who starts again with the mark of any batch takes each row once', async () => {
    const database = await postgres.database()
    await insert(postgres, database, [...rowsOf('old', 20, 60), ...rowsOf('young', 20, 5)])
    let { ids, resume } = { ids: [] as string[], resume: undefined as string | undefined }
    for (let batches = 0; batches < 6; batches++) {
      // Only its first batch is durable: of the second one nobody hears any more.
      let settled = 0
      const reading = read({
        database,
        resume,
        keys: { batch_size: 7 },
        each: (batch) => settled++ === 0 && batch.settle()
      })
      const batch = await reading.next()
      ids = [...ids, ...idsOf(batch)]
      resume = batch.meta.resume
      reading.subscription.unsubscribe()
    }
    expect(ids).toEqual([...rowsOf('old', 20), ...rowsOf('young', 20)].map(({ id }) => id))
    expect(JSON.parse(resume!).taken).toHaveLength(20)
  })

  test('a row is taken when it has its age, and none for so long after the start', async () => {
    const database = await postgres.database()
    await insert(postgres, database, [{ id: 'old' }, { id: 'young', age: 0 }])
    const reading = read({ database, keys: { min_age: '1s' } })
    await has(2, reading)
    // In one batch: the young one has come of age while the old one had to wait too.
    expect(reading.batches.map(idsOf)).toEqual([['old', 'young']])
    await insert(postgres, database, [
      { id: 'next', age: 0 },
      { id: 'old enough', age: 5 }
    ])
    await has(4, reading)
    expect(reading.ids().slice(2)).toEqual(['old enough', 'next'])
  })

  test('a refusal is waited for, and the same rows come again', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 3))
    let refusals = 0
    const refused = new RefusedError('full', { reason: 'unavailable', retryAfter: 0.2 })
    const reading = read({
      database,
      each: (batch) => batch.settle(refusals++ ? undefined : refused)
    })
    await has(6, reading)
    expect(reading.batches.map(idsOf)).toEqual([
      ['row-1', 'row-2', 'row-3'],
      ['row-1', 'row-2', 'row-3']
    ])
    expect(reading.said.join()).not.toMatch(/failed/)
  })

  test('after a refusal a row has to be older still: its PUT was refused too', async () => {
    const database = await postgres.database()
    await insert(postgres, database, [{ id: 'refused' }])
    const refused = new RefusedError('full', { reason: 'unavailable', retryAfter: 0 })
    let batches = 0
    const each = (batch: Batch) => batches++ > 0 && batch.settle()
    const reading = read({ database, keys: { min_age: '1s' }, each })
    const first = await reading.next()
    await insert(postgres, database, [{ id: 'young', age: 0 }])
    first.settle(refused)
    await has(3, reading)
    expect(reading.batches.map(idsOf)).toEqual([['refused'], ['refused', 'young']])
  })

  test('from the end: what is there stays away, also when auditcol is down before the first row', async () => {
    const database = await postgres.database()
    await insert(postgres, database, [{ id: 'there' }])
    const first = read({ database, keys: { start_at: 'end' } })
    const { logs, meta } = await first.next()
    expect(logs.records).toBe(0)
    first.stop()
    await first.ended
    await insert(postgres, database, [{ id: 'meanwhile', age: 0 }])
    const second = read({ database, keys: { start_at: 'end' }, resume: meta.resume })
    await has(1, second)
    expect(second.ids()).toEqual(['meanwhile'])
  })

  test('a server that goes and comes back is said once each, and no row is lost or there twice', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 30, 100))
    const held = Promise.withResolvers<Batch>()
    let batches = 0
    const each = (batch: Batch) => (++batches === 2 ? held.resolve(batch) : batch.settle())
    const reading = read({ database, keys: { batch_size: 10 }, each })
    const second = await held.promise
    await postgres.down()
    second.settle()
    await until(() => reading.said.some((line) => /reading the table failed/.test(line)))
    await postgres.up()
    await has(30, reading)
    await insert(postgres, database, [{ id: 'next', age: 0 }])
    await has(31, reading)
    expect(reading.ids()).toEqual([...rowsOf('row', 30).map(({ id }) => id), 'next'])
    expect(reading.said.filter((line) => /reading the table failed/.test(line))).toHaveLength(1)
    expect(reading.said.filter((line) => /reading the table works again/.test(line))).toHaveLength(
      1
    )
  })

  test('a server that is away at the start is waited for, and the start goes on', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 3))
    await postgres.down()
    const reading = read({ database })
    expect(await reading.endpoint).toBe(`127.0.0.1:${postgres.port}`)
    await until(() => reading.said.length > 0)
    expect(reading.said[0]).toMatch(
      /reading the table failed.*connecting to 127.0.0.1:\d+\/litellm_/
    )
    await postgres.up()
    await has(3, reading)
  })

  test.each<
    [string, (database: string) => Promise<unknown> | undefined, Record<string, unknown>, RegExp]
  >([
    [
      'a right that is missing',
      (database) => postgres.query(database, `REVOKE SELECT ON "LiteLLM_AuditLog" FROM reader`),
      {},
      /"reader" may not read its column "id".*GRANT USAGE ON SCHEMA "public" TO "reader"; GRANT SELECT ON "public"."LiteLLM_AuditLog" TO "reader"/
    ],
    [
      'a column that is missing',
      (database) =>
        postgres.query(database, 'ALTER TABLE "LiteLLM_AuditLog" DROP COLUMN before_value'),
      {},
      /"public"."LiteLLM_AuditLog": it has no column "before_value"/
    ],
    [
      'a time of another type',
      (database) =>
        postgres.query(
          database,
          'ALTER TABLE "LiteLLM_AuditLog" ALTER COLUMN updated_at TYPE timestamptz'
        ),
      {},
      /"updated_at" is a timestamp with time zone/
    ],
    [
      'another table',
      () => undefined,
      { table: 'audit' },
      /"public"."audit": it is not in this database/
    ],
    [
      'a wrong password',
      () => undefined,
      { password: 'a-wrong-secret' },
      /connecting to .*password authentication failed for user "reader"/
    ],
    [
      'a database that is not there',
      () => undefined,
      { database: 'nowhere' },
      /"nowhere" does not exist/
    ],
    [
      'a server without TLS',
      () => undefined,
      { tls: {} },
      /the server has no TLS; `tls: { insecure: true }`/
    ]
  ])('%s stops the start with what to do', async (_, change, keys, expected) => {
    const database = await postgres.database()
    await change(database)
    const reading = read({ database, keys })
    const error: Error = await reading.ended.then(
      () => expect.unreachable(),
      (error) => error
    )
    const text = `${error.message}: ${error.cause}`
    expect(text).toMatch(expected)
    expect(text).not.toMatch(/secret/)
  })

  test('a right that is taken away later is said, and what else runs goes on', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 1))
    const reading = read({ database })
    await has(1, reading)
    await postgres.query(database, 'REVOKE SELECT ON "LiteLLM_AuditLog" FROM reader')
    await until(() => reading.said.some((line) => /GRANT SELECT/.test(line)))
    await postgres.query(database, 'GRANT SELECT ON "LiteLLM_AuditLog" TO reader')
    await insert(postgres, database, [{ id: 'next', age: 0 }])
    await has(2, reading)
  })

  test('rights on the columns are enough, and on a view', async () => {
    const database = await postgres.database(false)
    await insert(postgres, database, rowsOf('row', 1))
    await postgres.query(
      database,
      `ALTER TABLE "LiteLLM_AuditLog" ADD COLUMN secret TEXT;
       GRANT SELECT (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value,
         updated_values) ON "LiteLLM_AuditLog" TO reader;
       CREATE VIEW audit AS SELECT * FROM "LiteLLM_AuditLog"; GRANT SELECT ON audit TO reader`
    )
    const columns = read({ database })
    await has(1, columns)
    const view = read({ database, keys: { table: 'audit' } })
    await has(1, view)
    expect(columns.ids()).toEqual(view.ids())
  })

  test('a column that a newer LiteLLM has added is in the event', async () => {
    const database = await postgres.database()
    await postgres.query(database, 'ALTER TABLE "LiteLLM_AuditLog" ADD COLUMN object_alias TEXT')
    await insert(postgres, database, rowsOf('row', 1))
    await postgres.query(database, `UPDATE "LiteLLM_AuditLog" SET object_alias = 'Zoë'`)
    const [record] = decodeLogs((await read({ database }).next()).logs)
    expect(record!.attributes['litellm.object_alias']).toBe('Zoë')
    expect(record!.body).toMatch(/, "object_alias": "Zo\\u00eb"}$/)
  })

  test('a page has no more bytes than max_row_size; a row that has more alone waits and is named', async () => {
    const database = await postgres.database()
    const big = (id: string, bytes: number, age: number) => ({
      ...{ id, age },
      before: JSON.stringify({ text: 'x'.repeat(bytes) })
    })
    await insert(postgres, database, [
      ...Array.from({ length: 6 }, (_, n) => big(`row-${n}`, 9_000, 100 - n)),
      big('too big', 50_000, 50),
      big('after', 10, 40)
    ])
    const reading = read({ database, keys: { max_row_size: '20kB' } })
    await until(() => reading.said.length > 0)
    expect(reading.said[0]).toMatch(
      /the row too big has 50\d+ bytes, and max_row_size is 20000: raise it/
    )
    expect(reading.batches.map(({ logs }) => logs.records)).toEqual([2, 2, 2])
    reading.stop()
    await reading.ended
    const again = read({ database, resume: reading.mark() })
    await has(2, again)
    expect(again.ids()).toEqual(['too big', 'after'])
  })

  test('with TLS the server has to prove its name', async () => {
    const database = await postgres.database()
    await insert(postgres, database, rowsOf('row', 1))
    await postgres.query(database, 'ALTER SYSTEM SET ssl = on')
    await postgres.query(database, 'SELECT pg_reload_conf()')
    onTestFinished(async () => {
      await postgres.query(database, 'ALTER SYSTEM RESET ssl')
      await postgres.query(database, 'SELECT pg_reload_conf()')
    })
    const ca_file = join(certificates, 'ca.pem')
    const good = read({ database, keys: { tls: { ca_file } } })
    await has(1, good)
    const named = read({
      database,
      keys: { host: 'localhost', tls: { ca_file, server_name_override: '127.0.0.1' } }
    })
    await has(1, named)
    for (const tls of [{}, { ca_file, server_name_override: 'db.example' }]) {
      const refused = read({ database, keys: { tls } })
      await until(() => refused.said.length > 0)
      expect(refused.said[0]).toMatch(/reading the table failed.*(certificate|altnames)/)
      expect(refused.batches).toEqual([])
    }
  })

  test('a large table is read page by page: one batch at once, each in its bounds', {
    timeout: 120_000
  }, async () => {
    const database = await postgres.database()
    await postgres.query(
      database,
      `INSERT INTO "LiteLLM_AuditLog" (id, updated_at, action, table_name, object_id, before_value)
       SELECT gen_random_uuid(), (now() AT TIME ZONE 'UTC') - n * interval '1 second', 'updated', 'LiteLLM_TeamTable', n,
         jsonb_build_object('text', repeat('x', 500)) FROM generate_series(60, 30059) n`
    )
    let open = 0
    let records = 0
    const ids = new Set<string>()
    const largest = { open: 0, bytes: 0, mark: 0 }
    const ended = new EventTarget()
    const each = (batch: Batch) => {
      largest.open = Math.max(largest.open, ++open)
      largest.bytes = Math.max(largest.bytes, batch.logs.bytes)
      largest.mark = Math.max(largest.mark, batch.meta.resume!.length)
      records += batch.logs.records
      for (const id of idsOf(batch)) ids.add(id)
      setImmediate(() => {
        open--
        batch.settle()
        if (records === 30_000) ended.dispatchEvent(new Event('all'))
      })
    }
    const all = once(ended, 'all')
    read({ database, keys: { batch_size: 5000, max_row_size: '1MiB' }, each })
    await all
    expect(ids.size).toBe(30_000)
    expect(largest.open).toBe(1)
    expect(largest.bytes).toBeLessThan(3 * 2 ** 20)
    expect(largest.mark).toBeLessThan(200)
  })
})

function idsOf({ logs }: Batch): string[] {
  return decodeLogs(logs).map(({ attributes }) => String(attributes['audit.record.id']))
}
