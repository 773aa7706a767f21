import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { noLogs } from '../../src/logs/logs.ts'
import { named } from '../batches.ts'
import { open } from '../journal/harness.ts'
import { type Auditcol, newDir, runToEnd, start, stop, until } from './auditcol.ts'
import { send } from './records.ts'

const timeout = 60_000
const hour = 3_600_000

const config = (expects: string) => `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } }, expect_every: ${expects} }
  s3_put: { endpoint: 127.0.0.1:0, auth: none }
exporters: { debug: }
service:
  pipelines: { logs: { receivers: [otlp, s3_put], exporters: [debug] } }
`

async function doctor({ dir }: Pick<Auditcol, 'dir'>) {
  const { code, output } = await runToEnd({ dir, args: ['doctor'] })
  return { code, receivers: output.split('\n').filter((line) => /^receiver|usual/.test(line)) }
}

/** A directory whose journal was left by a run that ended long ago. */
async function leftBehind(arrived: number, logs = named('x')): Promise<string> {
  const dir = newDir()
  mkdirSync(join(dir, 'journal'))
  const journal = await open(join(dir, 'journal'))
  await new Promise<void>((settle) => {
    journal.append({ logs, meta: { receiver: 'otlp', arrived }, settle: () => settle() }, [])
  })
  await journal.close()
  return dir
}

test('a silence is said when it begins and when it ends, and doctor says it while it lasts', {
  timeout
}, async () => {
  const auditcol = await start({ config: config('1s') })
  const line =
    /warn +nothing arrives receiver=otlp for=1s expect_every=1s since=\S+ last_record=never/
  await until(() => line.test(auditcol.output()), 'the silence', auditcol.output)
  expect(await doctor(auditcol)).toEqual({
    code: 1,
    receivers: [
      expect.stringMatching(/^receiver otlp: nothing for \d+s \(expects something every 1s\)$/),
      expect.stringMatching(/^receiver s3_put: nothing for \d+s$/),
      expect.stringMatching(
        /^ {2}usual cause: LiteLLM writes .*`store_audit_logs: true`.*s3_v2.*licence/
      )
    ]
  })
  await send(auditcol.http, ['a'])
  expect(auditcol.output()).toMatch(/info +records arrive again receiver=otlp silent_for=\d+s/)
  expect(await stop(auditcol)).toBe(0)
  expect(auditcol.output()).toMatch(/receiver otlp: 1 record accepted, silent \d+ times?/)
})

test('after a stop doctor reads the journal; a start that is just listening reports nothing yet', {
  timeout
}, async () => {
  const arrived = Date.now() - 3 * hour
  const dir = await leftBehind(arrived)
  const last = `nothing for 3h (expects something every 1h), last record ${new Date(arrived).toISOString()}`
  const auditcol = await start({ dir, config: config('1h') })
  expect(await doctor(auditcol)).toMatchObject({
    code: 0,
    receivers: [`receiver otlp: ${last}`, expect.anything(), expect.anything()]
  })
  expect(auditcol.output()).not.toContain('nothing arrives')
  expect(await stop(auditcol)).toBe(0)
  expect(await doctor(auditcol)).toMatchObject({
    code: 0,
    receivers: [
      `receiver otlp: ${last}; no collector is running here`,
      'receiver s3_put: nothing yet; no collector is running here',
      expect.anything()
    ]
  })
})

test('a receiver that never was given anything waits on over restarts', { timeout }, async () => {
  const first = await start({ config: config('24h') })
  expect(await stop(first)).toBe(0)
  expect((await doctor(first)).receivers[0]).toMatch(/^receiver otlp: nothing for \d+s /)

  const dir = await leftBehind(Date.now() - 2 * hour, noLogs)
  const auditcol = await start({ dir, config: config('24h') })
  const { receivers } = await doctor(auditcol)
  expect(receivers[0]).toBe('receiver otlp: nothing for 2h (expects something every 24h)')
  expect(await stop(auditcol)).toBe(0)
})
