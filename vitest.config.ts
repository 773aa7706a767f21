import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// A machine that is busy with other things is slow, not broken: a test that hangs is found all the same.
// Most of the long tests wait for processes of their own: a worker for each core, where vitest takes one less.
export default defineConfig({
  test: { testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: availableParallelism() }
})
