import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newDir, runToEnd, start, stop } from './auditcol.ts'
import { pipelineOf } from './pipeline.ts'

const timeout = 60_000

const debug = 'verbosity: basic'
const archiveIn = (directory: string) =>
  `s3uploader: { region: eu-central-1, s3_bucket: "file:${directory}" }`

/** What a person reads: one sentence, no stack. */
function sentence(output: string): string {
  const lines = output.split('\n').filter((line) => line.startsWith('auditcol: '))
  expect(lines).toHaveLength(1)
  expect(output).not.toMatch(/\n\s+at /)
  return lines[0]!
}

describe('what cannot start is named in one sentence, exit code 1', () => {
  test('a port in use', { timeout }, async () => {
    const other = createServer()
    onTestFinished(() => void other.close())
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
    })
    const { code, output } = await runToEnd({
      config: pipelineOf({ debug }),
      args: ['run', '--set', `receivers::otlp::protocols::http::endpoint=127.0.0.1:${port}`]
    })
    expect(code).toBe(1)
    expect(sentence(output)).toBe(
      `auditcol: the receiver otlp: listening on 127.0.0.1:${port}: address already in use: stop what listens there, or choose another endpoint`
    )
  })

  test('L2: a queue batch in bytes that the lane could never fill', { timeout }, async () => {
    const config = pipelineOf({
      debug: `${debug}, sending_queue: { batch: { sizer: bytes, min_size: 100000000 } }`
    })
    const { code, output } = await runToEnd({ config })
    expect(code).toBe(1)
    expect(sentence(output)).toMatch(
      /sending_queue::batch::min_size \(100000000\) must be less than or equal to the lane's window \(67108864 bytes\)$/
    )
  })

  test('J9: a journal that another process has locked; that one goes on', { timeout }, async () => {
    const config = pipelineOf({ debug })
    const owner = await start({ config })
    const { code, output } = await runToEnd({ dir: owner.dir })
    expect(code).toBe(1)
    expect(sentence(output)).toBe(
      'auditcol: the journal ./journal is in use by another process: stop it, or name another directory'
    )
    expect(await stop(owner)).toBe(0)
  })

  // Root may write anywhere, so the place is one where no directory can be.
  test('a journal directory that cannot be made', { timeout }, async () => {
    const dir = newDir()
    writeFileSync(join(dir, 'file'), '')
    const service = '  journal: { directory: ./file/journal }'
    const { code, output } = await runToEnd({ dir, config: pipelineOf({ debug }, { service }) })
    expect(code).toBe(1)
    expect(sentence(output)).toMatch(
      /^auditcol: opening the journal \.\/file\/journal: ENOTDIR: not a directory/
    )
  })

  test('a journal directory that cannot be written to', { timeout }, async () => {
    const dir = newDir()
    mkdirSync(join(dir, 'journal', 'lock'), { recursive: true })
    const { code, output } = await runToEnd({ dir, config: pipelineOf({ debug }) })
    expect(code).toBe(1)
    expect(sentence(output)).toMatch(
      /^auditcol: opening the journal \.\/journal: unable to open database file$/
    )
  })

  test('an archive directory that cannot be made', { timeout }, async () => {
    const dir = newDir()
    writeFileSync(join(dir, 'file'), '')
    const config = pipelineOf({ awss3: archiveIn('./file/archive') })
    const { code, output } = await runToEnd({ dir, config })
    expect(code).toBe(1)
    expect(sentence(output)).toMatch(
      /^auditcol: pipeline\.yaml:\d+:\d+: starting the exporter awss3: .*file\/archive.*ENOTDIR/
    )
  })
})

test('a store that is not what `require` asks for refuses start, with the line and what to do', {
  timeout
}, async () => {
  const config = pipelineOf({ awss3: `require: [object_lock], ${archiveIn('./archive')}` })
  const { code, output } = await runToEnd({ config })
  expect(code).toBe(1)
  expect(sentence(output)).toMatch(
    /^auditcol: pipeline\.yaml:\d+:\d+: starting the exporter awss3: file:\.\/archive is not what require asks for: object_lock is no \(it is off, or there is none\): take a bucket with Object Lock enabled$/
  )
})

describe('a bad configuration: every error with its place, exit code 2, and nothing is started', () => {
  test('an unknown key', { timeout }, async () => {
    const config = pipelineOf({ debug: 'verbosty: basic' })
    for (const command of ['run', 'validate']) {
      const { code, output, dir } = await runToEnd({ config, args: [command] })
      expect(code).toBe(2)
      expect(output).toMatch(/^pipeline\.yaml:\d+:\d+: .*verbosty.*verbosity/)
      expect(readdirSync(dir)).toEqual(['pipeline.yaml'])
    }
  })

  test('several errors at once', { timeout }, async () => {
    const config = `${pipelineOf({ debug: 'verbosity: loud' })}    traces: { receivers: [nobody], exporters: [debug] }\n`
    const { code, output, dir } = await runToEnd({ config })
    expect(code).toBe(2)
    expect(output.trim().split('\n').length).toBeGreaterThan(1)
    expect(output).toMatch(/^pipeline\.yaml:\d+:\d+: .*verbosity/m)
    expect(output).toMatch(/^pipeline\.yaml:\d+:\d+: .*traces/m)
    expect(readdirSync(dir)).toEqual(['pipeline.yaml'])
  })

  test('a file that is not there, and text that is no YAML', { timeout }, async () => {
    const missing = await runToEnd({ args: ['run', '--config', 'nowhere.yaml'] })
    expect(missing.code).toBe(2)
    expect(missing.output).toContain('nowhere.yaml')
    const broken = await runToEnd({ config: 'receivers: [otlp\nservice: }' })
    expect(broken.code).toBe(2)
    expect(broken.output).toMatch(/^pipeline\.yaml:\d+:\d+: /)
    expect(existsSync(join(broken.dir, 'journal'))).toBe(false)
  })
})
