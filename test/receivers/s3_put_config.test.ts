import { describe, expect, test } from 'vitest'
import { config, memory } from '../../receivers/s3_put.ts'

const pair = { access_key_id: 'AKID', secret_access_key: 'secret-of-the-pair' }
const MiB = 1024 * 1024

describe('s3_put refuses at start', () => {
  test.each([
    ['no pair and no word of auth', {}, /access_keys.*must have a pair to sign with/s],
    ['a pair that proves nothing', { auth: 'none', access_keys: [pair] }, /none does not go with/],
    ['everybody from everywhere', { auth: 'none', endpoint: ':9000' }, /not for :9000/],
    [
      'a name that looks like this machine',
      { auth: 'none', endpoint: '127.evil.example:9000' },
      /a loopback address/
    ],
    ['everybody from a network', { auth: 'none', endpoint: '10.0.0.1:9000' }, /a loopback address/],
    ['a pair twice', { access_keys: [pair, pair] }, /access key id AKID is there twice/],
    ['an empty secret', { access_keys: [{ ...pair, secret_access_key: '' }] }, /secret_access_key/],
    ['a domain with a port', { access_keys: [pair], domain: 's3:9000' }, /without a port/],
    [
      'less room than two requests',
      { access_keys: [pair], max_in_flight_size: MiB },
      /must be at least/
    ]
  ])('%s', (_, keys, message) => {
    const { error } = config.safeParse(keys)
    expect(error?.message).toMatch(message)
    expect(error?.message).not.toContain(pair.secret_access_key)
  })

  test.each([
    { endpoint: 'localhost:9000' },
    { endpoint: '127.0.0.9:9000' },
    { endpoint: '[::1]:9000' },
    { endpoint: '/run/s3.sock', transport: 'unix' }
  ])('not everybody on this machine: %o', (keys) => {
    expect(config.safeParse({ auth: 'none', ...keys }).success).toBe(true)
  })
})

test('the bound on memory counts requests, keys and what reading takes', () => {
  const options = { access_keys: [pair], max_request_body_size: MiB, repeats: { max_keys: 1000 } }
  expect(memory(config.parse(options))).toBe(64 * MiB + 5 * MiB + 40 * MiB + 512_000)
})
