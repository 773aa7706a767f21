/** The attribute of a record whose id came with other content before. */
const name = 'auditcol.duplicate_id'
const value = 'conflict'

/** It as a field of a LogRecord: attributes (6) { key (1), value (2) { string_value (1) } }. */
export const conflictMark: Uint8Array = field(
  6,
  Buffer.concat([field(1, Buffer.from(name)), field(2, field(1, Buffer.from(value)))])
)

/** All of this is shorter than 128 bytes, so that a length is one byte. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of((number << 3) | 2, content.length), content])
}
