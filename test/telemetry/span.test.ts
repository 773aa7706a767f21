import { expect, test } from 'vitest'
import { spanText } from '../../src/telemetry/span.ts'

test.each([
  [0, '0s'],
  [999, '0s'],
  [1000, '1s'],
  [61_999, '1m1s'],
  [3_600_000, '1h'],
  [3_605_000, '1h'],
  [5_400_000, '1h30m'],
  [86_400_000 * 30, '720h'],
  [86_400_000 + 7_230_000, '26h']
])('%i ms is %s', (milliseconds, text) => {
  expect(spanText(milliseconds)).toBe(text)
})
