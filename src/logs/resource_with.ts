import { canonicalValue } from './canonical_value.ts'
import { wrappingOf } from './cut.ts'
import { newMessage, openMessage, readField, setField } from './message.ts'
import { resourceFields } from './message_fields.ts'
import { messageField } from './parts.ts'
import { newValueReader } from './read_value.ts'
import { type AnyValue, mapWith } from './value.ts'
import { readEnd, readUint32, skipValue } from './wire.ts'

/** A resource with what stands beside it in its resource logs, scopes excepted. */
export interface AroundScopes {
  readonly bytes: Uint8Array
  /** The same for those that are equal, whatever the order of their attributes. */
  readonly key: string
}

const resource = newMessage(resourceFields)

/** The same with these attributes in its resource, in the place of those that have their keys. */
export function resourceWith(
  around: Uint8Array,
  attributes: readonly (readonly [key: string, value: AnyValue])[]
): AroundScopes {
  const reader = newValueReader(around)
  let place = { start: 0, from: 0, end: 0 }
  while (reader.at < around.length) {
    const start = reader.at
    const tag = readUint32(reader)
    if (tag !== 0x0a) skipValue(reader, tag & 7)
    else {
      const end = readEnd(reader)
      place = { start, from: reader.at, end }
      reader.at = end
    }
  }
  openMessage(resource, reader, place.from, place.end)
  const own = readField(resource, resourceFields.attributes)
  const all = attributes.reduce((map, [key, value]) => mapWith(map, key, value), own)
  reader.at = place.from
  const before = around.subarray(0, place.start)
  const others = wrappingOf(reader, place.end, 1)
  const after = around.subarray(place.end)
  const key = [canonicalValue(all), ...[before, others, after].map(textOf)].join('\n')
  if (all === own) return { bytes: around, key }
  setField(resource, resourceFields.attributes, all)
  const bytes = Buffer.concat([before, messageField(1, resource), after])
  return { bytes, key }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
