import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import s3Put, { config } from '../../receivers/s3_put.ts'
import { Refusal } from '../../src/s3_put/refusal.ts'
import { createRefused } from '../../src/s3_put/refused.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { runReceiver } from '../contract/run_receiver.ts'
import { accessKey, credentials, litellmPut, send, signed } from './start.ts'

afterEach(() => void vi.useRealTimers())

test('a sender with a wrong secret is told of in the log, without the secret', async () => {
  const said: string[] = []
  const options = config.parse({ endpoint: '127.0.0.1:0', access_keys: [accessKey] })
  const run = runReceiver((context) => s3Put(options, context), undefined, { said })
  onTestFinished(() => run.subscription.unsubscribe())
  const address = await run.endpoint
  const key = { ...credentials, secretAccessKey: 'another' }
  const request = await signed(litellmPut('{}'), address, { key })
  for (let i = 0; i < 3; i++)
    expect((await send(address, request)).code).toBe('SignatureDoesNotMatch')
  const warnings = said.filter((line) => line.includes('warn'))
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(
    /a request is refused .*SignatureDoesNotMatch.*configured key.*from=127\.0\.0\.1/
  )
  expect(warnings[0]).not.toContain(credentials.secretAccessKey)
})

test('each code is told when it begins and then once a minute, with its number so far', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    ...{ level: 'info', encoding: 'json' },
    write: (line) => lines.push(JSON.parse(line))
  })
  const refused = createRefused(log)
  const skewed = new Refusal('RequestTimeTooSkewed', 'clocks')
  const large = new Refusal('EntityTooLarge', 'large')
  for (const refusal of [skewed, skewed, large, skewed]) refused(refusal, '10.0.0.1')
  vi.advanceTimersByTime(60_000)
  refused(skewed, '10.0.0.1')
  expect(lines.map(({ code, so_far }) => [code, so_far])).toEqual([
    ['RequestTimeTooSkewed', 1],
    ['EntityTooLarge', 1],
    ['RequestTimeTooSkewed', 4]
  ])
})

test('what mends itself, and what a client may well ask for in vain, is not told', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', encoding: 'json', write: (line) => lines.push(line) })
  const refused = createRefused(log)
  for (const code of ['SlowDown', 'NoSuchKey', 'PreconditionFailed', 'NotImplemented'] as const)
    refused(new Refusal(code, ''), undefined)
  expect(lines).toEqual([])
})
