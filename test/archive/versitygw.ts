import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from '../free_port.ts'

/** The keys that it was started with, as variables of the environment. */
export const credentials = { AWS_ACCESS_KEY_ID: 'akey', AWS_SECRET_ACCESS_KEY: 'skey12345' }

/**
 * A real S3 server (github.com/versity/versitygw) over a temp directory, with one bucket `logs`, and
 * with versions a second one, `locked`, that has Object Lock.
 */
export async function startVersitygw(binary: string, { versions = false } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'versitygw-'))
  await mkdir(join(directory, 'buckets/logs'), { recursive: true })
  await mkdir(join(directory, 'versions'))
  await mkdir(join(directory, 'users'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  let server = await launch(binary, port, directory, versions)
  if (versions) await createLocked(endpoint)
  return {
    endpoint,
    /** Where the bucket's objects lie as files. */
    bucket: join(directory, 'buckets/logs'),
    /** Without a word, in the middle of whatever it does. */
    kill: () => end(server, 'SIGKILL'),
    /** It takes connections and answers nobody until it goes on. */
    pause: () => void server.kill('SIGSTOP'),
    goOn: () => void server.kill('SIGCONT'),
    /** Nobody listens any more; what is stored stays. */
    down: () => end(server),
    async up() {
      server = await launch(binary, port, directory, versions)
    },
    async stop() {
      await end(server)
      await rm(directory, { recursive: true })
    }
  }
}

export type Versitygw = Awaited<ReturnType<typeof startVersitygw>>

async function createLocked(endpoint: string) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = credentials
  const client = new S3Client({
    ...{ endpoint, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey }
  })
  await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
  client.destroy()
}

async function launch(binary: string, port: number, directory: string, versions: boolean) {
  const env = { ...process.env, ROOT_ACCESS_KEY: 'akey', ROOT_SECRET_KEY: 'skey12345' }
  const kept = versions ? ['--versioning-dir', join(directory, 'versions')] : []
  const posix = ['posix', ...kept, join(directory, 'buckets')]
  const server = spawn(
    binary,
    ['--port', `127.0.0.1:${port}`, '--iam-dir', join(directory, 'users'), ...posix],
    { env, stdio: 'ignore' }
  )
  await answering(`http://127.0.0.1:${port}`, () => server.exitCode !== null)
  return server
}

async function end(server: ChildProcess, signal?: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = once(server, 'exit')
  server.kill(signal)
  await exit
}

async function answering(url: string, dead: () => boolean) {
  for (let tries = 0; tries < 100; tries++) {
    if (dead()) break
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return
    await wait(50)
  }
  throw new Error(`starting versitygw at ${url}`)
}
