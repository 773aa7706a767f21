import { RE2JS } from 're2js'
import { matchesIn } from '../re2.ts'
import type { Change } from './draft.ts'
import { isMask, type Masking, plainMask, typedMask } from './mask.ts'
import { type Pattern, type PatternName, patterns } from './patterns.ts'

/** One expression with what it puts in the place of what it finds. */
export interface Rule {
  /** As messages and counts name it. */
  readonly name: string
  /** A shipped rule finds nothing in a text in which this matches nothing. */
  readonly anchors?: RegExp
  readonly find: (text: string) => Change[]
  /** The same for a text that stands under a key. */
  readonly findUnder?: (key: string, text: string) => Change[]
}

export function shippedRules(names: readonly PatternName[], masking: Masking): Rule[] {
  return names.map((name) => shippedRule(name, patterns[name], masking))
}

function shippedRule(name: PatternName, pattern: Pattern, masking: Masking): Rule {
  const mask = typedMask(masking, name)
  const expression = RE2JS.compile(pattern.expression)
  const anchors = new RegExp(pattern.anchors.map(RegExp.escape).join('|'), 'i')
  const rule = {
    name: `patterns.${name}`,
    anchors,
    find: (text: string) => (anchors.test(text) ? found(expression, text, mask) : [])
  }
  if (pattern.under === undefined) return rule
  const key = RE2JS.compile(pattern.under.key)
  const value = RE2JS.compile(pattern.under.value)
  return {
    ...rule,
    findUnder: (name, text) => {
      const isAnchored = anchors.test(name) || anchors.test(text)
      return isAnchored && !isMask(text) && key.test(name) ? found(value, text, mask) : []
    }
  }
}

/** `blocked_values`. Throws when one is no RE2. */
export function writtenRules(
  list: string,
  expressions: readonly string[],
  masking: Masking
): Rule[] {
  const mask = plainMask(masking)
  return expressions.map((text, index) => {
    const expression = RE2JS.compile(text)
    return {
      name: `${list}[${index}]`,
      find: (text) =>
        Array.from(matchesIn(expression, text), ({ start, end }) => ({
          start,
          end,
          by: mask(text.slice(start, end))
        }))
    }
  })
}

function found(expression: RE2JS, text: string, mask: (value: string) => string): Change[] {
  // Whether it matches at all is several times cheaper to know than where.
  if (!expression.test(text)) return []
  return Array.from(matchesIn(expression, text), ({ marked: { start, end } }) => ({
    start,
    end,
    by: mask(text.slice(start, end))
  }))
}
