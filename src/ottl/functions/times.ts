import { OttlError } from '../errors.ts'
import { durationOf, timeOf, utc } from '../values.ts'
import { type Wall, wallOf, zoneNamed } from './clock.ts'
import { define, type OttlFunction } from './function.ts'
import { parseGoDuration } from './go_duration.ts'
import { atStart, constantText, duration, int, optional, text, time } from './params.ts'
import { timeReader, timeWriter } from './time_text.ts'

const local = zoneNamed(undefined)!

const now = define('Now', 'The current time, in the zone of the process.', {}, () => () => {
  const micros = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000))
  return timeOf(micros * 1000n, local)
})

const parseTime = define(
  'Time',
  'The time that the string is in this format, e.g. `"%Y-%m-%dT%H:%M:%S.%L%z"`; `location` is the IANA zone of times that name none (without it the zone of the process).',
  {
    time: text,
    format: constantText,
    location: optional(constantText),
    locale: optional(constantText)
  },
  (args, at) => {
    const { format, location, locale } = args
    if (locale !== undefined && !/^en\b/i.test(locale))
      throw new OttlError(`names of months and days are read in English only, not in ${locale}`, at)
    const named = location === undefined || location === '' ? undefined : location
    const zone = named === undefined && format.endsWith('Z') ? utc : zoneNamed(named)
    if (zone === undefined) throw new OttlError(`unknown time zone ${location}`, at)
    const read = timeReader(format, zone, at)
    return (view) => read(args.time(view))
  }
)

const formatTime = define(
  'FormatTime',
  'The time as a string, in a format as for `Time`.',
  { time, format: constantText },
  (args, at) => {
    const write = timeWriter(args.format, at)
    return (view) => write(args.time(view))
  }
)

const truncateTime = define(
  'TruncateTime',
  'The time rounded down to a multiple of the duration since the year 1.',
  { time, duration },
  (args) => (view) => {
    const at = args.time(view)
    const step = args.duration(view).nanos
    if (step <= 0n) return at
    const since = at.nanos + yearOne
    return timeOf(at.nanos - (since % step), at.zone)
  }
)

/** Nanoseconds from the first of January of the year 1, where Go's times begin, to the epoch. */
const yearOne = 62_135_596_800n * 1_000_000_000n

const unix = define(
  'Unix',
  'The time so many seconds and nanoseconds after the epoch.',
  { seconds: int, nanoseconds: optional(int) },
  ({ seconds, nanoseconds }) =>
    (view) =>
      timeOf(seconds(view) * 1_000_000_000n + (nanoseconds?.(view) ?? 0n), local)
)

const parseDuration = define(
  'Duration',
  'The duration in a string such as `"1h30m"` or `"200ms"`.',
  { duration: text },
  (args, at) => {
    const { constant } = args.duration
    if (constant !== undefined) {
      const fixed = durationOf(atStart(at, () => parseGoDuration(constant)))
      return () => fixed
    }
    return (view) => durationOf(parseGoDuration(args.duration(view)))
  }
)

const shown = (name: string, summary: string, part: (wall: Wall) => number): OttlFunction =>
  define(name, summary, { time }, (args) => (view) => BigInt(part(wallOf(args.time(view)))))

const since = (name: string, unit: string, nanos: bigint): OttlFunction =>
  define(name, `${unit} from the epoch to the time.`, { time }, (args) => (view) => {
    const value = args.time(view).nanos
    const below = ((value % nanos) + nanos) % nanos
    return BigInt.asIntN(64, (value - below) / nanos)
  })

const whole = (name: string, unit: string, nanos: bigint): OttlFunction =>
  define(
    name,
    `The duration in whole ${unit}.`,
    { duration },
    (args) => (view) => args.duration(view).nanos / nanos
  )

const fractional = (name: string, nanos: number): OttlFunction =>
  define(
    name,
    `The duration in ${name.toLowerCase()}, a double.`,
    { duration },
    (args) => (view) => Number(args.duration(view).nanos) / nanos
  )

export const times = [
  now,
  parseTime,
  formatTime,
  truncateTime,
  unix,
  parseDuration,
  since('UnixNano', 'Nanoseconds', 1n),
  since('UnixMicro', 'Microseconds', 1_000n),
  since('UnixMilli', 'Milliseconds', 1_000_000n),
  since('UnixSeconds', 'Seconds', 1_000_000_000n),
  shown('Year', 'The year of the time.', ({ year }) => year),
  shown('Month', 'The month of the time, 1 to 12.', ({ month }) => month),
  shown('Day', 'The day of the month.', ({ day }) => day),
  shown('Hour', 'The hour, 0 to 23.', ({ hour }) => hour),
  shown('Minute', 'The minute, 0 to 59.', ({ minute }) => minute),
  shown('Second', 'The second, 0 to 59.', ({ second }) => second),
  shown('Nanosecond', 'The nanoseconds within the second.', ({ nanos }) => nanos),
  shown('Weekday', 'The day of the week, 0 (Sunday) to 6.', ({ weekday }) => weekday),
  fractional('Hours', 3_600_000_000_000),
  fractional('Minutes', 60_000_000_000),
  fractional('Seconds', 1_000_000_000),
  whole('Milliseconds', 'milliseconds', 1_000_000n),
  whole('Microseconds', 'microseconds', 1_000n),
  whole('Nanoseconds', 'nanoseconds', 1n)
]
