import { asText } from '../../logs/any_text.ts'
import { type AnyValue, entryValue, isMap, mapOf, type ValueMap } from '../../logs/value.ts'
import { Fault, OttlError } from '../errors.ts'
import { isList, typeName } from '../values.ts'
import { parseCsv, quoteModes } from './csv.ts'
import { define } from './function.ts'
import { constantBool, constantText, int, map, optional, text, value } from './params.ts'
import { type Levels, levelOf, levelsOf } from './severity.ts'
import { parseUrl } from './url.ts'

const parseJson = define(
  'ParseJSON',
  'The map or list that the string has as JSON; every number is a double.',
  { target: text },
  ({ target }) =>
    (view) => {
      const written = target(view)
      const parsed = fromJson(jsonOf(written), 0)
      if (isMap(parsed) || isList(parsed)) return parsed
      throw new Fault('the JSON is neither an object nor a list')
    }
)

function jsonOf(written: string): unknown {
  try {
    return JSON.parse(written)
  } catch {
    throw new Fault('the string is no JSON')
  }
}

/** Deeper than OTLP can hold it. */
const depthLimit = 32

function fromJson(of: unknown, depth: number): AnyValue {
  if (depth > depthLimit) throw new Fault(`the JSON is nested more than ${depthLimit} deep`)
  if (Array.isArray(of)) return of.map((item) => fromJson(item, depth + 1))
  if (typeof of !== 'object' || of === null) return of as AnyValue
  return mapOf(
    Object.entries(of).map(([key, item]): [string, AnyValue] => [key, fromJson(item, depth + 1)])
  )
}

const delimiters = { delimiter: optional(constantText), pair_delimiter: optional(constantText) }

const parseKeyValue = define(
  'ParseKeyValue',
  'The map in `k1=v1 k2="v 2"`, with other delimiters if given.',
  { target: text, ...delimiters },
  ({ target, delimiter = '=', pair_delimiter: between = ' ' }, at) => {
    checkDelimiters(delimiter, between, at)
    return (view) => {
      const written = target(view)
      if (written === '') throw new Fault('an empty string has no pairs')
      return mapOf(new Map(pairsIn(written, between).map((pair) => halves(pair, delimiter))))
    }
  }
)

function checkDelimiters(delimiter: string, between: string, at: number): void {
  if (delimiter === '' || between === '') throw new OttlError('a delimiter cannot be empty', at)
  if (delimiter === between) throw new OttlError('the two delimiters cannot be the same', at)
}

/** Quotes, double and single, keep delimiters together and go; a backslash keeps a quote, and stays itself. */
function pairsIn(written: string, between: string): string[] {
  const pairs: string[] = []
  let current = ''
  let quote = ''
  let escaped = false
  for (let at = 0; at < written.length; at++) {
    const letter = written[at]!
    if (quote === '' && written.startsWith(between, at)) {
      if (current !== '') pairs.push(current)
      current = ''
      at += between.length - 1
      continue
    }
    if (escaped) escaped = false
    else if (quote === '' && (letter === '"' || letter === "'")) {
      quote = letter
      continue
    } else if (letter === quote) {
      quote = ''
      continue
    } else escaped = letter === '\\'
    current += letter
  }
  if (quote !== '') throw new Fault('a quote in the string does not end')
  return current === '' ? pairs : [...pairs, current]
}

function halves(pair: string, delimiter: string): [string, string] {
  const at = pair.indexOf(delimiter)
  if (at < 0) throw new Fault(`a pair lacks its ${JSON.stringify(delimiter)}`)
  return [pair.slice(0, at).trim(), pair.slice(at + delimiter.length).trim()]
}

const toKeyValueString = define(
  'ToKeyValueString',
  'The map as `k1=v1 k2=v2`; what holds a delimiter is quoted, maps and lists are JSON.',
  { target: map, ...delimiters, sort_output: optional(constantBool) },
  ({ target, delimiter = '=', pair_delimiter: between = ' ', sort_output: sort = false }, at) => {
    checkDelimiters(delimiter, between, at)
    const quoted = (part: string) => {
      const escaped = part.replaceAll('"', '\\"')
      return part.includes(delimiter) || part.includes(between) ? `"${escaped}"` : escaped
    }
    return (view) => {
      const { entries } = target(view)
      const ordered = sort ? entries.toSorted((a, b) => (a.key < b.key ? -1 : 1)) : entries
      return ordered
        .map((entry) => quoted(entry.key) + delimiter + quoted(asText(entryValue(entry))))
        .join(between)
    }
  }
)

const parseCsvRow = define(
  'ParseCSV',
  'A map of the fields of one row under the names in the header; mode `"strict"`, `"lazyQuotes"` or `"ignoreQuotes"`.',
  {
    target: text,
    header: text,
    delimiter: optional(constantText),
    header_delimiter: optional(constantText),
    mode: optional(constantText)
  },
  (args, at) => {
    const { target, header, delimiter = ',', mode = 'strict' } = args
    const between = args.header_delimiter ?? delimiter
    for (const one of [delimiter, between])
      if ([...one].length !== 1) throw new OttlError('a delimiter is one character', at)
    if (!quoteModes.includes(mode))
      throw new OttlError(`the mode must be ${quoteModes.join(', ')}, not ${mode}`, at)
    return (view) => {
      const names = header(view)
      if (names === '') throw new Fault('the header is empty')
      const headers = names.split(between)
      const fields = parseCsv(target(view), delimiter, mode)
      if (fields.length !== headers.length)
        throw new Fault(`${fields.length} fields, but ${headers.length} names in the header`)
      return mapOf(new Map(headers.map((name, index) => [name, fields[index]!])))
    }
  }
)

const digits = '0123456789abcdefghijklmnopqrstuvwxyz'
const prefixes: Record<string, number> = { '0b': 2, '0o': 8, '0x': 16 }

const parseInteger = define(
  'ParseInt',
  'The int that the string is in base 2 to 36; with base 0 as its prefix `0b`, `0o`, `0x` says.',
  { target: text, base: int },
  ({ target, base }) =>
    (view) => {
      const radix = base(view)
      if (radix < 0n || radix === 1n || radix > 36n) throw new Fault('there is no such base')
      return intIn(target(view), Number(radix))
    }
)

function intIn(written: string, base: number): bigint {
  const wrong = () => new Fault('the string is no int in that base')
  const [, sign, all] = /^([+-]?)(.*)$/s.exec(written.toLowerCase())!
  const prefix = base === 0 ? prefixes[all!.slice(0, 2)] : undefined
  const octal = base === 0 && prefix === undefined && /^0./.test(all!)
  const radix = prefix ?? (octal ? 8 : base || 10)
  let number = all!.slice(prefix !== undefined ? 2 : octal ? 1 : 0)
  if (base === 0)
    number = number
      .replace(prefix !== undefined || octal ? /^_/ : /^$/, '')
      .replace(/(\w)_(?=\w)/g, '$1')
  if (number === '' || number.length > 100) throw wrong()
  let result = 0n
  for (const digit of number) {
    const worth = digits.indexOf(digit)
    if (worth < 0 || worth >= radix) throw wrong()
    result = result * BigInt(radix) + BigInt(worth)
  }
  if (sign === '-') result = -result
  if (BigInt.asIntN(64, result) !== result) throw wrong()
  return result
}

const url = define(
  'URL',
  'A map of the parts of a URL: `url.scheme`, `url.domain`, `url.path`, `url.port`, `url.query` …',
  { uri: text },
  ({ uri }) =>
    (view) =>
      parseUrl(uri(view))
)

const parseSeverity = define(
  'ParseSeverity',
  'The level of a mapping that the value belongs to: `{"info": [{"equals": ["inf"]}, {"range": {"min": 200, "max": 299}}], "error": [{"range": "5xx"}]}`.',
  { target: value, mapping: map },
  ({ target, mapping }, at) => {
    if (mapping.constant === undefined) throw new OttlError('the mapping must be written out', at)
    const levels: Levels = levelsOf(mapping.constant as ValueMap, at)
    return (view) => {
      const of = target(view)
      if (typeof of !== 'string' && typeof of !== 'bigint')
        throw new Fault(`a string or int is expected, not ${typeName(of)}`)
      return levelOf(of, levels)
    }
  }
)

export const parsers = [
  parseJson,
  parseKeyValue,
  toKeyValueString,
  parseCsvRow,
  parseInteger,
  url,
  parseSeverity
]
