import { RE2JS } from 're2js'

interface Sought {
  readonly values: readonly string[]
  readonly keys: readonly string[]
  /** Whether strings of JSON are opened. */
  readonly deep: boolean
}

/**
 * One look at a text, cheaper than all expressions in turn: false when none of them can match in it, nor
 * in what it holds as JSON.
 */
export function newPrefilter({ values, keys, deep }: Sought): (text: string) => boolean {
  const mayMatch = anyOf(values)
  const mayBlock = anyOf(keys)
  // `^` and `\b` can hold at the borders of a string of JSON, and nowhere in the text around it.
  const all = [...values, ...keys]
  const bordered = all.some((text) => /[\^$]|\\[AzbB]/.test(text.replaceAll('[^', '[')))
  if (all.length === 0) return () => false
  if (!deep) return mayMatch
  return (text) =>
    mayMatch(text) ||
    text.includes('\\') ||
    (/^\s*[[{"]/.test(text) && (bordered || mayBlock(text)))
}

/** Whether one of the expressions matches somewhere; as one expression they take one scan. */
export function anyOf(expressions: readonly string[]): (text: string) => boolean {
  if (expressions.length === 0) return () => false
  try {
    const all = RE2JS.compile(expressions.map((text) => `(?:${text})`).join('|'))
    return (text) => all.test(text)
  } catch {
    // Together they are too large, or two have a group of the same name.
    const each = expressions.map((text) => RE2JS.compile(text))
    return (text) => each.some((one) => one.test(text))
  }
}
