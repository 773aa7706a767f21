/** The longest beginning of the text that has at most so many bytes of UTF-8 and no half character. */
export function cutText(text: string, bytes: number): string {
  const encoded = Buffer.from(text)
  return encoded.toString('utf8', 0, boundaryBefore(encoded, bytes))
}

/** The place itself when a character begins there, else where the one around it begins. */
export function boundaryBefore(encoded: Uint8Array, place: number): number {
  let at = place
  while (at > 0 && inCharacter(encoded, at)) at--
  return at
}

export function boundaryAfter(encoded: Uint8Array, place: number): number {
  let at = place
  while (inCharacter(encoded, at)) at++
  return at
}

function inCharacter(encoded: Uint8Array, at: number): boolean {
  return at < encoded.length && (encoded[at]! & 0xc0) === 0x80
}
