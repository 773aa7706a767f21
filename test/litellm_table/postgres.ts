import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../free_port.ts'

/** A certificate for localhost and 127.0.0.1, and who has signed it. */
export const certificates = join(import.meta.dirname, '../fixtures/tls')

/** Where initdb and postgres are. */
export const postgresBin = process.env.AUDITCOL_POSTGRES

export function sayWithoutPostgres(what: string): void {
  if (postgresBin !== undefined) return
  console.log(
    `skipped: ${what} (AUDITCOL_POSTGRES names no directory with the programs of PostgreSQL)`
  )
}

/** As LiteLLM's migrations make it (1.109: schema.prisma, model LiteLLM_AuditLog). */
export const createTable = `
CREATE TABLE "LiteLLM_AuditLog" (
  "id" TEXT NOT NULL,
  "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "changed_by" TEXT NOT NULL DEFAULT '',
  "changed_by_api_key" TEXT NOT NULL DEFAULT '',
  "action" TEXT NOT NULL,
  "table_name" TEXT NOT NULL,
  "object_id" TEXT NOT NULL,
  "before_value" JSONB,
  "updated_values" JSONB,
  CONSTRAINT "LiteLLM_AuditLog_pkey" PRIMARY KEY ("id")
)`

export const reader = { user: 'reader', password: 'not-a-real-secret' }
export const owner = { user: 'litellm', password: 'not-a-real-secret-either' }

/** A real server over a temp directory, on loopback; it has a certificate, and TLS when `ssl` is set on. */
export async function startPostgres() {
  const directory = await mkdtemp(join(tmpdir(), 'auditcol-postgres-'))
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, owner.password)
  for (const name of ['server.pem', 'server.key']) {
    await copyFile(join(certificates, name), join(directory, name))
    await chmod(join(directory, name), 0o600)
  }
  if (isRoot) {
    await chown(directory, nobody, nobody)
    for (const name of await readdir(directory)) await chown(join(directory, name), nobody, nobody)
  }
  const data = join(directory, 'data')
  await promisify(execFile)(
    ...asNobody('initdb', [
      ...['--pgdata', data, '--username', owner.user, '--pwfile', passwordFile],
      ...['--auth=scram-sha-256', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8']
    ])
  )
  const port = await freePort()
  const address = { host: '127.0.0.1', port }
  let server = await launch(data, directory, address)
  await asOwner('postgres', `CREATE ROLE ${reader.user} LOGIN PASSWORD '${reader.password}'`)
  let databases = 0

  async function asOwner(database: string, text: string, values: unknown[] = []) {
    const client = new pg.Client({ ...address, ...owner, database })
    await client.connect()
    try {
      return await client.query(text, values)
    } finally {
      await client.end()
    }
  }

  return {
    ...address,
    /** Its superuser's connection, which the caller ends. */
    ownerOf: (database: string) => new pg.Client({ ...address, ...owner, database }),
    /** A database with LiteLLM's table, which the reader may read; resolves with its name. */
    async database(grant = true): Promise<string> {
      const name = `litellm_${++databases}`
      await asOwner('postgres', `CREATE DATABASE ${name}`)
      await asOwner(name, createTable)
      if (grant) await asOwner(name, `GRANT SELECT ON "LiteLLM_AuditLog" TO ${reader.user}`)
      return name
    },
    query: asOwner,
    /** Without a word to its clients. */
    down: () => end(server, 'SIGQUIT'),
    async up() {
      server = await launch(data, directory, address)
    },
    async stop() {
      await end(server, 'SIGQUIT')
      await rm(directory, { recursive: true, force: true })
    }
  }
}

export type Postgres = Awaited<ReturnType<typeof startPostgres>>

async function launch(
  data: string,
  directory: string,
  { host, port }: { host: string; port: number }
) {
  const settings = {
    ...{ fsync: 'off', shared_buffers: '16MB', max_connections: '20' },
    ssl_cert_file: join(directory, 'server.pem'),
    ssl_key_file: join(directory, 'server.key')
  }
  const server = spawn(
    ...asNobody('postgres', [
      ...['-D', data, '-h', host, '-p', `${port}`, '-k', directory],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    ]),
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  let said = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  for (const limit = Date.now() + 30_000; ; await wait(20)) {
    const client = new pg.Client({ host, port, ...owner, database: 'postgres' })
    try {
      await client.connect()
      await client.end()
      return server
    } catch (cause) {
      if (server.exitCode !== null || Date.now() > limit)
        throw new Error(`starting postgres: ${said}`, { cause })
    }
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill(signal)
  await once(server, 'exit')
}

/** Debian's `nobody` and `nogroup`: the server does not run as root. */
const nobody = 65534
const isRoot = process.getuid?.() === 0

function asNobody(program: string, args: string[]): [file: string, args: string[]] {
  const path = join(postgresBin!, program)
  const ids = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
  return isRoot ? ['setpriv', [...ids, path, ...args]] : [path, args]
}
