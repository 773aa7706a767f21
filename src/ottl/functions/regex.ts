import { RE2JS } from 're2js'
import { matchesIn } from '../../re2.ts'
import type { Getter } from '../compiler.ts'
import { Fault, OttlError } from '../errors.ts'
import type { View } from '../values.ts'

/*
 * Go's regexp is RE2: linear in the text, without lookaround or backreferences, with syntax of its
 * own. JavaScript's would read some patterns otherwise and could be made to run for ever by a
 * record; re2js is the same engine.
 */

export type Regex = RE2JS

/** The pattern of each record; a constant one is compiled once, and stops the start when it is wrong. */
export function regexOf(pattern: Getter<string>, at: number): (view: View) => Regex {
  if (pattern.constant === undefined) return (view) => cached(pattern(view))
  const written = pattern.constant
  const regex = compiled(written, (reason) => {
    const shown = JSON.stringify(written.slice(0, 200))
    return new OttlError(`the pattern ${shown} is no RE2: ${reason}`, at)
  })
  return () => regex
}

/** Patterns that come with the records: so many are kept compiled. */
const kept = 64
const cache = new Map<string, Regex>()

function cached(pattern: string): Regex {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  const regex = compiled(pattern, () => new Fault('the pattern is no RE2'))
  if (cache.size >= kept) cache.delete(cache.keys().next().value!)
  cache.set(pattern, regex)
  return regex
}

function compiled(pattern: string, error: (reason: string) => Error): Regex {
  try {
    return RE2JS.compile(pattern)
  } catch (cause) {
    throw error(cause instanceof Error ? cause.message : String(cause))
  }
}

/** Replaces every match by what `by` makes of its groups; the text itself when there is none. */
export function replaceMatches(
  regex: Regex,
  text: string,
  by: (group: (key: string) => string) => string
): string {
  let result = ''
  let done = 0
  for (const { start, end, group } of matchesIn(regex, text)) {
    result += text.slice(done, start) + by(group)
    done = end
  }
  return result + text.slice(done)
}

/** Go's `Expand`: `$1`, `${1}`, `$name`, `${name}`, `$$`; of `$1x` the name is `1x`. */
export function expand(template: string, group: (key: string) => string): string {
  if (!template.includes('$')) return template
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced, bare) =>
    whole === '$$' ? '$' : group(braced ?? bare)
  )
}
