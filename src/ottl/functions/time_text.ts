import { Fault } from '../errors.ts'
import { type Time, timeOf, utc, type Zone } from '../values.ts'
import { fixedZone, instantOf, wallOf, zoneNamed } from './clock.ts'
import { type Piece, piecesOf, type Said } from './time_layout.ts'

export function timeWriter(layout: string, at: number): (time: Time) => string {
  const pieces = piecesOf(layout, at)
  return (time) => {
    const wall = wallOf(time)
    return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.write(wall))).join('')
  }
}

/** Reads times of a layout; `zone` is where those are that do not say it. */
export function timeReader(layout: string, zone: Zone, at: number): (text: string) => Time {
  const pieces = piecesOf(layout, at)
  const takers = pieces.filter((piece) => typeof piece !== 'string')
  const pattern = new RegExp(`^${pieces.map(sourceOf).join('')}$`, 'is')
  return (text) => {
    const groups = pattern.exec(text)
    if (text === '' || groups === null)
      throw new Fault(`the string is no time as in ${JSON.stringify(layout)}`)
    const said: Said = {}
    for (const [index, taker] of takers.entries()) taker.take(groups[index + 1]!, said)
    return momentOf(said, zone)
  }
}

function sourceOf(piece: Piece): string {
  if (typeof piece !== 'string') return `(${piece.reads})`
  return piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/ +/g, ' +')
}

function momentOf(said: Said, zone: Zone): Time {
  const { month = 1, day = 1, hour = 0, minute = 0, second = 0, nanos = 0, afternoon } = said
  const late = afternoon === true && hour < 12 ? 12 : afternoon === false && hour === 12 ? -12 : 0
  const wall = { year: said.year ?? 0, month, day, hour: hour + late, minute, second, nanos }
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
    throw new Fault('a part of the time is out of its range')
  const place = placeOf(said, wall, zone)
  if (wall.year > 0) return timeOf(instantOf(wall, place), place)
  return timeOf(instantOf({ ...wall, year: yearOf(wall, place) }, place), place)
}

/** Without a year it is this one, or the last when that would be more than 7 days ahead. */
function yearOf(wall: Parameters<typeof instantOf>[0], zone: Zone): number {
  const now = BigInt(Date.now()) * 1_000_000n
  const { year } = wallOf(timeOf(now, zone))
  const week = 7n * 86_400n * 1_000_000_000n
  return instantOf({ ...wall, year }, zone) > now + week ? year - 1 : year
}

/** Abbreviations of zones that the IANA database has as names. */
const abbreviations = new Set(['EST', 'MST', 'HST', 'CET', 'EET', 'MET', 'WET', 'GMT'])

function placeOf(said: Said, wall: Parameters<typeof instantOf>[0], zone: Zone): Zone {
  if (said.offset !== undefined) return fixedZone(said.offset, said.zone ?? '')
  const name = said.zone?.toUpperCase()
  if (name === undefined) return zone
  if (name === 'UTC') return utc
  if (zone(instantOf(wall, zone)).name === name) return zone
  const [, sign, hours = '0', minutes = '0'] = /^(?:GMT)?([+-])(\d{1,2})(\d\d)?$/.exec(name) ?? []
  if (sign !== undefined)
    return fixedZone((sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60), name)
  const known = abbreviations.has(name) ? zoneNamed(name) : undefined
  if (known === undefined)
    throw new Fault('the abbreviation of a zone is not known; offsets and IANA names are')
  return known
}
