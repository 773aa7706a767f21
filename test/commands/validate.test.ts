import { expect, test, vi } from 'vitest'
import { validate } from '../../src/commands/validate.ts'
import { root } from '../config/load.ts'

const options = { set: [], logsOnly: false, env: {}, root }
const good =
  'yaml:{ receivers: { otlp: { protocols: { http: } } }, exporters: { debug: }, ' +
  'service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } } }'

test('prints nothing when the configuration is good', async () => {
  const stdout = vi.spyOn(process.stdout, 'write')
  const stderr = vi.spyOn(process.stderr, 'write')
  await expect(validate({ ...options, config: [good] })).resolves.toBeUndefined()
  expect(stdout).not.toHaveBeenCalled()
  expect(stderr).not.toHaveBeenCalled()
})

test('throws all that is wrong', async () => {
  await expect(
    validate({ ...options, config: [good], set: ['exporters.debug.x=1', 'y=2'] })
  ).rejects.toThrow(
    "--set y: '' has invalid keys: y\n--set exporters.debug.x: exporters::debug: '' has invalid keys: x"
  )
})
