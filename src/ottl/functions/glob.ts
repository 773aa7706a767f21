import { RE2JS } from 're2js'
import type { Getter } from '../compiler.ts'
import { Fault, OttlError } from '../errors.ts'
import type { View } from '../values.ts'

type Matches = (text: string) => boolean

/** Shell patterns over the whole text: `*` any characters, `?` one, `[a-z]`, `[!a]`, `{a,b}`, `\` before a special one. */
export function globOf(pattern: Getter<string>, at: number): (view: View) => Matches {
  if (pattern.constant === undefined)
    return (view) => compiled(pattern(view), () => new Fault('the pattern is no glob pattern'))
  const written = JSON.stringify(pattern.constant.slice(0, 200))
  const matches = compiled(
    pattern.constant,
    () => new OttlError(`${written} is no glob pattern`, at)
  )
  return () => matches
}

function compiled(pattern: string, error: () => Error): Matches {
  const open = { braces: 0 }
  const source = pattern.replace(
    /\\([\s\S])|\*+|\?|\[(!?)([^\]\\]+)\]|[{},]|[^*?[\]{},\\]+|[\s\S]/g,
    (part, escaped, not, characters) => {
      if (escaped !== undefined) return RE2JS.quote(escaped)
      if (part[0] === '*') return '.*'
      if (part === '?') return '.'
      if (characters !== undefined) return `[${not ? '^' : ''}${classOf(characters)}]`
      if (part === '{') return braces(open, 1, '(?:')
      if (part === '}') return braces(open, -1, ')')
      if (part === ',') return open.braces > 0 ? '|' : ','
      return RE2JS.quote(part)
    }
  )
  try {
    const regex = RE2JS.compile(source, RE2JS.DOTALL)
    return (text) => regex.testExact(text)
  } catch {
    throw error()
  }
}

function braces(open: { braces: number }, step: number, by: string): string {
  open.braces += step
  return by
}

function classOf(characters: string): string {
  return characters.replace(/[\\^[\]]/g, '\\$&')
}
