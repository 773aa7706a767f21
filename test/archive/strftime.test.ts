import { expect, test } from 'vitest'
import { compileStrftime } from '../../src/archive/strftime.ts'

/** Every directive at once, as Python's strftime in the C locale gives it (%v as the Go library). */
const all =
  '%A|%a|%B|%b|%C|%c|%D|%d|%e|%F|%H|%I|%j|%k|%l|%M|%m|%p|%R|%r|%S|%T|%U|%u|%V|%v|%W|%w|%X|%x|%Y|%y|%Z|%z|%h|%%'

test.for([
  [
    '2026-03-04T05:06:07Z',
    'Wednesday|Wed|March|Mar|20|Wed Mar  4 05:06:07 2026|03/04/26|04| 4|2026-03-04|05|05|063| 5| 5|06|03|AM|05:06|05:06:07 AM|07|05:06:07|09|3|10| 4-Mar-2026|09|3|05:06:07|03/04/26|2026|26|UTC|+0000|Mar|%'
  ],
  [
    '2024-12-31T23:59:59Z',
    'Tuesday|Tue|December|Dec|20|Tue Dec 31 23:59:59 2024|12/31/24|31|31|2024-12-31|23|11|366|23|11|59|12|PM|23:59|11:59:59 PM|59|23:59:59|52|2|01|31-Dec-2024|53|2|23:59:59|12/31/24|2024|24|UTC|+0000|Dec|%'
  ],
  [
    '2021-01-03T00:00:00Z',
    'Sunday|Sun|January|Jan|20|Sun Jan  3 00:00:00 2021|01/03/21|03| 3|2021-01-03|00|12|003| 0|12|00|01|AM|00:00|12:00:00 AM|00|00:00:00|01|7|53| 3-Jan-2021|00|0|00:00:00|01/03/21|2021|21|UTC|+0000|Jan|%'
  ]
])('every directive at %s', ([time, wanted]) => {
  expect(compileStrftime(all, 'UTC')(new Date(time!))).toBe(wanted)
})

test('a directive that the Collector does not know stops the start, with its place', () => {
  expect(() => compileStrftime('%Y/%Q', 'UTC')).toThrow(
    'unknown directive "%Q" in s3_partition_format "%Y/%Q"'
  )
  expect(() => compileStrftime('%Y/%', 'UTC')).toThrow('unknown directive "%"')
  expect(() => compileStrftime('%constructor', 'UTC')).not.toThrow()
})

test('a time zone that nobody knows stops the start with the text of the Collector', () => {
  for (const zone of ['Mars/Olympus', '+01:00', 'ACDC']) {
    expect(() => compileStrftime('%H', zone)).toThrow(
      `invalid S3 partition timezone: unknown time zone ${zone}`
    )
  }
})

test('an unset zone, an empty one and Local are the zone of the process', () => {
  const at = new Date('2026-07-01T12:00:00Z')
  const local = String(at.getHours()).padStart(2, '0')
  for (const zone of [undefined, '', 'Local']) expect(compileStrftime('%H', zone)(at)).toBe(local)
})
