import pg from 'pg'
import type { Row, Session } from './connection.ts'
import { Mistake } from './mistake.ts'

/** The table as it is there. */
export interface Table {
  /** Quoted, with its schema. */
  readonly name: string
  /** Columns that newer versions of LiteLLM have added. */
  readonly added: readonly string[]
}

/** Of LiteLLM 1.109 and before, in the order of its events. */
export const columns = [
  'id',
  'updated_at',
  'changed_by',
  'changed_by_api_key',
  'action',
  'table_name',
  'object_id',
  'before_value',
  'updated_values'
] as const

/** Looks the table up in the catalog; an Mistake says which column is missing, or what to grant. */
export async function findTable(session: Session, schema: string, table: string): Promise<Table> {
  const name = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`
  const found = await session.query(columnsQuery, [schema, table])
  const unreadable = (why: string) => new Mistake(`reading the table ${name}: ${why}`)
  if (found.length === 0) {
    throw unreadable(
      'it is not in this database. LiteLLM makes it when it starts; `schema` and `table` name another one'
    )
  }
  const byName = new Map(found.map((column) => [column.name!, column]))
  for (const column of columns) {
    const there = byName.get(column)
    if (there === undefined)
      throw unreadable(`it has no column "${column}", so it is not LiteLLM's audit log`)
    if (there.readable !== 't') throw unreadable(grant(column, name, schema, there.user!))
  }
  const { type } = byName.get('updated_at')!
  if (type !== 'timestamp without time zone') {
    throw unreadable(
      `its column "updated_at" is a ${type}, and LiteLLM's is a timestamp without time zone`
    )
  }
  const added = found.filter(({ name, readable }) => readable === 't' && !isOld(name!))
  return { name, added: added.map((column) => column.name!) }
}

const columnsQuery = `
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, current_user AS user,
  has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum`

function grant(column: string, name: string, schema: string, user: string): string {
  const to = pg.escapeIdentifier(user)
  return (
    `${to} may not read its column "${column}". As its owner run: ` +
    `GRANT USAGE ON SCHEMA ${pg.escapeIdentifier(schema)} TO ${to}; GRANT SELECT ON ${name} TO ${to};`
  )
}

function isOld(name: string): boolean {
  return (columns as readonly string[]).includes(name)
}

/** Times as Postgres writes them, by its own clock, in UTC. */
export interface Bounds {
  readonly now: string
  /** Rows up to here are old enough to be taken. */
  readonly last: string
  /** No row appears any more before this. */
  readonly settled: string
}

export async function readBounds(
  session: Session,
  { min_age, overlap }: { min_age: number; overlap: number }
): Promise<Bounds> {
  const [row] = await session.query(boundsQuery, [min_age, Math.max(min_age, overlap)])
  return row as unknown as Bounds
}

const boundsQuery = `
SELECT t.now::text AS now,
  (t.now - $1::float8 * interval '1 millisecond')::text AS last,
  (t.now - $2::float8 * interval '1 millisecond')::text AS settled
FROM (SELECT now() AT TIME ZONE 'UTC' AS now) t`

export interface PageOptions {
  /** Time and id of the row before the first. */
  readonly after: readonly [time: string, id: string]
  /** Of the last row. */
  readonly last: string
  /** Ids of rows that are left out. */
  readonly without: readonly string[]
  readonly rows: number
  /** Of all rows together, as text; the first one may have more alone. */
  readonly bytes: number
}

export interface Page {
  readonly rows: readonly Row[]
  /** Nothing is left up to `last`. */
  readonly isLast: boolean
}

/** The next rows by time and id. What is in memory is what the page may have, here as in pg. */
export async function readPage(
  session: Session,
  table: Table,
  { after, last, without, rows: limit, bytes }: PageOptions
): Promise<Page> {
  const values = [...after, last, without, limit, bytes]
  const rows = await session.query(pageQuery(table), values)
  const [first] = rows
  if (first !== undefined && Number(first.size) > bytes) {
    throw new Error(
      `reading the table ${table.name}: the row ${first.id} has ${first.size} bytes, and max_row_size is ${bytes}: raise it. What comes after this row waits`
    )
  }
  return {
    rows,
    isLast: first === undefined || (+first.found! < limit && +first.found! === rows.length)
  }
}

/** `id` is the primary key, so that time and id put all rows in one order. */
function pageQuery({ name, added }: Table): string {
  const members = added.map(
    (column) => `${pg.escapeLiteral(column)}, ${pg.escapeIdentifier(column)}`
  )
  const texts = columns.map(
    (column) => `CASE WHEN size <= $6 THEN ${column}::text END AS ${column}`
  )
  return `
SELECT id::text, updated_at::text, ${texts.slice(2).join(', ')}, CASE WHEN size <= $6 THEN added::text END AS added,
  size::text, found::text
FROM (
  SELECT *, count(*) OVER () AS found, row_number() OVER page AS number, sum(size) OVER page AS upto
  FROM (
    SELECT *, octet_length(concat(${columns.join(', ')}, added)) AS size
    FROM (
      SELECT ${columns.join(', ')}, jsonb_build_object(${members.join(', ')}) AS added
      FROM ${name}
      WHERE updated_at >= $1::timestamp AND updated_at <= $3::timestamp
        AND (updated_at, id) > ($1::timestamp, $2::text) AND id <> ALL ($4::text[])
      ORDER BY updated_at, id LIMIT $5
    ) chosen
  ) sized
  WINDOW page AS (ORDER BY updated_at, id)
) counted
WHERE number = 1 OR upto <= $6
ORDER BY updated_at, id`
}
