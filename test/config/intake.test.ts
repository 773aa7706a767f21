import { expect, test } from 'vitest'
import { errorsOf, load } from './load.ts'

const withReceiver = (keys: string) => `receivers:
  otlp: { protocols: { http: }, ${keys} }
exporters: { debug: }
service:
  pipelines: { logs: { receivers: [otlp], exporters: [debug] } }
`

test('every receiver takes expect_every, and its component does not see it', async () => {
  const { config } = await load(withReceiver('expect_every: 1h30m'))
  const receiver = config.receivers.get('otlp')!
  expect(receiver.expectEvery).toBe(90 * 60_000)
  expect(receiver.options).not.toHaveProperty('expect_every')
  const { config: without } = await load(withReceiver(''))
  expect(without.receivers.get('otlp')).not.toHaveProperty('expectEvery')
})

test.each([
  ['0s', "pipeline.yaml:2:47: receivers::otlp: 'expect_every' must be at least 1s"],
  ['-1h', "pipeline.yaml:2:47: receivers::otlp: 'expect_every' must be at least 1s"],
  ['500ms', "pipeline.yaml:2:47: receivers::otlp: 'expect_every' must be at least 1s"]
])('expect_every: %s is refused', async (value, error) => {
  expect(await errorsOf(withReceiver(`expect_every: ${value}`))).toEqual([error])
})
