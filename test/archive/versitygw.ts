import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** A real S3 server (github.com/versity/versitygw) over a temp directory, with one bucket `logs`. */
export async function startVersitygw(binary: string) {
  const directory = await mkdtemp(join(tmpdir(), 'versitygw-'))
  await mkdir(join(directory, 'logs'))
  const port = await freePort()
  const env = { ...process.env, ROOT_ACCESS_KEY: 'akey', ROOT_SECRET_KEY: 'skey12345' }
  const server = spawn(binary, ['--port', `127.0.0.1:${port}`, 'posix', directory], {
    env,
    stdio: 'ignore'
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const endpoint = `http://127.0.0.1:${port}`
  await answering(endpoint, () => server.exitCode !== null)
  return {
    endpoint,
    async stop() {
      server.kill()
      await ended
      await rm(directory, { recursive: true })
    }
  }
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
