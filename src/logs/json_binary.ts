import { hexDigit } from './json_reader.ts'

/** Replaces hex digits by what they stand for; returns where that ends, -1 when they are none. */
export function decodeHex(bytes: Uint8Array, from: number, end: number): number {
  let to = from
  for (let at = from; at < end; at += 2) {
    const high = hexDigit(bytes[at]!)
    const low = hexDigit(bytes[at + 1]!)
    if (high < 0 || low < 0) return -1
    bytes[to++] = (high << 4) | low
  }
  return to
}

/** sextets[character]: its six bits, in the standard and in the URL alphabet; 255: not base64. */
const sextets = new Uint8Array(256).fill(255)
for (const [index, letter] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
].entries()) {
  sextets[letter.charCodeAt(0)] = index
}
sextets['-'.charCodeAt(0)] = 62
sextets['_'.charCodeAt(0)] = 63

/** Replaces base64, with or without padding, by its bytes; returns where they end, -1 when it is not base64. */
export function decodeBase64(bytes: Uint8Array, from: number, padded: number): number {
  let end = padded
  while (end > from && padded - end < 2 && bytes[end - 1] === 0x3d) end--
  if (end !== padded && (padded - from) % 4 !== 0) return -1
  if ((end - from) % 4 === 1) return -1
  let to = from
  let held = 0
  let bits = 0
  for (let at = from; at < end; at++) {
    const sextet = sextets[bytes[at]!]!
    if (sextet === 255) return -1
    held = ((held << 6) | sextet) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[to++] = held >> bits
  }
  return to
}
