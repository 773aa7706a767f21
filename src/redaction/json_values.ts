import { unescaped } from './escapes.ts'
import { type Token, tokensIn } from './json_tokens.ts'

/** A key, or a value with the key that it stands under; the elements of a list stand under the list's. */
export interface JsonValue {
  /** `whole`: a map or list, from bracket to bracket. */
  readonly kind: 'key' | 'string' | 'scalar' | 'whole'
  readonly start: number
  readonly end: number
  readonly key: string | undefined
}

/** Lists in lists deeper than this stand under no key. */
const depthMax = 100

/** Keys and values in their order. Of a map or list under a key that `asWhole` wants nothing inside is given. */
export function* jsonValuesIn(
  text: string,
  asWhole: (key: string) => boolean
): Generator<JsonValue, void> {
  const keyOfList: (string | undefined)[] = []
  let depth = 0
  let key: string | undefined
  const tokens = tokensIn(text)
  for (const token of tokens) {
    const { kind, start, end } = token
    switch (kind) {
      case 'key':
        key = unescaped(text, start, end).text
        yield { kind, start, end, key: undefined }
        continue
      case 'string':
      case 'scalar':
        yield { kind, start, end, key }
        break
      case 'open':
        if (key !== undefined && asWhole(key)) {
          yield { kind: 'whole', start, end: endOfWhole(text, tokens), key }
          break
        }
        if (depth < depthMax) keyOfList[depth] = text[start] === '[' ? key : undefined
        depth++
        break
      case 'close':
        if (depth > 0) depth--
    }
    key = depth > 0 ? keyOfList[depth - 1] : undefined
  }
}

/** Behind the bracket that closes what has just been opened; the end of a text that was cut. */
function endOfWhole(text: string, tokens: Generator<Token, void>): number {
  let open = 1
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const { kind, end } = next.value
    if (kind === 'open') open++
    else if (kind === 'close' && --open === 0) return end
  }
  return text.length
}
