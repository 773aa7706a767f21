import { checkServerIdentity } from 'node:tls'
import pg from 'pg'
import type { TlsSource } from '../tls/client.ts'
import { Mistake } from './mistake.ts'

/** Where the database is, and who reads it. */
export interface Place {
  /** A path is that of the directory of a unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
}

/** A column's text by its name; null where there is none. */
export type Row = Readonly<Record<string, string | null>>

/** One connection to the database. */
export interface Session {
  /** One statement in a transaction that only reads. */
  query(text: string, values: readonly unknown[]): Promise<readonly Row[]>
  /** Closes it, also in the middle of a query, which then rejects. */
  end(): Promise<void>
}

/** Rejects when the server cannot be reached, and as soon as the signal aborts. */
export type Connect = (signal: AbortSignal) => Promise<Session>

export interface ConnectOptions {
  readonly place: Place
  /** Undefined: without TLS. */
  readonly tls: TlsSource | undefined
  /** Milliseconds. */
  readonly connect_timeout: number
  readonly statement_timeout: number
}

/** What the server needs to say that it has ended a statement before we give it up. */
const graceMs = 5_000

/** `pg`, with nothing from the environment: PGPASSWORD and ~/.pgpass are none of ours. */
export function createConnect(options: ConnectOptions): Connect {
  const { place, connect_timeout, statement_timeout } = options
  return async (signal) => {
    signal.throwIfAborted()
    const client = new pg.Client({
      ...place,
      password: async () => place.password,
      ssl: sslOf(options),
      application_name: 'auditcol',
      connectionTimeoutMillis: connect_timeout,
      query_timeout: statement_timeout + graceMs,
      keepAlive: true,
      types: { getTypeParser: () => (text: string) => text }
    })
    // A query that is under way rejects with it; between queries the next one does.
    client.on('error', () => {})
    const stop = () => void client.end()
    signal.addEventListener('abort', stop)
    try {
      await client.connect()
    } catch (cause) {
      signal.removeEventListener('abort', stop)
      throw refusal(place, cause as Error)
    }
    return {
      query: (text, values) => readOnly(client, statement_timeout, text, values),
      end: async () => {
        signal.removeEventListener('abort', stop)
        await client.end()
      }
    }
  }
}

function refusal(place: Place, cause: Error): Error {
  const connecting = `connecting to ${addressOf(place)}`
  // pg's words for it, which have no code.
  return cause.message === 'The server does not support SSL connections'
    ? new Mistake(`${connecting}: the server has no TLS; \`tls: { insecure: true }\` goes without`)
    : new Error(connecting, { cause })
}

/** `host:port/database`, for people: no user and no password. */
export function addressOf({ host, port, database }: Place): string {
  return host.startsWith('/')
    ? `${host}/.s.PGSQL.${port}/${database}`
    : `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`
}

/** Its settings end with the transaction, so that a pooler between us may give the connection to others. */
async function readOnly(
  client: pg.Client,
  statement_timeout: number,
  text: string,
  values: readonly unknown[]
): Promise<readonly Row[]> {
  await client.query(
    `BEGIN READ ONLY; SET LOCAL statement_timeout = ${statement_timeout}; SET LOCAL datestyle = 'ISO, YMD'`
  )
  const { rows } = await client.query(text, [...values])
  // After an error the connection is not used again.
  await client.query('ROLLBACK')
  return rows
}

function sslOf({ place, tls }: ConnectOptions) {
  if (tls === undefined) return false
  // pg names the server by its host whatever `servername` says.
  const { servername, ...options } = tls.current()
  if (servername === undefined || servername === place.host) return options
  type Certificate = Parameters<typeof checkServerIdentity>[1]
  return {
    ...options,
    checkServerIdentity: (_: string, certificate: Certificate) =>
      checkServerIdentity(servername, certificate)
  }
}
