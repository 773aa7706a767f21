import { OttlError } from '../errors.ts'
import { offsetText, pad, type Wall } from './clock.ts'

/** What a text says of a time; what it does not say is undefined. */
export interface Said {
  year?: number
  month?: number
  day?: number
  hour?: number
  minute?: number
  second?: number
  nanos?: number
  afternoon?: boolean
  offset?: number
  zone?: string
}

/** How a directive is written and read; `reads` has one group. */
interface Directive {
  readonly write: (wall: Wall) => string
  readonly reads: string
  readonly take: (text: string, said: Said) => void
}

/** A piece of a layout: text as it is, a directive, or a fraction of a second with its point. */
export type Piece = string | Directive

const months =
  'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const short = (names: string[]) => names.map((name) => name.slice(0, 3))

type Numbers = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'

/** A number of one or two digits, blanks in front allowed, as the Collector reads them. */
const number = (part: Numbers, write: Directive['write'], reads = ' *\\d{1,2}'): Directive => ({
  write,
  reads,
  take: (text, said) => {
    said[part] = part === 'year' && text.length === 2 ? century(Number(text)) : Number(text)
  }
})

function century(year: number): number {
  return year + (year >= 69 ? 1900 : 2000)
}

const name = (names: string[], write: Directive['write'], take: Directive['take']): Directive => ({
  write,
  reads: names.join('|'),
  take
})

const monthName = (names: string[]) =>
  name(
    names,
    ({ month }) => names[month - 1]!,
    (text, said) => {
      const wanted = text.toLowerCase()
      said.month = names.findIndex((one) => one.toLowerCase() === wanted) + 1
    }
  )

const dayName = (names: string[]) =>
  name(
    names,
    ({ weekday }) => names[weekday]!,
    () => {}
  )

const halfOfDay = (halves: [string, string]): Directive => ({
  write: ({ hour }) => halves[hour < 12 ? 0 : 1],
  reads: halves.join('|'),
  take: (text, said) => {
    said.afternoon = text === halves[1]
  }
})

const offset = (reads: string, write: Directive['write']): Directive => ({
  write,
  reads,
  take: (text, said) => {
    const [hours = 0, minutes = 0, seconds = 0] = (text.match(/\d\d/g) ?? []).map(Number)
    said.offset = (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
  }
})

const twoDigits = (part: Numbers) => number(part, (wall) => pad(wall[part]))
const clock12 = ({ hour }: Wall) => hour % 12 || 12

/** A fraction behind them is read although the layout has none, as Go does. */
const seconds: Directive = {
  write: ({ second }) => pad(second),
  reads: ' *\\d{1,2}(?:[.,]\\d{1,9})?',
  take: (text, said) => {
    const [whole, fraction = ''] = text.split(/[.,]/)
    said.second = Number(whole)
    if (fraction !== '') said.nanos = Number(fraction.padEnd(9, '0'))
  }
}

const directives: Record<string, Directive> = {
  Y: number('year', ({ year }) => pad(year, 4), '\\d{4}'),
  y: number('year', ({ year }) => pad(year % 100), '\\d{2}'),
  // Of a date in one directive: four digits of a year, but two are read as well.
  '\0': number('year', ({ year }) => pad(year, 4), '\\d{4}|\\d{2}'),
  m: twoDigits('month'),
  o: number('month', ({ month }) => pad(month, 2, ' ')),
  q: number('month', ({ month }) => String(month)),
  b: monthName(short(months)),
  h: monthName(short(months)),
  B: monthName(months),
  d: twoDigits('day'),
  e: number('day', ({ day }) => pad(day, 2, ' ')),
  g: number('day', ({ day }) => String(day)),
  a: dayName(short(days)),
  A: dayName(days),
  H: twoDigits('hour'),
  I: number('hour', (wall) => pad(clock12(wall))),
  l: number('hour', (wall) => String(clock12(wall))),
  p: halfOfDay(['AM', 'PM']),
  P: halfOfDay(['am', 'pm']),
  M: twoDigits('minute'),
  S: seconds,
  Z: {
    write: ({ zone }) => zone,
    reads: '[A-Z]{3,5}|[+-]\\d{2}(?:\\d{2})?',
    take: (text, said) => {
      said.zone = text
    }
  },
  z: offset('Z|[+-]\\d{2}(?::?\\d{2})?', (wall) =>
    wall.offset === 0 ? 'Z' : offsetText(wall.offset, '')
  ),
  i: offset('[+-]\\d{2}', (wall) => offsetText(wall.offset, '', 1)),
  j: offset('[+-]\\d{2}:\\d{2}', (wall) => offsetText(wall.offset, ':')),
  k: offset('[+-]\\d{2}:\\d{2}:\\d{2}', (wall) => offsetText(wall.offset, ':', 3)),
  w: offset('[+-]\\d{6}', (wall) => offsetText(wall.offset, '', 3))
}

/** Directives that stand for others. */
const sets: Record<string, string> = {
  D: '%m/%d/%\0',
  x: '%m/%d/%\0',
  F: '%Y-%m-%d',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  r: '%I:%M:%S %P',
  R: '%H:%M',
  c: '%a %b %d %H:%M:%S %Y',
  n: '\n',
  t: '\t'
}

const fractions: Record<string, number> = { L: 3, f: 6, s: 9 }

const parts = /([.,])%([Lfs])|%(.?)|[^%.,]+|[.,]/gsu

/** The pieces of a layout such as `%Y-%m-%dT%H:%M:%S.%L%z`. */
export function piecesOf(layout: string, at: number): Piece[] {
  if (layout === '') throw new OttlError('the format is empty', at)
  if (/\d/.test(layout))
    throw new OttlError('a digit in the format; it is made of directives like %Y', at)
  const pieces: Piece[] = []
  const whole = layout.replace(/%(.)/gsu, (directive, letter) => sets[letter] ?? directive)
  for (const { 0: text, 1: point, 2: digits, 3: letter, index } of whole.matchAll(parts)) {
    if (digits !== undefined) pieces.push(fraction(point!, fractions[digits]!))
    else if (letter === '%') pieces.push('%')
    else if (letter === undefined) pieces.push(text)
    else if (letter === 'S')
      pieces.push(/^[.,]%[Lfs]/.test(whole.slice(index + 2)) ? twoDigits('second') : seconds)
    else if (Object.hasOwn(directives, letter)) pieces.push(directives[letter]!)
    else if (letter in fractions)
      throw new OttlError(`%${letter} must stand behind a point or comma`, at)
    else throw new OttlError(`unknown directive ${text} in the format`, at)
  }
  return pieces
}

/** Written without its last zeros, and not at all when it is 0; read with any number of digits, or none. */
function fraction(point: string, digits: number): Directive {
  return {
    write: ({ nanos }) => {
      const shown = pad(nanos, 9).slice(0, digits).replace(/0+$/, '')
      return shown === '' ? '' : point + shown
    },
    reads: '(?:[.,]\\d{1,9})?',
    take: (text, said) => {
      said.nanos = Number(text.slice(1).padEnd(9, '0'))
    }
  }
}
