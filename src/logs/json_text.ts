import { reserve, type Writer } from './wire.ts'

/*
 * JSON written as bytes from bytes: no string is made of a string field, and no BigInt of a 64-bit
 * number. Every function makes its own room in the writer.
 */

/** Text that is part of the format, turned to bytes once. */
export function literal(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text))
}

export function putBytes(writer: Writer, text: Uint8Array): void {
  const { length } = text
  reserve(writer, length)
  const { bytes, at } = writer
  // A loop beats `set` below some 50 bytes, and the format's own texts are about 15.
  if (length > 64) bytes.set(text, at)
  else for (let index = 0; index < length; index++) bytes[at + index] = text[index]!
  writer.at = at + length
}

export function putByte(writer: Writer, byte: number): void {
  reserve(writer, 1)
  writer.bytes[writer.at++] = byte
}

const quote = 0x22
const backslash = 0x5c
const digits = literal('0123456789abcdef')

/** 0: as it is; `u`: as \u00xx; else the letter after the backslash. */
const escapes = new Uint8Array(256).fill(0x75, 0, 0x20)
for (const [byte, letter] of [
  [quote, '"'],
  [backslash, '\\'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r']
] as const) {
  escapes[byte] = letter.charCodeAt(0)
}

/** UTF-8 as a JSON string in its quotes. */
export function putString(writer: Writer, text: Uint8Array, from: number, end: number): void {
  reserve(writer, 2 + (end - from) * 6)
  writer.bytes[writer.at++] = quote
  putEscaped(writer, text, from, end)
  writer.bytes[writer.at++] = quote
}

/** The inside of a JSON string; the caller has made room for six times its bytes. */
function putEscaped(writer: Writer, text: Uint8Array, from: number, end: number): void {
  const { bytes } = writer
  let to = writer.at
  for (let at = from; at < end; at++) {
    const byte = text[at]!
    const letter = escapes[byte]!
    if (letter === 0) {
      bytes[to++] = byte
      continue
    }
    bytes[to++] = backslash
    bytes[to++] = letter
    if (letter !== 0x75) continue
    bytes[to++] = 0x30
    bytes[to++] = 0x30
    bytes[to++] = digits[byte >> 4]!
    bytes[to++] = digits[byte & 15]!
  }
  writer.at = to
}

export function putHex(writer: Writer, data: Uint8Array, from: number, end: number): void {
  reserve(writer, (end - from) * 2)
  const { bytes } = writer
  for (let at = from; at < end; at++) {
    bytes[writer.at++] = digits[data[at]! >> 4]!
    bytes[writer.at++] = digits[data[at]! & 15]!
  }
}

const base64 = literal('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** Standard base64 with padding. */
export function putBase64(writer: Writer, data: Uint8Array, from: number, end: number): void {
  reserve(writer, Math.ceil((end - from) / 3) * 4)
  const { bytes } = writer
  let to = writer.at
  for (let at = from; at < end; at += 3) {
    const left = end - at
    const three =
      (data[at]! << 16) | (left > 1 ? data[at + 1]! << 8 : 0) | (left > 2 ? data[at + 2]! : 0)
    bytes[to++] = base64[three >> 18]!
    bytes[to++] = base64[(three >> 12) & 63]!
    bytes[to++] = left > 1 ? base64[(three >> 6) & 63]! : 0x3d
    bytes[to++] = left > 2 ? base64[three & 63]! : 0x3d
  }
  writer.at = to
}

/** A 64-bit unsigned number in decimal. */
export function putUint64(writer: Writer, low: number, high: number): void {
  if (high === 0) putUint(writer, low)
  else {
    const billions = divideByBillion(low, high)
    putUint(writer, billions)
    putPadded(writer, remainder, 9)
  }
}

export function putInt64(writer: Writer, low: number, high: number): void {
  if (high < 0x80000000) putUint64(writer, low, high)
  else {
    putByte(writer, 0x2d)
    const negated = -low >>> 0
    putUint64(writer, negated, (~high + (negated === 0 ? 1 : 0)) >>> 0)
  }
}

/** Whole numbers from 0 to 2^53. */
export function putUint(writer: Writer, value: number): void {
  let width = 1
  for (let next = 10; next <= value; next *= 10) width++
  putPadded(writer, value, width)
}

/** A whole number in exactly so many digits. */
export function putPadded(writer: Writer, value: number, width: number): void {
  reserve(writer, width)
  const { bytes } = writer
  let rest = value
  for (let at = writer.at + width - 1; at >= writer.at; at--) {
    const next = Math.floor(rest / 10)
    bytes[at] = 0x30 + rest - next * 10
    rest = next
  }
  writer.at += width
}

export let remainder = 0

/**
 * Divides a 64-bit number by 10^9, which nanoseconds and decimal digits both need, in steps of 16
 * bits so that nothing passes 2^53. Leaves the rest in `remainder`.
 */
export function divideByBillion(low: number, high: number): number {
  const top = Math.floor(high / 1e9)
  const middle = (high - top * 1e9) * 65536 + (low >>> 16)
  const middleQuotient = Math.floor(middle / 1e9)
  const bottom = (middle - middleQuotient * 1e9) * 65536 + (low & 0xffff)
  const bottomQuotient = Math.floor(bottom / 1e9)
  remainder = bottom - bottomQuotient * 1e9
  return top * 4294967296 + middleQuotient * 65536 + bottomQuotient
}

/** A finite number as JSON; NaN and the infinities as the strings that proto3 JSON gives them. */
export function putDouble(writer: Writer, value: number): void {
  const text = Object.is(value, -0) ? '-0' : String(value)
  putAscii(writer, Number.isFinite(value) ? text : `"${text}"`)
}

export function putAscii(writer: Writer, text: string): void {
  reserve(writer, text.length)
  for (let index = 0; index < text.length; index++)
    writer.bytes[writer.at++] = text.charCodeAt(index)
}
