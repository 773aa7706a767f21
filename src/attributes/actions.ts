import { RE2JS } from 're2js'
import { asText } from '../logs/any_text.ts'
import { parseDouble, parseInt64, truncated } from '../logs/go_numbers.ts'
import {
  type AnyValue,
  type Entry,
  encodedEntry,
  entryValue,
  mapFilter,
  mapGet,
  newEntry,
  type ValueMap
} from '../logs/value.ts'
import type { Sender } from '../sender.ts'
import type { Action } from './action_schema.ts'
import { hashed } from './hashed.ts'
import { sourceOf } from './sources.ts'

/** What an action makes of attributes: the same map where it has nothing to do. */
export type Change = (attributes: ValueMap, sender: Sender) => ValueMap

/** Runs the actions in order; `changed` hears of each that has changed something. */
export function compileActions(
  actions: readonly Action[],
  changed: readonly (() => void)[]
): Change {
  const changes = actions.map(changeOf)
  return (attributes, sender) => {
    let map = attributes
    for (let index = 0; index < changes.length; index++) {
      const after = changes[index]!(map, sender)
      if (after === map) continue
      map = after
      changed[index]!()
    }
    return map
  }
}

function changeOf(action: Action): Change {
  switch (action.action) {
    case 'insert':
      return put(action, (isThere) => !isThere)
    case 'update':
      return put(action, (isThere) => isThere)
    case 'upsert':
      return put(action, () => true)
    case 'delete':
      return remove(action)
    case 'hash':
      return hash(action)
    case 'extract':
      return extract(action)
    default:
      return convert(action)
  }
}

function put(action: Action, isDue: (isThere: boolean) => boolean): Change {
  const { key } = action
  const source = sourceOf(action)
  const entry = source.constant === undefined ? undefined : encodedEntry(key, source.constant)
  return (map, sender) => {
    const index = indexOf(map, key)
    if (!isDue(index >= 0)) return map
    const value = source.read(map, sender)
    if (value === undefined) return map
    return withEntry(map, index, value, entry ?? newEntry(key, value))
  }
}

/** All entries with the key: the Collector removes the first alone of a key that is there twice. */
function remove({ key, pattern }: Action): Change {
  const matches = keyTest(pattern)
  return (map) => mapFilter(map, (entry) => entry.key !== key && !matches(entry.key))
}

/** All entries with the key, as above. What the key and the pattern name is hashed twice, as in the Collector. */
function hash({ key, pattern }: Action): Change {
  const matches = keyTest(pattern)
  return (map) => {
    let entries: Entry[] | undefined
    for (let index = 0; index < map.entries.length; index++) {
      const entry = map.entries[index]!
      const named = entry.key === key
      const matched = matches(entry.key)
      if (!named && !matched) continue
      const once = hashed(entryValue(entry))
      entries ??= map.entries.slice()
      entries[index] = newEntry(entry.key, named && matched ? hashed(once) : once)
    }
    return entries === undefined ? map : { kind: 'map', entries }
  }
}

function extract({ key, pattern }: Action): Change {
  const regex = RE2JS.compile(pattern)
  const groups = Object.entries(regex.namedGroups()).sort(([, a], [, b]) => a - b)
  return (map) => {
    const value = mapGet(map, key)
    if (typeof value !== 'string') return map
    const matcher = regex.matcher(value)
    if (!matcher.find()) return map
    return groups.reduce((extracted, [name, group]) => {
      const found = matcher.group(group) ?? ''
      return withEntry(extracted, indexOf(extracted, name), found, newEntry(name, found))
    }, map)
  }
}

function convert({ key, converted_type: type }: Action): Change {
  return (map) => {
    const index = indexOf(map, key)
    if (index < 0) return map
    const value = converted(entryValue(map.entries[index]!), type)
    return withEntry(map, index, value, newEntry(key, value))
  }
}

/** What cannot be converted stays as it is. */
function converted(value: AnyValue, type: string): AnyValue {
  if (type === 'string') return asText(value)
  if (typeof value === 'boolean') return type === 'int' ? BigInt(value) : Number(value)
  if (type === 'int') {
    if (typeof value === 'number') return truncated(value)
    return typeof value === 'string' ? (parseInt64(value) ?? value) : value
  }
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' ? (parseDouble(value) ?? value) : value
}

function indexOf({ entries }: ValueMap, key: string): number {
  for (let index = 0; index < entries.length; index++) if (entries[index]!.key === key) return index
  return -1
}

/** With the entry at this place, or behind all others; the same map when it has the value already. */
function withEntry(map: ValueMap, index: number, value: AnyValue, entry: Entry): ValueMap {
  if (index >= 0 && Object.is(entryValue(map.entries[index]!), value)) return map
  const entries = map.entries.slice()
  entries[index < 0 ? entries.length : index] = entry
  return { kind: 'map', entries }
}

const never = () => false
const remembered = 1000

/** Keys are few and come again: what the pattern said of them is remembered. */
function keyTest(pattern: string): (key: string) => boolean {
  if (pattern === '') return never
  const regex = RE2JS.compile(pattern)
  const known = new Map<string, boolean>()
  return (key) => {
    let matches = known.get(key)
    if (matches === undefined) {
      matches = regex.test(key)
      if (known.size >= remembered) known.clear()
      known.set(key, matches)
    }
    return matches
  }
}
