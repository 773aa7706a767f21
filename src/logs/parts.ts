import { type Message, writeMessage } from './message.ts'
import { closeField, newWriter, openField, type Writer, writeUint32 } from './wire.ts'

/** Where something is put together before its length is known; it grows to the largest one. */
const scratch = newWriter(4096)

/** What is written, as a part of a chunk to be. From Node's pool, for parts live until the chunk is there. */
export function partBy(write: (writer: Writer) => void): Uint8Array {
  scratch.at = 0
  write(scratch)
  const bytes = Buffer.allocUnsafe(scratch.at)
  bytes.set(scratch.bytes.subarray(0, scratch.at))
  return bytes
}

/** A field that has the message, with what was set in it. */
export function messageField(number: number, message: Message): Uint8Array {
  return partBy((writer) => {
    const from = openField(writer, number, 2)
    writeMessage(writer, message)
    closeField(writer, from, 2)
  })
}

/** What stands in front of a field's content of this length. */
export function fieldHeader(number: number, length: number): Uint8Array {
  return partBy((writer) => {
    writeUint32(writer, (number << 3) | 2)
    writeUint32(writer, length)
  })
}

/** A field with these parts as its content. */
export function fieldOf(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return [fieldHeader(number, length), ...parts]
}
