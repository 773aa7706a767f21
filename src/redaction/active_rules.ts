import { newAnchorScan } from './anchors.ts'
import { type PatternName, patterns } from './patterns.ts'
import type { Rule } from './rules.ts'

/** How the escapes of JSON hide a letter or a slash: any pattern may stand behind them. */
const hiding = ['\\/', ...[2, 3, 4, 5, 6, 7].map((digit) => `\\u00${digit}`)]

/**
 * Most records have nothing that a shipped pattern finds, and the others have it of one or two. One scan of
 * the bytes tells which rules may find something in them; written rules always may.
 */
export function newActiveRules(
  shipped: readonly PatternName[],
  shippedRules: readonly Rule[],
  writtenRules: readonly Rule[]
) {
  const all = [...shippedRules, ...writtenRules]
  const lists = shipped.map((name) => patterns[name].anchors)
  const scan = newAnchorScan([...lists, hiding])
  const found = new Uint8Array(lists.length + 1)
  let now: readonly Rule[] = all

  /** From now on the rules are those that may find something in these bytes or in these texts. */
  function look(bytes: Uint8Array, from: number, end: number, texts: readonly string[] = []): void {
    now = writtenRules
    if (lists.length === 0) return
    found.fill(0)
    scan(bytes, from, end, found)
    for (const text of texts) {
      const more = Buffer.from(text)
      scan(more, 0, more.length, found)
    }
    if (found.includes(1)) now = found[lists.length] === 1 ? all : active()
  }

  function active(): Rule[] {
    return [...shippedRules.filter((_, index) => found[index] === 1), ...writtenRules]
  }

  return { now: () => now, look }
}
