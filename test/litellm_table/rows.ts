import type { Postgres } from './postgres.ts'

export interface RowToBe {
  readonly id: string
  /** Seconds before now by the server's clock. */
  readonly age?: number
  readonly before?: string | null
  readonly updated?: string | null
}

/** What LiteLLM does, with its clock so many seconds back. */
export const insertText = `
INSERT INTO "LiteLLM_AuditLog"
  (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values)
SELECT row->>'id', (now() AT TIME ZONE 'UTC') - (row->>'age')::float8 * interval '1 second', 'default_user_id',
  'litellm_proxy_master_key', 'updated', 'LiteLLM_TeamTable', 'team-1', (row->>'before')::jsonb, (row->>'updated')::jsonb
FROM jsonb_array_elements($1::jsonb) row`

export function insertValues(rows: readonly RowToBe[]): [string] {
  return [JSON.stringify(rows.map((row) => ({ age: 60, before: null, updated: '{}', ...row })))]
}

export async function insert(
  postgres: Postgres,
  database: string,
  rows: readonly RowToBe[]
): Promise<void> {
  await postgres.query(database, insertText, insertValues(rows))
}

/** So many rows with ids `<name>-1` and on, the first one the oldest. */
export function rowsOf(name: string, count: number, age = 60): RowToBe[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${name}-${n + 1}`,
    age: age + (count - n) / 1000
  }))
}
