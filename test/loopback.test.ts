import { expect, test } from 'vitest'
import { isLoopback } from '../src/loopback.ts'

test.each([
  'localhost',
  'LocalHost',
  '127.0.0.1',
  '127.0.0.9',
  '127.255.255.255',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1'
])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true)
})

test.each([
  '',
  '127.',
  '127.evil.example',
  '127.0.0.1.evil.example',
  '127.0.0.256',
  '127.1',
  '0177.0.0.1',
  'localhost.evil.example',
  'localhost.',
  '126.0.0.1',
  '128.0.0.1',
  '0.0.0.0',
  '::',
  '::2',
  '::ffff:10.0.0.1',
  '10.0.0.1'
])('%s may be another', (host) => {
  expect(isLoopback(host)).toBe(false)
})
