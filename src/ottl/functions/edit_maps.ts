import { asText } from '../../logs/any_text.ts'
import {
  entryValue,
  mapFilter,
  mapGet,
  mapWith,
  newEntry,
  type ValueMap
} from '../../logs/value.ts'
import { OttlError } from '../errors.ts'
import { define, type OttlFunction } from './function.ts'
import {
  constantBool,
  constantInt,
  constantText,
  constantTexts,
  map,
  mapTarget,
  optional,
  text,
  texts
} from './params.ts'
import { regexOf } from './regex.ts'
import { cutText } from './utf8.ts'

const target = mapTarget

const deleteKey = define(
  'delete_key',
  'Removes a key.',
  { target, key: text },
  ({ target, key }) =>
    (view) => {
      const entries = target.get(view)
      const name = key(view)
      const first = entries.entries.find((entry) => entry.key === name)
      target.set(
        view,
        mapFilter(entries, (entry) => entry !== first)
      )
    }
)

const matchingKeys = (name: string, summary: string, keep: boolean): OttlFunction =>
  define(name, summary, { target, pattern: text }, ({ target, pattern }, at) => {
    const regex = regexOf(pattern, at)
    return (view) => {
      const tested = regex(view)
      target.set(
        view,
        mapFilter(target.get(view), ({ key }) => tested.test(key) === keep)
      )
    }
  })

const keepKeys = define(
  'keep_keys',
  'Removes all keys but these.',
  { target, keys: texts },
  ({ target, keys }) =>
    (view) => {
      const kept = new Set(keys.map((key) => key(view)))
      target.set(
        view,
        mapFilter(target.get(view), ({ key }) => kept.has(key))
      )
    }
)

const limit = define(
  'limit',
  'Leaves so many entries: those of the priority keys, and the first of the others.',
  { target, limit: constantInt, priority_keys: constantTexts },
  ({ target, limit, priority_keys }, at) => {
    if (limit < 0n) throw new OttlError('the limit cannot be negative', at)
    if (limit < priority_keys.length)
      throw new OttlError(
        `a limit of ${limit} is less than the ${priority_keys.length} priority keys`,
        at
      )
    const kept = new Set(priority_keys)
    return (view) => {
      const entries = target.get(view)
      if (entries.entries.length <= limit) return
      let count = BigInt(priority_keys.filter((key) => mapGet(entries, key) !== undefined).length)
      target.set(
        view,
        mapFilter(entries, ({ key }) => kept.has(key) || (count < limit && ++count > 0n))
      )
    }
  }
)

const strategies = ['insert', 'update', 'upsert']

const mergeMaps = define(
  'merge_maps',
  'Takes over the entries of another map: `"insert"` those that are missing, `"update"` those that are there, `"upsert"` all.',
  { target, source: map, strategy: constantText },
  ({ target, source, strategy }, at) => {
    if (!strategies.includes(strategy))
      throw new OttlError(`the strategy must be ${strategies.join(', ')}, not ${strategy}`, at)
    return (view) => {
      let merged: ValueMap = target.get(view)
      for (const entry of source(view).entries) {
        const there = merged.entries.some(({ key }) => key === entry.key)
        if (strategy === 'upsert' || there === (strategy === 'update'))
          merged = mapWith(merged, entry.key, entryValue(entry))
      }
      target.set(view, merged)
    }
  }
)

const truncateAll = define(
  'truncate_all',
  'Cuts strings to so many bytes of UTF-8, the marker included; between characters, also with `utf8_safe` false, for OTLP has no half ones.',
  {
    target,
    limit: constantInt,
    utf8_safe: optional(constantBool),
    truncation_marker: optional(constantText)
  },
  ({ target, limit, truncation_marker: marker = '' }, at) => {
    const bytes = Number(limit)
    const room = bytes - Buffer.byteLength(marker)
    if (limit < 0n) throw new OttlError('the limit cannot be negative', at)
    if (room < 0) throw new OttlError('the marker is longer than the limit', at)
    return (view) =>
      target.set(
        view,
        mapEach(target.get(view), (value) =>
          typeof value === 'string' && Buffer.byteLength(value) > bytes
            ? cutText(value, room) + marker
            : value
        )
      )
  }
)

const stringifyAll = define(
  'stringify_all',
  'Turns every value into a string, maps and lists into JSON.',
  { target },
  ({ target }) =>
    (view) =>
      target.set(view, mapEach(target.get(view), asText))
)

/** The map with other values; the entries that keep theirs stay as they came. */
export function mapEach(
  map: ValueMap,
  change: (value: ReturnType<typeof entryValue>) => ReturnType<typeof entryValue>
): ValueMap {
  const entries = map.entries.map((entry) => {
    const value = entryValue(entry)
    const changed = change(value)
    return changed === value ? entry : newEntry(entry.key, changed)
  })
  return entries.every((entry, index) => entry === map.entries[index])
    ? map
    : { kind: 'map', entries }
}

export const editMaps = [
  deleteKey,
  matchingKeys('delete_matching_keys', 'Removes the keys that match the pattern.', false),
  keepKeys,
  matchingKeys('keep_matching_keys', 'Removes the keys that do not match the pattern.', true),
  limit,
  mergeMaps,
  truncateAll,
  stringifyAll
]
