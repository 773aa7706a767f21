import { Observable } from 'rxjs'
import { config } from '../../receivers/litellm_table.ts'
import type { Receiver, ReceiverContext } from '../../src/component.ts'
import type { Row, Session } from '../../src/litellm_table/connection.ts'
import { readTable } from '../../src/litellm_table/reading.ts'
import { recordsOf } from '../../src/litellm_table/records.ts'
import { columns } from '../../src/litellm_table/table.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { testPollingReceiver } from '../contract/polling_receiver.ts'

/** A table in memory that answers the receiver's three queries; test/litellm_table asks a real server. */
testPollingReceiver('litellm_table', () => {
  const rows: Row[] = []
  const sessions = new Set<Session>()

  const connect = async (signal: AbortSignal): Promise<Session> => {
    signal.throwIfAborted()
    const session: Session = {
      query: async (text, values) => {
        signal.throwIfAborted()
        if (text.includes('pg_attribute')) return columns.map(columnOf)
        const now = at(rows.length)
        if (text.includes('interval')) return [{ now, last: now, settled: now }]
        const [time, id, last, without] = values as [string, string, string, string[]]
        const found = rows.filter(
          (row) =>
            [row.updated_at, row.id].join() > [time, id].join() &&
            row.updated_at! <= last &&
            !without.includes(row.id!)
        )
        return found.map((row) => ({ ...row, found: `${found.length}` }))
      },
      end: async () => void sessions.delete(session)
    }
    sessions.add(session)
    signal.addEventListener('abort', () => sessions.delete(session))
    return session
  }

  return {
    receiver: (context) => receiverOf(context, connect),
    add: (records) => {
      for (let n = 0; n < records; n++) rows.push(rowOf(rows.length))
    },
    open: () => sessions.size,
    names: ({ logs }) =>
      decodeLogs(logs).map(({ attributes }) => String(attributes['audit.record.id']))
  }
})

function receiverOf(
  context: ReceiverContext,
  connect: (signal: AbortSignal) => Promise<Session>
): Receiver {
  const place = { host: 'db', database: 'litellm', user: 'reader' }
  const options = config.parse({ ...place, min_age: '0s', poll_interval: '1ms', overlap: '0s' })
  return new Observable((out) => {
    const left = new AbortController()
    const ending = AbortSignal.any([context.stopping, left.signal])
    readTable({
      ...{ options, context, connect, ending },
      ready: () => context.ready('PostgreSQL db:5432/litellm'),
      records: (found, arrived) =>
        recordsOf(found, arrived, { database: 'litellm', table: 'audit', open_values: false }),
      emit: (batch) => out.next(batch)
    }).then(
      () => out.complete(),
      (cause: Error) => out.error(cause)
    )
    return () => left.abort()
  })
}

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 23) + seconds * 1000)
    .toISOString()
    .replace('T', ' ')
    .slice(0, 19)
}

function rowOf(number: number): Row {
  return {
    id: `event-${number}`,
    updated_at: at(number),
    ...{ action: 'updated', table_name: 'LiteLLM_TeamTable', object_id: 'team-1', size: '100' }
  }
}

function columnOf(name: string): Row {
  const type = name === 'updated_at' ? 'timestamp without time zone' : 'text'
  return { name, type, user: 'reader', readable: 't' }
}
