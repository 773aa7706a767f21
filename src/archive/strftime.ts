/**
 * The directives of the Go library that the Collector formats `s3_partition_format` with
 * (lestrrat-go/strftime), in its C locale. Compiled once, so that a wrong one stops the start.
 */
export function compileStrftime(
  format: string,
  zone: string | undefined,
  /** The key that the format stands under, for messages. */
  key = 's3_partition_format'
): (at: Date) => string {
  const parts = partsOf(format, key)
  const clock = wallClock(zone)
  return (at) => {
    const time = clock(at)
    return parts.map((part) => (typeof part === 'string' ? part : part(time))).join('')
  }
}

/** What a clock on the wall of the zone shows. */
interface Time {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 1 is the first of January. */
  readonly yearDay: number
  /** Minutes east of UTC. */
  readonly offset: number
  readonly zoneName: string
}

type Part = string | ((time: Time) => string)

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December'
]

const directives: Record<string, (time: Time) => string> = {
  A: ({ weekday }) => days[weekday]!,
  a: ({ weekday }) => days[weekday]!.slice(0, 3),
  B: ({ month }) => months[month - 1]!,
  b: ({ month }) => months[month - 1]!.slice(0, 3),
  h: ({ month }) => months[month - 1]!.slice(0, 3),
  C: ({ year }) => pad(Math.floor(year / 100)),
  c: (time) =>
    `${days[time.weekday]!.slice(0, 3)} ${months[time.month - 1]!.slice(0, 3)} ${pad(time.day, 2, ' ')} ${clockTime(time)} ${time.year}`,
  D: ({ year, month, day }) => `${pad(month)}/${pad(day)}/${pad(year % 100)}`,
  d: ({ day }) => pad(day),
  e: ({ day }) => pad(day, 2, ' '),
  F: date,
  H: ({ hour }) => pad(hour),
  I: ({ hour }) => pad(hour % 12 || 12),
  j: ({ yearDay }) => pad(yearDay, 3),
  k: ({ hour }) => pad(hour, 2, ' '),
  l: ({ hour }) => pad(hour % 12 || 12, 2, ' '),
  M: ({ minute }) => pad(minute),
  m: ({ month }) => pad(month),
  n: () => '\n',
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  R: ({ hour, minute }) => `${pad(hour)}:${pad(minute)}`,
  r: (time) =>
    `${pad(time.hour % 12 || 12)}:${pad(time.minute)}:${pad(time.second)} ${time.hour < 12 ? 'AM' : 'PM'}`,
  S: ({ second }) => pad(second),
  T: clockTime,
  t: () => '\t',
  U: ({ yearDay, weekday }) => pad(Math.floor((yearDay + 6 - weekday) / 7)),
  u: ({ weekday }) => String(weekday || 7),
  V: (time) => pad(isoWeek(time)),
  v: ({ year, month, day }) => `${pad(day, 2, ' ')}-${months[month - 1]!.slice(0, 3)}-${year}`,
  W: ({ yearDay, weekday }) => pad(Math.floor((yearDay + 6 - ((weekday + 6) % 7)) / 7)),
  w: ({ weekday }) => String(weekday),
  X: clockTime,
  x: ({ year, month, day }) => `${pad(month)}/${pad(day)}/${pad(year % 100)}`,
  Y: ({ year }) => pad(year, 4),
  y: ({ year }) => pad(year % 100),
  Z: ({ zoneName }) => zoneName,
  z: ({ offset }) => {
    const minutes = Math.abs(offset)
    return `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}${pad(minutes % 60)}`
  },
  '%': () => '%'
}

function partsOf(format: string, key: string): Part[] {
  const parts: Part[] = []
  for (const [text, directive] of format.matchAll(/%(.?)|[^%]+/gsu)) {
    if (directive === undefined) parts.push(text)
    else if (Object.hasOwn(directives, directive)) parts.push(directives[directive]!)
    else throw new Error(`unknown directive "${text}" in ${key} "${format}"`)
  }
  return parts
}

/** Undefined, empty and `Local` mean the zone of the process, as in Go. */
function wallClock(zone: string | undefined): (at: Date) => Time {
  const timeZone = zone === '' || zone === 'Local' ? undefined : zone
  const format = formatter(timeZone, {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric'
  })
  const nameFormat = formatter(timeZone, { timeZoneName: 'short' })
  return (at) => {
    const shown: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) shown[type] = Number(value)
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown
    const wall = Date.UTC(year, month - 1, day, hour, minute, second)
    const midnight = Date.UTC(year, month - 1, day)
    return {
      year,
      month,
      day,
      hour,
      minute,
      second,
      weekday: new Date(midnight).getUTCDay(),
      yearDay: (midnight - Date.UTC(year, 0, 1)) / 86_400_000 + 1,
      offset: Math.round((wall - Math.floor(at.getTime() / 1000) * 1000) / 60_000),
      get zoneName() {
        const parts = nameFormat.formatToParts(at)
        return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
      }
    }
  }
}

function formatter(timeZone: string | undefined, fields: Intl.DateTimeFormatOptions) {
  // Intl takes offsets such as +01:00, which Go does not know as zones.
  const known = timeZone === undefined || /^[A-Za-z]/.test(timeZone)
  try {
    if (!known) throw new RangeError('an offset')
    return new Intl.DateTimeFormat('en-US', {
      ...fields,
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23'
    })
  } catch (cause) {
    throw new Error(`invalid S3 partition timezone: unknown time zone ${timeZone}`, { cause })
  }
}

/** The week that holds the year's first Thursday is the first. */
function isoWeek({ year, yearDay, weekday }: Time): number {
  const week = Math.floor((yearDay - (weekday || 7) + 10) / 7)
  if (week < 1) return weeksIn(year - 1)
  return week > weeksIn(year) ? 1 : week
}

function weeksIn(year: number): number {
  const lastDay = (of: number) => new Date(Date.UTC(of, 11, 31)).getUTCDay()
  return lastDay(year) === 4 || lastDay(year - 1) === 3 ? 53 : 52
}

function date({ year, month, day }: Time): string {
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}`
}

function clockTime({ hour, minute, second }: Time): string {
  return `${pad(hour)}:${pad(minute)}:${pad(second)}`
}

function pad(value: number, width = 2, fill = '0'): string {
  return String(value).padStart(width, fill)
}
