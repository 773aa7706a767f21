import { asText, htmlSafe } from '../../logs/any_text.ts'
import { isMap } from '../../logs/value.ts'
import { OttlError } from '../errors.ts'
import { isList, typeName, type Value } from '../values.ts'
import { rfc3339 } from './clock.ts'
import { define } from './function.ts'
import { constantText, values } from './params.ts'

const verbs = 'vsdqtfFeEgGxXobc%'

/** Go's `Sprintf` for what values are here: its verbs, flags, width and precision, and its marks for what does not fit. */
export const format = define(
  'Format',
  `The values put into a format with Go's directives: ${Array.from(verbs, (verb) => `\`%${verb}\``).join(' ')}, with flags, width and precision.`,
  { format: constantText, vals: values },
  (args, at) => {
    const pieces = piecesOf(args.format, at)
    return (view) => {
      const given = args.vals.map((one) => one(view))
      let next = 0
      const text = pieces
        .map((piece) => {
          if (typeof piece === 'string') return piece
          return next < given.length ? shown(piece, given[next++]!) : `%!${piece.verb}(MISSING)`
        })
        .join('')
      if (next >= given.length) return text
      const extra = given.slice(next).map((value) => `${goType(value)}=${plain(value)}`)
      return `${text}%!(EXTRA ${extra.join(', ')})`
    }
  }
)

interface Piece {
  readonly verb: string
  readonly flags: string
  readonly width: number
  readonly precision: number | undefined
}

/** Wider than any column: more is a mistake that would cost memory. */
const widthLimit = 10_000

function piecesOf(written: string, at: number): (string | Piece)[] {
  const pieces: (string | Piece)[] = []
  for (const [text, flags, width, precision, verb] of written.matchAll(
    /%([-+# 0]*)(\d*)(?:\.(\d*))?([^\d]?)|[^%]+/gsu
  )) {
    if (flags === undefined) pieces.push(text)
    else if (verb === '%') pieces.push('%')
    else if (!verb || !verbs.includes(verb))
      throw new OttlError(`unknown directive ${text} in the format`, at)
    else if (Number(width) > widthLimit || Number(precision ?? 0) > 100)
      throw new OttlError(`${text} is too wide`, at)
    else
      pieces.push({
        verb,
        flags,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision)
      })
  }
  return pieces
}

function shown(piece: Piece, value: Value): string {
  const body = bodyOf(piece, value)
  if (body === undefined)
    return value === null
      ? `%!${piece.verb}(<nil>)`
      : `%!${piece.verb}(${goType(value)}=${plain(value)})`
  const { flags, width } = piece
  if (flags.includes('-')) return body.padEnd(width)
  const number = typeof value === 'bigint' || typeof value === 'number'
  if (!flags.includes('0') || !number) return body.padStart(width)
  const [, sign = '', digits = ''] = /^([+\- ]?)(.*)$/s.exec(body)!
  return sign + digits.padStart(width - sign.length, '0')
}

/** Undefined: the verb is not for this type. */
function bodyOf(piece: Piece, value: Value): string | undefined {
  const { verb, precision } = piece
  if (verb === 'v') return signed(piece, value, plain(value))
  if (verb === 't') return typeof value === 'boolean' ? String(value) : undefined
  if (typeof value === 'bigint') return intBody(piece, value)
  if (typeof value === 'number') return doubleBody(piece, value)
  if (typeof value !== 'string')
    return verb === 's' && typeof value === 'object' && value !== null ? plain(value) : undefined
  const cut = precision === undefined ? value : [...value].slice(0, precision).join('')
  if (verb === 's') return cut
  if (verb === 'q') return JSON.stringify(cut)
  if (verb !== 'x' && verb !== 'X') return undefined
  const hex = Buffer.from(cut).toString('hex')
  return verb === 'x' ? hex : hex.toUpperCase()
}

const bases: Record<string, number> = { d: 10, x: 16, X: 16, o: 8, b: 2 }
const prefixes: Record<string, string> = { x: '0x', X: '0X', o: '0', b: '0b' }

function intBody(piece: Piece, value: bigint): string | undefined {
  const { verb, flags, precision = 1 } = piece
  if (verb === 'c')
    return value >= 0n && value <= 0x10ffffn ? String.fromCodePoint(Number(value)) : '\ufffd'
  const base = bases[verb]
  if (base === undefined) return undefined
  let digits = (value < 0n ? -value : value).toString(base).padStart(precision, '0')
  if (verb === 'X') digits = digits.toUpperCase()
  if (flags.includes('#')) digits = (prefixes[verb] ?? '') + digits
  return signed(piece, value, (value < 0n ? '-' : '') + digits)
}

function doubleBody(piece: Piece, value: number): string | undefined {
  const { verb, precision } = piece
  if (!'fFeEgG'.includes(verb)) return undefined
  if (!Number.isFinite(value)) return signed(piece, value, plain(value))
  const small = verb.toLowerCase()
  let body: string
  if (small === 'f') body = value.toFixed(precision ?? 6)
  else if (small === 'e') body = exponent(value.toExponential(precision ?? 6))
  else body = precision === undefined ? plain(value) : shortest(value, precision || 1)
  return signed(piece, value, verb === small || verb === 'F' ? body : body.toUpperCase())
}

function shortest(value: number, digits: number): string {
  const written = Number(value.toPrecision(digits))
  const power = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(written)))
  return power < -4 || power >= digits ? exponent(written.toExponential()) : String(written)
}

function signed({ flags }: Piece, value: Value, body: string): string {
  const number = typeof value === 'bigint' || typeof value === 'number'
  if (!number || body.startsWith('-') || body.startsWith('+')) return body
  return flags.includes('+') ? `+${body}` : flags.includes(' ') ? ` ${body}` : body
}

/** Go writes at least two digits in an exponent. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

/** As `%v` writes it. */
function plain(value: Value): string {
  if (value === null) return '<nil>'
  if (typeof value === 'number') return plainDouble(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) return `[${value.join(' ')}]`
  if (isList(value) || isMap(value)) return htmlSafe(asText(value))
  if (value.kind === 'time') return rfc3339(value)
  return value.kind === 'id' ? Buffer.from(value.bytes).toString('hex') : `${value.nanos}ns`
}

/** The shortest digits that are this double, with an exponent below 1e-4 and from 1e6 on. */
function plainDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const written = value.toExponential()
  const power = Number(/e(.+)$/.exec(written)![1])
  return power < -4 || power >= 6 ? exponent(written) : String(value)
}

const goTypes = {
  string: 'string',
  int: 'int64',
  double: 'float64',
  bool: 'bool',
  nil: '<nil>',
  bytes: '[]uint8',
  list: 'pcommon.Slice',
  map: 'pcommon.Map',
  time: 'time.Time',
  duration: 'time.Duration',
  id: 'pcommon.TraceID'
}

function goType(value: Value): string {
  return goTypes[typeName(value)]
}
