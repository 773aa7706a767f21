import { RE2JS } from 're2js'
import { matchesIn } from '../re2.ts'
import {
  type Change,
  changed,
  changesOf,
  type Draft,
  newDraft,
  outsideInner,
  textOf
} from './draft.ts'
import { escaped, type Unescaped, unescaped } from './escapes.ts'
import { readsAsJson } from './json_tokens.ts'
import { type JsonValue, jsonValuesIn } from './json_values.ts'
import type { Rule } from './rules.ts'

/** So many encodings are opened; each costs one more look at the text. */
const encodingsMax = 8

export interface TextOptions {
  /** Those that may find something in what is looked at now. */
  readonly rules: () => readonly Rule[]
  /** The rule that masks whatever stands under this key. */
  readonly blocks: (key: string) => KeyRule | undefined
  readonly allows: (text: string) => boolean
  /** Whether strings of JSON are opened. */
  readonly deep: boolean
  /** False when no written rule can find anything in this text, however often it is opened. */
  readonly mayHold: (text: string) => boolean
  readonly count: Count
}

/** How the escapes of JSON hide a letter or a slash, at any number of encodings. */
const hidden = /\\u00[2-7]|\\\//

/** So much was done by a rule. */
export type Count = (done: 'masked' | 'removed', rule: string, n: number) => void

export interface KeyRule {
  readonly name: string
  readonly mask: (value: string) => string
}

/** The text, which stands under this key, without what the rules find; what they do not find stays as it is written. */
export type MaskText = (text: string, key?: string) => string

export function newMaskText(options: TextOptions): MaskText {
  const { rules, blocks, allows, deep, mayHold, count } = options

  return (text, key) => (mayFind(text, key) ? textOf(masked(text, key, 0, rules())) : text)

  function mayFind(text: string, key: string | undefined): boolean {
    if (mayHold(text)) return true
    for (const { anchors, findUnder } of rules()) {
      if (anchors?.test(text)) return true
      if (key !== undefined && findUnder !== undefined && findUnder(key, text).length > 0)
        return true
    }
    return deep && rules().length > 0 && hidden.test(text)
  }

  function masked(
    text: string,
    key: string | undefined,
    encodings: number,
    by: readonly Rule[]
  ): Draft {
    let draft = newDraft(text)
    if (deep && encodings < encodingsMax)
      draft = changed(draft, inside(text, encodings, by), 'inner')
    for (const rule of by) {
      draft = applied(draft, rule, rule.find)
      if (key !== undefined && rule.findUnder !== undefined)
        draft = applied(draft, rule, (text) => rule.findUnder!(key, text))
    }
    return draft
  }

  function applied(draft: Draft, rule: Rule, find: Rule['find']): Draft {
    const changes = outsideInner(draft, find(textOf(draft)))
    if (changes.length === 0) return draft
    count('masked', rule.name, changes.length)
    return changed(draft, changes, 'masked')
  }

  /** What is to be changed in the strings of a text of JSON; in another text its escapes may hide something. */
  function inside(text: string, encodings: number, by: readonly Rule[]): Change[] {
    if (readsAsJson(text)) return inJson(text, encodings, by)
    if (!text.includes('\\')) return []
    const written = unescaped(text, 0, text.length)
    return asWritten(changesOf(masked(written.text, undefined, encodings + 1, by)), written)
  }

  function inJson(text: string, encodings: number, by: readonly Rule[]): Change[] {
    const byPattern = by.filter(({ anchors }) => anchors !== undefined)
    const changes: Change[] = []
    for (const value of jsonValuesIn(text, (key) => blocks(key) !== undefined)) {
      const some = inValue(text, value, encodings, value.kind === 'key' ? byPattern : by)
      // Not by `push(...)`, which has a limit.
      for (const change of some) changes.push(change)
    }
    return changes
  }

  function inValue(text: string, value: JsonValue, encodings: number, by: readonly Rule[]) {
    const { kind, start, end, key } = value
    const rule = key === undefined ? undefined : blocks(key)
    if (rule !== undefined) return [wholly(text, value, rule)]
    if (kind === 'scalar') return inScalar(text, value, by)
    const written = unescaped(text, start, end)
    const changes = allows(written.text)
      ? kept(0, written.text.length)
      : changesOf(masked(written.text, key, encodings + 1, by))
    return asWritten(changes, written)
  }

  /** What is left of a number is no number: it becomes a string. */
  function inScalar(text: string, { start, end, key }: JsonValue, by: readonly Rule[]): Change[] {
    const written = text.slice(start, end)
    if (!/^-?\d[\d.eE+-]*$/.test(written)) return []
    if (allows(written)) return kept(start, end)
    const after = textOf(masked(written, key, encodingsMax, by))
    return after === written ? [] : [{ start, end, by: JSON.stringify(after) }]
  }

  function wholly(text: string, { kind, start, end }: JsonValue, { name, mask }: KeyRule): Change {
    count('masked', name, 1)
    if (kind === 'string') {
      const by = maskedLines(unescaped(text, start, end).text, mask)
      return { start, end, by: escaped(by) }
    }
    return { start, end, by: JSON.stringify(mask(text.slice(start, end))) }
  }
}

function asWritten(changes: readonly Change[], { placeOf }: Unescaped): Change[] {
  return changes.map(({ start, end, by }) => ({
    start: placeOf(start),
    end: placeOf(end),
    by: by === undefined ? undefined : escaped(by)
  }))
}

function kept(start: number, end: number): Change[] {
  return [{ start, end, by: undefined }]
}

const line = RE2JS.compile('.*')

/** The Collector masks what stands under a blocked key line by line. */
export function maskedLines(text: string, mask: (value: string) => string): string {
  const changes = Array.from(matchesIn(line, text), ({ start, end }) => ({
    start,
    end,
    by: mask(text.slice(start, end))
  }))
  return textOf(changed(newDraft(text), changes, 'masked'))
}
