import { z } from 'zod'
import type { Place } from './connection.ts'

const text = () => z.string().default('')

/** Where the database is: in one text, or in five. */
export const placeKeys = {
  dsn: text().describe(
    'The database as `postgresql://user:password@host:port/database`; characters such as `@` percent-encoded. Or the five keys below.'
  ),
  host: text().describe('Host of the server, or the directory of its unix socket.'),
  port: z.number().int().min(1).max(65_535).default(5432).describe('Port of the server.'),
  database: text().describe('Name of the database.'),
  user: text().describe('Role that reads; it needs SELECT on the table and nothing else.'),
  password: text().describe('Its password.')
}

type Keys = z.infer<z.ZodObject<typeof placeKeys>>

export function isSocket({ host }: Pick<Place, 'host'>): boolean {
  return host.startsWith('/')
}

/** Of checked keys. */
export function placeOf({ dsn, host, port, database, user, password }: Keys): Place {
  return dsn === '' ? { host, port, database, user, password } : (parseDsn(dsn) as Place)
}

/** Messages never show a dsn: it has a password. */
export function placeProblems(keys: Keys, context: z.RefinementCtx): void {
  const issue = (key: keyof Keys, message: string) =>
    context.addIssue({ code: 'custom', path: [key], message })
  if (keys.dsn === '') {
    for (const key of ['host', 'database', 'user'] as const)
      if (keys[key] === '') issue(key, `must be given, or dsn`)
    return
  }
  for (const key of ['host', 'database', 'user', 'password'] as const)
    if (keys[key] !== '') issue(key, 'is in dsn already: give one of them')
  const place = parseDsn(keys.dsn)
  if (typeof place === 'string') issue('dsn', place)
}

/** The place, or what is wrong with it. */
function parseDsn(dsn: string): Place | string {
  const url = URL.parse(dsn)
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    return 'must be postgresql://user:password@host:port/database, with characters such as @ percent-encoded'
  if (url.search !== '' || url.hash !== '') {
    return `must not have parameters (${[...url.searchParams.keys()].join(', ')}): TLS and times have keys here, and schema too`
  }
  try {
    const place = {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 5432 : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password)
    }
    const missing = (['host', 'database', 'user'] as const).find((key) => place[key] === '')
    return missing === undefined ? place : `names no ${missing}`
  } catch {
    return 'has a % that is no percent-encoding: write it %25'
  }
}
