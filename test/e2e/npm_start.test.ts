import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { newDir, root, until } from './auditcol.ts'

const timeout = 60_000

test('npm start: Ctrl-C, which reaches npm, its shell and auditcol alike, drains and ends with 0', {
  timeout
}, async () => {
  const npm = npmStart()
  await until(() => npm.output().includes('Everything is ready'), 'the start', npm.output)
  process.kill(-npm.pid, 'SIGINT')
  expect(await npm.exit).toEqual([0, null])
  expect(npm.output()).toContain('lane logs/awss3: 0 records delivered')
})

test('npm start: SIGTERM to npm alone reaches auditcol, which drains before npm ends with 0', {
  timeout
}, async () => {
  const npm = npmStart()
  await until(() => npm.output().includes('Everything is ready'), 'the start', npm.output)
  process.kill(npm.pid, 'SIGTERM')
  expect(await npm.exit).toEqual([0, null])
  expect(npm.output()).toContain('lane logs/awss3: 0 records delivered')
})

/** The line of the README, with a journal and an archive of its own, on ports that are free. */
function npmStart() {
  const dir = newDir()
  const set = [
    `service::journal::directory=${join(dir, 'journal')}`,
    'receivers::otlp::protocols::grpc::endpoint=127.0.0.1:0',
    'receivers::otlp::protocols::http::endpoint=127.0.0.1:0'
  ].flatMap((override) => ['--set', override])
  const child = spawn('npm', ['start', '--', ...set], {
    cwd: root,
    env: { ...process.env, S3_BUCKET: `file:${join(dir, 'archive')}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  const parts: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => parts.push(part))
  }
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // All of the group have ended, as they should.
    }
  })
  return { pid: child.pid!, exit: once(child, 'exit'), output: () => parts.join('') }
}
