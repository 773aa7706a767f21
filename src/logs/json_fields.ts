import {
  backslash,
  copyString,
  found,
  type JsonReader,
  peek,
  quote,
  refuse
} from './json_reader.ts'
import { type Field, messages } from './schema.ts'
import type { Writer } from './wire.ts'

/** A field with what the way from JSON needs of it. */
export interface JsonField extends Field {
  /** How many bytes the length of its protobuf form most likely takes. */
  readonly room: number
}

interface Name {
  readonly bytes: Uint8Array
  readonly field: JsonField
}

/** byLength[message][length of the name]: the few names to compare with. Both spellings of proto3 JSON. */
const byLength: readonly (readonly (readonly Name[])[])[] = messages.map((fields) => {
  const lists: Name[][] = Array.from({ length: 32 }, () => [])
  for (const field of fields) {
    const known = { ...field, room: roomOf(field) }
    const camel = field.name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    for (const name of new Set([camel, field.name]))
      lists[name.length]!.push({ bytes: new Uint8Array(Buffer.from(name)), field: known })
  }
  return lists
})

/** Lengths that real requests have: a wrong guess costs a move of the content, not more. */
function roomOf({ name }: Field): number {
  if (name === 'resource_logs' || name === 'scope_logs') return 3
  if (name === 'log_records' || name === 'resource' || name === 'body') return 2
  return 1
}

/** Reads the next member's name; undefined: not a field of this message. */
export function findField(
  json: JsonReader,
  writer: Writer,
  message: number
): JsonField | undefined {
  if (peek(json) !== quote) refuse(json, json.at, `${found(json)}, expected a name in quotes`)
  const { bytes } = json
  const from = json.at + 1
  let end = from
  while (
    end < bytes.length &&
    bytes[end] !== quote &&
    bytes[end] !== backslash &&
    bytes[end]! >= 0x20
  )
    end++
  if (bytes[end] === quote) {
    json.at = end + 1
    return named(bytes, from, end, message)
  }
  // With an escape in it: rare, but `body` is `body`.
  const { at } = writer
  copyString(json, writer)
  const field = named(writer.bytes, at, writer.at, message)
  writer.at = at
  return field
}

function named(
  bytes: Uint8Array,
  from: number,
  end: number,
  message: number
): JsonField | undefined {
  const length = end - from
  if (length >= 32) return undefined
  const names = byLength[message]![length]!
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!
    let offset = 0
    while (offset < length && bytes[from + offset] === name.bytes[offset]) offset++
    if (offset === length) return name.field
  }
  return undefined
}
