import { Fault } from '../errors.ts'
import { type Time, utc, type Zone } from '../values.ts'

const billion = 1_000_000_000n

/** What a clock and a calendar on the wall of the zone show. */
export interface Wall {
  readonly year: number
  /** 1 is January. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanos: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** Seconds east of UTC. */
  readonly offset: number
  readonly zone: string
}

/** As far as a JavaScript date goes: 275,760 years. */
const farthest = 8_640_000_000_000_000n * 1_000_000n

export function wallOf({ nanos, zone }: Time): Wall {
  if (nanos > farthest || nanos < -farthest) throw new Fault('a time that no calendar shows')
  const { offset, name } = zone(nanos)
  const part = ((nanos % billion) + billion) % billion
  const seconds = Number((nanos - part) / billion)
  const date = new Date((seconds + offset) * 1000)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanos: Number(part),
    weekday: date.getUTCDay(),
    offset,
    zone: name
  }
}

/** The instant at which the clocks of the zone show this; of two, the first. */
export function instantOf(wall: Omit<Wall, 'weekday' | 'offset' | 'zone'>, zone: Zone): bigint {
  const date = new Date(0)
  date.setUTCFullYear(wall.year, wall.month - 1, wall.day)
  if (date.getUTCDate() !== wall.day) throw new Fault('that month does not have that day')
  date.setUTCHours(wall.hour, wall.minute, wall.second)
  if (Number.isNaN(date.getTime())) throw new Fault('a time that no calendar shows')
  const asUtc = BigInt(date.getTime()) * 1_000_000n + BigInt(wall.nanos)
  const guess = asUtc - BigInt(zone(asUtc).offset) * billion
  return asUtc - BigInt(zone(guess).offset) * billion
}

export function fixedZone(offset: number, name: string): Zone {
  return offset === 0 && (name === 'UTC' || name === '') ? utc : () => ({ offset, name })
}

/** A zone of the IANA database, or `undefined` for the zone of the process. Unknown names give nothing. */
export function zoneNamed(name: string | undefined): Zone | undefined {
  if (name === 'UTC') return utc
  let format: Intl.DateTimeFormat
  try {
    // Intl takes offsets such as +01:00, which are no names.
    if (name !== undefined && !/^[A-Za-z]/.test(name)) return undefined
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      timeZoneName: 'short',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric'
    })
  } catch {
    return undefined
  }
  return (nanos) => shownAt(format, nanos)
}

function shownAt(format: Intl.DateTimeFormat, nanos: bigint): { offset: number; name: string } {
  const seconds = Math.floor(Number(nanos / 1_000_000n) / 1000)
  const shown: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(seconds * 1000)) shown[type] = value
  const { year, month, day, hour, minute, second, timeZoneName = '' } = shown
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second)
  )
  return { offset: wall / 1000 - seconds, name: timeZoneName }
}

/** As Go's JSON has times: fractions without their last zeros, `Z` for UTC. */
export function rfc3339(time: Time): string {
  const wall = wallOf(time)
  const fraction = wall.nanos === 0 ? '' : `.${pad(wall.nanos, 9).replace(/0+$/, '')}`
  const day = `${pad(wall.year, 4)}-${pad(wall.month)}-${pad(wall.day)}`
  const clock = `${pad(wall.hour)}:${pad(wall.minute)}:${pad(wall.second)}`
  return `${day}T${clock}${fraction}${wall.offset === 0 ? 'Z' : offsetText(wall.offset, ':')}`
}

/** `+01:30`, `+0130` or, with `parts` 1 or 3, without minutes or with seconds. */
export function offsetText(offset: number, between: string, parts = 2): string {
  const seconds = Math.abs(offset)
  const all = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return (
    (offset < 0 ? '-' : '+') +
    all
      .slice(0, parts)
      .map((one) => pad(one))
      .join(between)
  )
}

export function pad(value: number, width = 2, fill = '0'): string {
  return String(value).padStart(width, fill)
}
