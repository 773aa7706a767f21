import { readString, type ValueReader } from './read_value.ts'

/** Keys of attributes are few and come again and again: V8 takes 100 ns to make a string, a look here 20. */
const slots = 1024
const longest = 64
const known: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = new Array(
  slots
)

/** Reads a key, from the length in front of it. */
export function readKeyText(reader: ValueReader): string {
  const { bytes, at } = reader
  const length = bytes[at]!
  if (length > longest) return readString(reader)
  const slot = slotOf(bytes, at + 1, length)
  const there = known[slot]
  if (there !== undefined && isSame(there.bytes, bytes, at + 1, length)) {
    reader.at = at + 1 + length
    return there.text
  }
  const text = readString(reader)
  known[slot] = { bytes: bytes.slice(at + 1, at + 1 + length), text }
  return text
}

function slotOf(bytes: Uint8Array, from: number, length: number): number {
  let hash = length
  for (let at = from; at < from + length; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  return hash & (slots - 1)
}

function isSame(one: Uint8Array, bytes: Uint8Array, from: number, length: number): boolean {
  if (one.length !== length) return false
  for (let at = 0; at < length; at++) if (one[at] !== bytes[from + at]) return false
  return true
}
