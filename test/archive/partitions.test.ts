import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { partitionProblem, partitionsBy } from '../../src/archive/partitions.ts'
import { compileStrftime } from '../../src/archive/strftime.ts'

const iso = (at: number) => new Date(at).toISOString().slice(0, 19)
const spanOf = (format: string, zone: string, at: string) => {
  const { name, from, to } = partitionsBy(format, zone)(Date.parse(at))
  return [name, iso(from), iso(to)]
}

test.for<[string, string, string, string[]]>([
  [
    '%Y/%m/%d/%H/%M',
    'UTC',
    '2026-09-30T12:34:56.789Z',
    ['2026/09/30/12/34', '2026-09-30T12:34:00', '2026-09-30T12:35:00']
  ],
  [
    '%Y-%m-%d',
    'UTC',
    '2026-02-28T00:00:00Z',
    ['2026-02-28', '2026-02-28T00:00:00', '2026-03-01T00:00:00']
  ],
  [
    '%Y/%m',
    'UTC',
    '2028-02-29T23:59:59.999Z',
    ['2028/02', '2028-02-01T00:00:00', '2028-03-01T00:00:00']
  ],
  ['%Y', 'UTC', '2028-07-01T00:00:00Z', ['2028', '2028-01-01T00:00:00', '2029-01-01T00:00:00']],
  [
    '/%Y//w%V/',
    'UTC',
    '2026-09-30T12:00:00Z',
    ['2026/w40', '2026-09-28T00:00:00', '2026-10-05T00:00:00']
  ],
  // A day of 25 hours, and one of 23.
  [
    '%F',
    'Europe/Berlin',
    '2026-10-25T12:00:00Z',
    ['2026-10-25', '2026-10-24T22:00:00', '2026-10-25T23:00:00']
  ],
  [
    '%F',
    'Europe/Berlin',
    '2026-03-29T12:00:00Z',
    ['2026-03-29', '2026-03-28T23:00:00', '2026-03-29T22:00:00']
  ],
  // Two o'clock comes twice, one after the other: it is one folder.
  [
    '%F/%H',
    'Europe/Berlin',
    '2026-10-25T01:30:00Z',
    ['2026-10-25/02', '2026-10-25T00:00:00', '2026-10-25T02:00:00']
  ],
  [
    '%F/%H',
    'Asia/Kolkata',
    '2026-09-30T12:00:00Z',
    ['2026-09-30/17', '2026-09-30T11:30:00', '2026-09-30T12:30:00']
  ]
])('%s in %s at %s', ([format, zone, at, wanted]) => {
  expect(spanOf(format, zone, at)).toEqual(wanted)
})

test('a partition is where the format has its name, up to its very edges, wherever one asks', () => {
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe')
  const format = fc.constantFrom('%Y/%m/%d/%H', '%Y/%j', '%Y-%m')
  const time = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2030) })
  fc.assert(
    fc.property(zone, format, time, (zone, format, at) => {
      const { name, from, to } = partitionsBy(format, zone)(at)
      const named = (other: number) => compileStrftime(format, zone)(new Date(other))
      expect(from <= at && at < to).toBe(true)
      expect([named(from), named(at), named(to - 1)]).toEqual([name, name, name])
      expect(named(from - 1)).not.toBe(name)
      expect(named(to)).not.toBe(name)
    }),
    { numRuns: 60 }
  )
})

describe('folders that are no partitions of time', () => {
  test.for<[string, RegExp]>([
    ['', /no time in its folders/],
    ['audit', /no time in its folders/],
    ['%H', /come again, "05" on 2026-01-15T05:30 and 2026-01-16T05:30/],
    ['%Y/%H', /come again/],
    ['%Y/%d', /come again/],
    ['%m-%d', /come again/],
    ['%F/%I', /come again/],
    ['%F/%M', /come again/],
    ['%Y/%a', /come again/]
  ])('%s', ([format, wanted]) => expect(partitionProblem(format)).toMatch(wanted))

  test('and those that are', () => {
    for (const format of [
      '%Y',
      '%F',
      '%y/%m/%d/%H',
      '%Y/%j',
      'year=%Y/month=%m/day=%d/hour=%H/minute=%M',
      '%F/%I%p'
    ])
      expect(partitionProblem(format)).toBeUndefined()
  })
})
