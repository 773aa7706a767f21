/*
 * Protobuf's wire format. The readers are for bytes that check.ts has accepted: they do not look
 * for truncation again.
 */

/** A place in checked protobuf bytes; the functions below move it on. One serves a whole walk. */
export interface Reader {
  readonly bytes: Uint8Array
  at: number
  /** The halves of the last 64-bit number read, each 0 to 2^32-1. */
  low: number
  high: number
}

export function newReader(bytes: Uint8Array): Reader {
  // A plain Uint8Array, also for a Buffer: one hidden class keeps every reading loop monomorphic.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes: plain, at: 0, low: 0, high: 0 }
}

/** Field keys (field number << 3 | wire type), lengths and 32-bit numbers; higher bits are cut off as protobuf does. */
export function readUint32(reader: Reader): number {
  const { bytes } = reader
  let byte = bytes[reader.at++]!
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let shift = 7; shift < 70; shift += 7) {
    byte = bytes[reader.at++]!
    if (shift < 32) value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
  throw endless()
}

/** Bytes that nobody has checked: they end here, where a loop without end would be worse. */
function endless(): RangeError {
  return new RangeError('a varint of more than 10 bytes')
}

/** Reads a length and returns where the value ends; the reader then stands at its first byte. */
export function readEnd(reader: Reader): number {
  const length = readUint32(reader)
  return reader.at + length
}

export function skipValue(reader: Reader, wire: number): void {
  if (wire === 2) reader.at = readEnd(reader)
  else if (wire === 0) while (reader.bytes[reader.at++]! >= 0x80);
  else reader.at += wire === 1 ? 8 : 4
}

/** Reads the key of the next field; true when it is this field, else its value is skipped. */
export function enter(reader: Reader, number: number): boolean {
  const key = readUint32(reader)
  if (key >>> 3 === number) return true
  skipValue(reader, key & 7)
  return false
}

/** Goes to the length at `place` and behind it, and returns where the value ends. */
export function stopOf(reader: Reader, place: number): number {
  reader.at = place
  return readEnd(reader)
}

/** Where each field's last value stands, by field number; 0: not there. Filled anew by each `locate`. */
export const places = new Int32Array(16)

/** Walks over one message, from the reader's place to `end`, and fills `places`. */
export function locate(reader: Reader, end: number): Int32Array {
  places.fill(0)
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key < 128) places[key >>> 3] = reader.at
    skipValue(reader, key & 7)
  }
  return places
}

/** Where protobuf is written: grows as needed, so that lengths can be put in front of what they measure. */
export interface Writer {
  bytes: Uint8Array
  at: number
}

export function newWriter(capacity: number): Writer {
  return { bytes: new Uint8Array(Buffer.allocUnsafeSlow(capacity).buffer), at: 0 }
}

/** What was written, in memory of its own size. */
export function written(writer: Writer): Uint8Array {
  return writer.bytes.slice(0, writer.at)
}

/** Makes room for `count` more bytes; write to `bytes` only after it, for the array may be another one. */
export function reserve(writer: Writer, count: number): void {
  if (writer.at + count <= writer.bytes.length) return
  const larger = newWriter(Math.max(writer.bytes.length * 2, writer.at + count)).bytes
  larger.set(writer.bytes.subarray(0, writer.at))
  writer.bytes = larger
}

/** A view and a call into V8 cost as much as a loop over so many bytes. */
const loopedOver = 40

/** Bytes as they are. */
export function append(writer: Writer, bytes: Uint8Array, from: number, end: number): void {
  reserve(writer, end - from)
  const { bytes: to, at } = writer
  if (end - from > loopedOver) to.set(bytes.subarray(from, end), at)
  else for (let index = from; index < end; index++) to[at + index - from] = bytes[index]!
  writer.at += end - from
}

export function writeUint32(writer: Writer, value: number): void {
  reserve(writer, 5)
  putUint32(writer, value)
}

/** A 64-bit varint from its two halves. */
export function writeVarint64(writer: Writer, low: number, high: number): void {
  reserve(writer, 10)
  const { bytes } = writer
  let lo = low >>> 0
  let hi = high >>> 0
  while (hi > 0 || lo > 0x7f) {
    bytes[writer.at++] = (lo & 0x7f) | 0x80
    lo = ((lo >>> 7) | (hi << 25)) >>> 0
    hi >>>= 7
  }
  bytes[writer.at++] = lo
}

export function writeFixed32(writer: Writer, value: number): void {
  reserve(writer, 4)
  const { bytes } = writer
  bytes[writer.at++] = value
  bytes[writer.at++] = value >>> 8
  bytes[writer.at++] = value >>> 16
  bytes[writer.at++] = value >>> 24
}

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)

export function writeDouble(writer: Writer, value: number): void {
  double[0] = value
  writeFixed32(writer, halves[0]!)
  writeFixed32(writer, halves[1]!)
}

export function readDouble(reader: Reader): number {
  halves[0] = readFixed32(reader)
  halves[1] = readFixed32(reader)
  return double[0]!
}

export function readFixed64(reader: Reader): void {
  reader.low = readFixed32(reader)
  reader.high = readFixed32(reader)
}

export function readVarint64(reader: Reader): void {
  const { bytes } = reader
  let low = 0
  let high = 0
  for (let shift = 0; ; shift += 7) {
    if (shift === 70) throw endless()
    const byte = bytes[reader.at++]!
    const bits = byte & 0x7f
    if (shift < 28) low |= bits << shift
    else if (shift === 28) {
      low |= bits << 28
      high = bits >>> 4
    } else high |= bits << (shift - 32)
    if (byte < 0x80) break
  }
  reader.low = low >>> 0
  reader.high = high >>> 0
}

export function readFixed32(reader: Reader): number {
  const { bytes, at } = reader
  reader.at = at + 4
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}

/**
 * Begins a field whose length comes before its content: leaves `room` bytes for the length and
 * returns where the content starts. closeField moves the content when the guess was wrong.
 */
export function openField(writer: Writer, number: number, room: number): number {
  reserve(writer, 10)
  putUint32(writer, (number << 3) | 2)
  writer.at += room
  return writer.at
}

export function closeField(writer: Writer, from: number, room: number): void {
  const length = writer.at - from
  const needed = sizeOfUint32(length)
  if (needed !== room) {
    reserve(writer, 4)
    writer.bytes.copyWithin(from - room + needed, from, writer.at)
  }
  writer.at = from - room
  putUint32(writer, length)
  writer.at += length
}

/** Bytes of the varint of a number below 2^32. */
export function sizeOfUint32(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5
}

function putUint32(writer: Writer, value: number): void {
  const { bytes } = writer
  let rest = value
  while (rest > 0x7f) {
    bytes[writer.at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[writer.at++] = rest
}
