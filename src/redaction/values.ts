import { isUtf8 } from 'node:buffer'
import { asText } from '../logs/any_text.ts'
import {
  type AnyValue,
  type Entry,
  entryValue,
  isMap,
  newEntry,
  type ValueMap
} from '../logs/value.ts'
import type { KeyFactsOf } from './keys.ts'
import type { Names } from './names.ts'
import { type Count, type KeyRule, type MaskText, maskedLines } from './texts.ts'

export interface ValueOptions {
  readonly factsOf: KeyFactsOf
  readonly maskText: MaskText
  readonly allows: (text: string) => boolean
  /** Whether attributes that are no texts are looked at as texts. */
  readonly allTypes: boolean
  /** Whether keys, bytes, and what is inside maps and lists of attributes are looked at too. */
  readonly deep: boolean
  readonly count: Count
}

/**
 * Attributes and bodies without what is to be masked or taken out; what stays is the same object. What
 * the Collector does is done in its order. `deep` only masks more: nothing is ignored or taken out
 * where the Collector does not look.
 */
export function newRedactValues(options: ValueOptions) {
  const { factsOf, maskText, allows, allTypes, deep, count } = options

  /** The Collector looks at the attributes that are texts, and with `allTypes` at all others as texts. */
  function attributes(map: ValueMap, names: Names): ValueMap {
    return mapped(map, (entry) => {
      const { key } = entry
      const { ignored, allowed, rule, shown } = factsOf(key)
      if (ignored) return kept(names.ignored, shown, entry)
      if (!allowed) return removed(names, shown)
      const value = entryValue(entry)
      const text = typeof value === 'string' ? value : allTypes ? asText(value) : ''
      const isAllowed = allows(text)
      if (isAllowed) names.allowed.push(shown)
      const after = isAllowed ? value : rule ? wholly(text, rule) : attribute(value, key, text)
      return put(entry, shown, after, shown, names)
    })
  }

  /** `text` is empty for what is not to be looked at as a text; an expression may match in that too. */
  function attribute(value: AnyValue, key: string, text: string): AnyValue {
    if (typeof value === 'string') return maskText(value, key)
    const after = deep ? insideAttribute(value, key) : value
    const before = allTypes && !Object.is(after, value) ? asText(after) : text
    const masked = maskText(before, key)
    return masked === before ? after : masked
  }

  function insideAttribute(value: AnyValue, key: string | undefined): AnyValue {
    if (typeof value === 'string') return allows(value) ? value : maskText(value, key)
    if (value instanceof Uint8Array) return maskedBytes(value, key)
    if (isMap(value))
      return mapped(value, (entry) => {
        const { rule, shown } = factsOf(entry.key)
        const inner = entryValue(entry)
        const after = rule
          ? wholly(typeof inner === 'string' ? inner : '', rule)
          : insideAttribute(inner, entry.key)
        return put(entry, shown, after)
      })
    return Array.isArray(value) ? listed(value, (one) => insideAttribute(one, key)) : value
  }

  /** A body is looked at as a whole, and the keys of its maps are held against the lists. */
  function body(value: AnyValue, names: Names): AnyValue {
    if (isMap(value)) return bodyMap(value, '', names)
    if (Array.isArray(value))
      return listed(value, (one, index) => inBody(one, undefined, `[${index}]`, names))
    // The Collector does not tell of a body that is allowed.
    return scalar(value, undefined, 'body', { ...names, allowed: [] })
  }

  function bodyMap(map: ValueMap, path: string, names: Names): ValueMap {
    return mapped(map, (entry) => {
      const { key } = entry
      const { ignored, allowed, rule, shown } = factsOf(key)
      const place = path + shown
      if (ignored) return kept(names.ignored, place, entry)
      if (!allowed) return removed(names, place)
      const value = entryValue(entry)
      if (rule === undefined) {
        const after = inBody(value, key, place, names)
        return put(entry, shown, after, shown === key ? undefined : place, names)
      }
      const after = wholly(typeof value === 'string' ? value : '', rule)
      return put(entry, shown, after, place, names)
    })
  }

  function inBody(value: AnyValue, key: string | undefined, path: string, names: Names): AnyValue {
    if (isMap(value)) return bodyMap(value, `${path}.`, names)
    if (Array.isArray(value))
      return listed(value, (one, index) => inBody(one, key, `${path}.[${index}]`, names))
    return scalar(value, key, path, names)
  }

  function scalar(value: AnyValue, key: string | undefined, path: string, names: Names): AnyValue {
    if (allows(asText(value))) return kept(names.allowed, path, value)
    const seen = deep && value instanceof Uint8Array ? maskedBytes(value, key) : value
    const before = asText(seen)
    const after = maskText(before, key)
    if (after !== before) return kept(names.masked, path, after)
    return Object.is(seen, value) ? value : kept(names.masked, path, seen)
  }

  /** Bytes that are no UTF-8 are looked at one by one, so that a text among them is found. */
  function maskedBytes(value: Uint8Array, key: string | undefined): Uint8Array {
    const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    const encoding = isUtf8(buffer) ? 'utf8' : 'latin1'
    const before = buffer.toString(encoding)
    const after = maskText(before, key)
    return after === before ? value : Buffer.from(after, encoding)
  }

  function wholly(text: string, { name, mask }: KeyRule): string {
    count('masked', name, 1)
    return maskedLines(text, mask)
  }

  function removed(names: Names, name: string): undefined {
    names.redacted.push(name)
    count('removed', 'allowed_keys', 1)
  }

  return { attributes, body }
}

function kept<T>(names: string[], name: string, value: T): T {
  names.push(name)
  return value
}

/** The entry with this key and value, noted under `place` when they are others than before. */
function put(entry: Entry, key: string, value: AnyValue, place?: string, names?: Names): Entry {
  if (key === entry.key && Object.is(value, entryValue(entry))) return entry
  if (place !== undefined) names?.masked.push(place)
  return newEntry(key, value)
}

function mapped(map: ValueMap, change: (entry: Entry) => Entry | undefined): ValueMap {
  const entries = map.entries.map(change)
  if (entries.every((entry, index) => entry === map.entries[index])) return map
  return { kind: 'map', entries: entries.filter((entry) => entry !== undefined) }
}

function listed(
  list: readonly AnyValue[],
  change: (value: AnyValue, index: number) => AnyValue
): readonly AnyValue[] {
  const after = list.map(change)
  return after.every((value, index) => Object.is(value, list[index])) ? list : after
}
