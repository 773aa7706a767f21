import { defineConfig } from 'vitest/config'

// A machine that is busy with other things is slow, not broken: a test that hangs is found all the same.
export default defineConfig({ test: { testTimeout: 30_000, hookTimeout: 30_000 } })
