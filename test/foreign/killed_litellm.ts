import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished } from 'vitest'
import { owner, type Postgres, postgresBin } from '../litellm_table/postgres.ts'

export interface Told {
  readonly id: string
  readonly body: string
}

export interface KilledLitellm {
  readonly url: string
  readonly postgres: Postgres
  readonly database: string
  /** Events that it has sent, and that wait in its queue when it is killed. */
  readonly sent: number
  readonly queued: number
  /** A file with `litellm_settings`, in the place of built-in ones. */
  readonly configured?: string
  /** With the pair that it signs with. */
  readonly env: NodeJS.ProcessEnv
}

/** Runs LiteLLM until the last events are queued, and kills it; resolves with all of its events. */
export async function killedLitellm(options: KilledLitellm): Promise<Told[]> {
  const { url, postgres, database, sent, queued, configured = '', env } = options
  const script = join(import.meta.dirname, 'litellm_killed.py')
  const args = [script, url, postgresBin!, `${sent}`, `${queued}`, configured]
  const child = spawn(process.env.AUDITCOL_PYTHON!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...env,
      AWS_EC2_METADATA_DISABLED: 'true',
      PGHOST: postgres.host,
      PGPORT: `${postgres.port}`,
      PGDATABASE: database,
      PGUSER: owner.user,
      PGPASSWORD: owner.password
    }
  })
  const closed = once(child, 'close')
  onTestFinished(() => void child.kill('SIGKILL'))
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const told: Told[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'queued') child.kill('SIGKILL')
    else {
      const { body } = JSON.parse(line)
      told.push({ id: JSON.parse(body).id, body })
    }
  }
  const [, signal] = await closed
  expect(signal, complaints).toBe('SIGKILL')
  return told
}
