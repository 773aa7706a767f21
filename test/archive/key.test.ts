import { expect, test } from 'vitest'
import {
  hasNumber,
  type KeyOptions,
  keyLayout,
  keyProblem,
  withNumber
} from '../../src/archive/key.ts'

const laneId = '00112233aabbccdd'
const at = new Date('2026-01-24T06:40:09.123Z')
const id = `${laneId}-000000000042`
const options: KeyOptions = {
  s3_base_prefix: '',
  s3_prefix: '',
  s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H/minute=%M',
  s3_partition_timezone: 'UTC',
  file_prefix: '',
  unique_key_func_name: '',
  extension: 'json',
  compression: 'none',
  laneId
}
const key = (more: Partial<KeyOptions> = {}, prefix?: string) =>
  keyLayout({ ...options, ...more })({ at, number: 42, prefix })
const day = { s3_partition_format: 'day=%Y-%m-%d' }

test.for<[string, Partial<KeyOptions>, string]>([
  ['the default', {}, `year=2026/month=01/day=24/hour=06/minute=40/logs_${id}.json`],
  [
    'base prefix, prefix, file prefix and gzip together',
    {
      s3_base_prefix: 'base/path',
      s3_prefix: 'telemetry',
      file_prefix: 'signal-output-',
      compression: 'gzip'
    },
    `base/path/telemetry/year=2026/month=01/day=24/hour=06/minute=40/signal-output-logs_${id}.json.gz`
  ],
  [
    'folders by hour',
    { s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H' },
    `year=2026/month=01/day=24/hour=06/logs_${id}.json`
  ],
  ['numbers alone', { s3_partition_format: '%Y/%m/%d/%H' }, `2026/01/24/06/logs_${id}.json`],
  ['to the minute', { s3_partition_format: '%Y/%m/%d/%H/%M' }, `2026/01/24/06/40/logs_${id}.json`],
  ['one folder a day', day, `day=2026-01-24/logs_${id}.json`],
  [
    'dt= and hour=',
    { s3_partition_format: 'dt=%Y-%m-%d/hour=%H' },
    `dt=2026-01-24/hour=06/logs_${id}.json`
  ],
  ['no folders', { s3_partition_format: '' }, `logs_${id}.json`],
  ['a slash at the end', { ...day, s3_prefix: 'audit/' }, `audit/day=2026-01-24/logs_${id}.json`],
  [
    'a slash at the start stays',
    { ...day, s3_prefix: '/telemetry' },
    `/telemetry/day=2026-01-24/logs_${id}.json`
  ],
  [
    'double slashes go',
    { ...day, s3_base_prefix: 'a//', s3_prefix: '/b' },
    `a/b/day=2026-01-24/logs_${id}.json`
  ],
  [
    'a level in the file prefix',
    { ...day, file_prefix: 'logs/app' },
    `day=2026-01-24/logs/applogs_${id}.json`
  ],
  ['zstd', { ...day, compression: 'zstd' }, `day=2026-01-24/logs_${id}.json.zst`],
  ['no extension', { ...day, extension: '' }, `day=2026-01-24/logs_${id}`]
])('key layout: %s', ([, more, wanted]) => {
  expect(key(more)).toBe(wanted)
})

test('A1: the folder is that of the zone, the number and lane id tell DST hours apart', () => {
  const hour = { s3_partition_format: '%Y-%m-%d %H %z' }
  expect(key({ ...hour, s3_partition_timezone: 'Asia/Kolkata' })).toMatch(/^2026-01-24 12 \+0530/)
  expect(key({ ...hour, s3_partition_timezone: 'America/New_York' })).toMatch(
    /^2026-01-24 01 -0500/
  )
  expect(key({ ...hour, s3_partition_timezone: undefined })).toMatch(/^2026-01-2\d \d\d [+-]\d{4}/)
})

test('A6: uuidv7 stands before lane id and number, made of the time of sealing', () => {
  const name = key({ s3_partition_format: '', unique_key_func_name: 'uuidv7' })
  expect(name).toMatch(
    new RegExp(
      `^logs_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-${id}.json$`
    )
  )
  const milliseconds = Number.parseInt(name.slice(5, 18).replace('-', ''), 16)
  expect(milliseconds).toBe(at.getTime())
})

test.for([
  ['team-a', 'base/team-a/'],
  ['a/b', 'base/a/b/'],
  ['../../other', 'base/other/'],
  ['/etc/./passwd/..', 'base/etc/passwd/'],
  ['..', 'base/configured/'],
  ['', 'base/configured/'],
  ['.auditcol/x', 'base/_auditcol/x/'],
  ['x/.auditcol', 'base/x/_auditcol/'],
  ['a\\b\u0000c\n', 'base/a_b_c_/'],
  ['ü\ud800', 'base/ü\ufffd/'],
  ['x'.repeat(300), `base/${'x'.repeat(200)}/`],
  ['é'.repeat(200), `base/${'é'.repeat(100)}/`],
  [`${'y'.repeat(200)}/${'y'.repeat(196)}/..x`, `base/${'y'.repeat(200)}/${'y'.repeat(196)}/`],
  [
    `${'y'.repeat(200)}/${'y'.repeat(189)}/.auditcolx`,
    `base/${'y'.repeat(200)}/${'y'.repeat(189)}/_auditcol/`
  ],
  [`${'y'.repeat(150)}/`.repeat(9), `base/${'y'.repeat(150)}/${'y'.repeat(150)}/${'y'.repeat(98)}/`]
])('a prefix from data stays below the base prefix: %j', ([prefix, wanted]) => {
  const made = key({ ...day, s3_base_prefix: 'base', s3_prefix: 'configured' }, prefix)
  expect(made).toBe(`${wanted}day=2026-01-24/logs_${id}.json`)
})

test('configured parts that lead out of the bucket or cannot be a key are named', () => {
  const problem = (more: Partial<KeyOptions>, directory = false) =>
    keyProblem({ ...options, ...more }, directory)
  expect(problem({})).toBeUndefined()
  expect(problem({ s3_base_prefix: '..' })).toMatch(/^the prefixes lead above the bucket: \.\.\//)
  expect(problem({ s3_prefix: 'a/.auditcol' })).toMatch(/^the folder .auditcol is reserved: a\//)
  expect(problem({ s3_prefix: 'x'.repeat(700) })).toMatch(/^the key is longer than 624 bytes/)
  expect(problem({ s3_prefix: '/a' })).toBeUndefined()
  expect(problem({ s3_prefix: '/a' }, true)).toMatch(/^a directory cannot hold this key: \/a/)
  expect(problem({ s3_prefix: 'a\nb' })).toMatch(/^a key of control characters .*: "a\\nb\//)
  expect(problem({ file_prefix: '\ud800' })).toMatch(/half a character cannot be stored/)
  expect(problem({ file_prefix: 'x'.repeat(220) })).toBeUndefined()
  expect(problem({ file_prefix: 'x'.repeat(220) }, true)).toMatch(/a name longer than 255 bytes/)
})

test.for([
  ['audit/app.json.zst', `audit/app-${id}.json.zst`],
  ['app', `app-${id}`],
  ['a.b/app', `a.b/app-${id}`],
  ['a/.hidden', `a/.hidden-${id}`],
  [`${'x'.repeat(250)}.json`, `${'x'.repeat(220)}-${id}.json`],
  [`${'d/'.repeat(500)}${'x'.repeat(20)}.json`, `${'d/'.repeat(494)}d-${id}.json`]
] as const)(
  'A6: %s gets its number before the extension, within the length of a key',
  ([taken, wanted]) => {
    const made = withNumber(taken, laneId, 42)
    expect(made).toBe(wanted)
    expect(hasNumber(made, laneId, 42)).toBe(true)
    expect(hasNumber(taken, laneId, 42)).toBe(false)
    expect(made.length).toBeLessThan(1025)
  }
)
