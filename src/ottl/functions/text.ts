import { mapOf } from '../../logs/value.ts'
import { Fault, OttlError } from '../errors.ts'
import { define, type OttlFunction } from './function.ts'
import { camelCase, lowerCase, snakeCase, upperCase } from './letter_case.ts'
import { anyAsText, constantBool, constantText, int, manyAsText, optional, text } from './params.ts'
import { regexOf } from './regex.ts'
import { boundaryAfter, boundaryBefore } from './utf8.ts'

const isMatch = define(
  'IsMatch',
  'Whether the pattern matches somewhere in the value as a string; false for nil.',
  { target: anyAsText, pattern: text },
  ({ target, pattern }, at) => {
    const regex = regexOf(pattern, at)
    return (view) => {
      const tested = regex(view)
      const value = target(view)
      return value !== null && tested.test(value)
    }
  }
)

const extractPatterns = define(
  'ExtractPatterns',
  'A map of the named groups of the first match, empty when there is none.',
  { target: text, pattern: text },
  ({ target, pattern }, at) => {
    const regex = regexOf(pattern, at)
    if (pattern.constant !== undefined && namesIn(pattern.constant) === 0)
      throw new OttlError('the pattern needs a named group, as in (?P<name>…)', at)
    return (view) => {
      const matcher = regex(view).matcher(target(view))
      const found = matcher.find()
      if (Object.keys(regex(view).namedGroups()).length === 0)
        throw new Fault('the pattern has no named group')
      if (!found) return mapOf([])
      return mapOf(
        Object.entries(matcher.getNamedGroups()).map(([name, group]) => [name, group ?? ''])
      )
    }
  }
)

function namesIn(pattern: string): number {
  return pattern.match(/\(\?P?<\w/g)?.length ?? 0
}

const concat = define(
  'Concat',
  'The values as strings, joined by the delimiter; nil is `<nil>`.',
  { vals: manyAsText, delimiter: text },
  ({ vals, delimiter }) =>
    (view) =>
      vals(view)
        .map((one) => one ?? '<nil>')
        .join(delimiter(view))
)

const split = define(
  'Split',
  'The parts of a string between the delimiters, as a list.',
  { target: text, delimiter: text },
  ({ target, delimiter }) =>
    (view) => {
      const by = delimiter(view)
      // Go splits between characters, JavaScript between halves of them.
      return by === '' ? [...target(view)] : target(view).split(by)
    }
)

const substring = define(
  'Substring',
  'So many bytes of UTF-8 from a start on, cut between characters, also with `utf8_safe` false.',
  { target: text, start: int, length: int, utf8_safe: optional(constantBool) },
  ({ target, start, length }) =>
    (view) => {
      const from = start(view)
      const count = length(view)
      const bytes = Buffer.from(target(view))
      if (from < 0n || count <= 0n || from + count > bytes.length)
        throw new Fault('the string does not have so many bytes from there on')
      const first = boundaryAfter(bytes, Number(from))
      return bytes.toString(
        'utf8',
        first,
        Math.max(first, boundaryBefore(bytes, Number(from + count)))
      )
    }
)

const trim = define(
  'Trim',
  'Without these characters at both ends; a space when none are given.',
  { target: text, replacement: optional(constantText) },
  ({ target, replacement = ' ' }) => {
    const dropped = new Set(replacement)
    return (view) => {
      const letters = [...target(view)]
      const first = letters.findIndex((letter) => !dropped.has(letter))
      const last = letters.findLastIndex((letter) => !dropped.has(letter))
      return first < 0 ? '' : letters.slice(first, last + 1).join('')
    }
  }
)

const withPrefix = (
  name: string,
  summary: string,
  work: (value: string, prefix: string) => string | boolean
): OttlFunction =>
  define(
    name,
    summary,
    { target: text, prefix: text },
    ({ target, prefix }) =>
      (view) =>
        work(target(view), prefix(view))
  )

const withSuffix = (
  name: string,
  summary: string,
  work: (value: string, suffix: string) => string | boolean
): OttlFunction =>
  define(
    name,
    summary,
    { target: text, suffix: text },
    ({ target, suffix }) =>
      (view) =>
        work(target(view), suffix(view))
  )

/** A converter of one string. */
export const ofText = (
  name: string,
  summary: string,
  work: (value: string) => string | bigint
): OttlFunction =>
  define(
    name,
    summary,
    { target: text },
    ({ target }) =>
      (view) =>
        work(target(view))
  )

const cases: Record<string, (value: string) => string> = {
  lower: lowerCase,
  upper: upperCase,
  snake: snakeCase,
  camel: camelCase
}

const convertCase = define(
  'ConvertCase',
  'The string in `"lower"`, `"upper"`, `"snake"` or `"camel"` case.',
  { target: text, to_case: constantText },
  ({ target, to_case }, at) => {
    if (!Object.hasOwn(cases, to_case))
      throw new OttlError(`the case must be ${Object.keys(cases).join(', ')}, not ${to_case}`, at)
    const convert = cases[to_case]!
    return (view) => convert(target(view))
  }
)

export const textFunctions = [
  isMatch,
  extractPatterns,
  concat,
  split,
  substring,
  trim,
  withPrefix('TrimPrefix', 'Without the prefix, if it has it.', (value, prefix) =>
    value.startsWith(prefix) ? value.slice(prefix.length) : value
  ),
  withSuffix('TrimSuffix', 'Without the suffix, if it has it.', (value, suffix) =>
    value.endsWith(suffix) ? value.slice(0, value.length - suffix.length) : value
  ),
  withPrefix('HasPrefix', 'Whether the string begins so.', (value, prefix) =>
    value.startsWith(prefix)
  ),
  withSuffix('HasSuffix', 'Whether the string ends so.', (value, suffix) => value.endsWith(suffix)),
  convertCase,
  ofText('ToLowerCase', 'The string in small letters.', cases.lower!),
  ofText('ToUpperCase', 'The string in capitals.', cases.upper!),
  ofText('ToSnakeCase', '`MyName` as `my_name`.', snakeCase),
  ofText('ToCamelCase', '`my_name` as `MyName`.', camelCase)
]
