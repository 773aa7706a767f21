import { anyValueOf } from '../logs/raw_value.ts'
import { type AnyValue, mapGet, type ValueMap } from '../logs/value.ts'
import type { Sender } from '../sender.ts'
import { type Action, isSet } from './action_schema.ts'

/** Where insert, update and upsert take their value from. */
interface Source {
  /** Set when the value is the same for all. */
  readonly constant: AnyValue | undefined
  readonly read: (attributes: ValueMap, sender: Sender) => AnyValue | undefined
}

export function sourceOf(action: Action): Source {
  const { value, from_attribute, from_context, default_value } = action
  if (isSet(value)) return constant(anyValueOf(value))
  const otherwise = isSet(default_value) ? anyValueOf(default_value) : undefined
  if (from_context !== '') {
    const look = contextOf(from_context)
    return { constant: undefined, read: (_, sender) => look(sender) ?? otherwise }
  }
  if (from_attribute === '') return constant(otherwise!)
  return {
    constant: undefined,
    read: (map) => {
      const found = mapGet(map, from_attribute)
      return found === undefined ? otherwise : found
    }
  }
}

function constant(value: AnyValue): Source {
  return { constant: value, read: () => value }
}

/** A name without a prefix is one of metadata. Several values are one text, as in the Collector. */
function contextOf(name: string): (sender: Sender) => string | undefined {
  if (name === 'client.address') return ({ address }) => address
  if (name.startsWith('auth.')) {
    const attribute = name.slice('auth.'.length)
    return ({ identity }) => own(identity, attribute)
  }
  const header = name.replace(/^metadata\./, '').toLowerCase()
  return ({ client }) => own(client, header)?.join(';')
}

function own<T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined
}
