import { entryValue, newEntry } from '../../logs/value.ts'
import { constant, type Getter } from '../compiler.ts'
import { Fault, OttlError } from '../errors.ts'
import type { View } from '../values.ts'
import { mapEach } from './edit_maps.ts'
import { define } from './function.ts'
import { globOf } from './glob.ts'
import { constantText, converter, mapTarget, optional, target, text } from './params.ts'
import { expand, type Regex, regexOf, replaceMatches } from './regex.ts'

const rest = {
  replacement: text,
  function: optional(converter),
  replacement_format: optional(text)
}

interface Replacement {
  readonly replacement: Getter<string>
  readonly function?: ((input: Getter<string>) => (view: View) => unknown) | undefined
  readonly replacement_format?: Getter<string> | undefined
}

const replacePattern = define(
  'replace_pattern',
  'Replaces what matches in a string; `$1` or `$name` is a group, `function` a converter for each replacement.',
  { target, regex_pattern: text, ...rest },
  ({ target, regex_pattern, ...by }, at) => {
    const pattern = regexOf(regex_pattern, at)
    const replace = replacer(by)
    return (view) => {
      const before = target.get(view)
      if (before === null) return
      const replacement = by.replacement(view)
      if (typeof before !== 'string') return
      const after = replace(view, pattern(view), before, replacement)
      if (after !== before) target.set(view, after)
    }
  }
)

const replaceAllPatterns = define(
  'replace_all_patterns',
  'The same in every string of a map: in its values (`"value"`) or its keys (`"key"`).',
  { target: mapTarget, mode: constantText, regex_pattern: text, ...rest },
  ({ target, mode, regex_pattern, ...by }, at) => {
    if (mode !== 'key' && mode !== 'value')
      throw new OttlError(`the mode must be "key" or "value", not ${JSON.stringify(mode)}`, at)
    const pattern = regexOf(regex_pattern, at)
    const replace = replacer(by)
    return (view) => {
      const map = target.get(view)
      const replacement = by.replacement(view)
      const matched = pattern(view)
      const changed = (before: string) => replace(view, matched, before, replacement)
      if (mode === 'value')
        target.set(
          view,
          mapEach(map, (value) => (typeof value === 'string' ? changed(value) : value))
        )
      else target.set(view, withKeys(map, changed))
    }
  }
)

/** Where two keys become one, the last value counts, at the place of the first. */
function withKeys(map: ReturnType<typeof mapEach>, change: (key: string) => string) {
  const keys = map.entries.map(({ key }) => change(key))
  if (keys.every((key, index) => key === map.entries[index]!.key)) return map
  const entries = new Map(
    map.entries.map((entry, index) => {
      const key = keys[index]!
      return [key, key === entry.key ? entry : newEntry(key, entryValue(entry))]
    })
  )
  return { kind: 'map' as const, entries: [...entries.values()] }
}

const replaceMatch = define(
  'replace_match',
  'Replaces a string that the glob pattern matches.',
  { target, pattern: text, ...rest },
  ({ target, pattern, ...by }, at) => {
    const matches = globOf(pattern, at)
    const replacement = whole(by)
    return (view) => {
      const matched = matches(view)
      const now = target.get(view)
      if (typeof now === 'string' && matched(now)) target.set(view, replacement(view))
    }
  }
)

const replaceAllMatches = define(
  'replace_all_matches',
  'Replaces every string of a map that the glob pattern matches.',
  { target: mapTarget, pattern: text, ...rest },
  ({ target, pattern, ...by }, at) => {
    const matches = globOf(pattern, at)
    const replacement = whole(by)
    return (view) => {
      const matched = matches(view)
      const by = replacement(view)
      target.set(
        view,
        mapEach(target.get(view), (value) =>
          typeof value === 'string' && matched(value) ? by : value
        )
      )
    }
  }
)

/** Puts the replacement, its groups filled in, through the function and the format. */
function replacer({ function: through, replacement_format: format }: Replacement) {
  return (view: View, regex: Regex, before: string, template: string): string => {
    if (!regex.test(before)) return before
    return replaceMatches(regex, before, (group) => {
      const filled = expand(template, group)
      return through === undefined
        ? filled
        : formatted(view, format, textOf(through(constant(filled))(view)))
    })
  }
}

function whole({ replacement, function: through, replacement_format: format }: Replacement) {
  if (through === undefined) return replacement
  const converted = through(replacement)
  return (view: View) => formatted(view, format, textOf(converted(view)))
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Fault('the function does not make a string of the replacement')
}

function formatted(view: View, format: Getter<string> | undefined, value: string): string {
  if (format === undefined) return value
  const template = format(view)
  if (/^[^%]*%s[^%]*$/.test(template)) return template.replace('%s', () => value)
  throw new Fault('the format must have %s once and no other directive')
}

export const editText = [replacePattern, replaceAllPatterns, replaceMatch, replaceAllMatches]
