import { copyString, found, type JsonReader, peek, quote, refuse } from './json_reader.ts'
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

/** namesOf[message]: both spellings of proto3 JSON, the usual one first. */
const namesOf: readonly (readonly Name[])[] = messages.map((fields) => {
  const known = fields.map((field) => ({ ...field, room: roomOf(field) }))
  const camel = known.map((field) => nameOf(field, camelCase(field.name)))
  return [...camel, ...known.map((field) => nameOf(field, field.name))]
})

function nameOf(field: JsonField, name: string): Name {
  return { bytes: new Uint8Array(Buffer.from(name)), field }
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

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
  const name = startingName(bytes, json.at + 1, message)
  if (name !== undefined) {
    const end = json.at + 1 + name.bytes.length
    if (end < bytes.length && bytes[end] === quote) {
      json.at = end + 1
      return name.field
    }
  }
  return findEscaped(json, writer, message)
}

/** An unknown name, a longer one than ours, or one with an escape in it: rare, but `bod\u0079` is `body`. */
function findEscaped(json: JsonReader, writer: Writer, message: number): JsonField | undefined {
  const from = writer.at
  copyString(json, writer)
  const length = writer.at - from
  writer.at = from
  return namesOf[message]!.find(
    ({ bytes }) => bytes.length === length && startsWith(writer.bytes, from, bytes)
  )?.field
}

/** The name that the bytes begin with; whether they end there too, the caller sees. */
function startingName(bytes: Uint8Array, from: number, message: number): Name | undefined {
  const names = namesOf[message]!
  for (let index = 0; index < names.length; index++) {
    if (startsWith(bytes, from, names[index]!.bytes)) return names[index]
  }
  return undefined
}

function startsWith(bytes: Uint8Array, from: number, name: Uint8Array): boolean {
  if (from + name.length > bytes.length) return false
  let offset = 0
  while (offset < name.length && bytes[from + offset] === name[offset]) offset++
  return offset === name.length
}
