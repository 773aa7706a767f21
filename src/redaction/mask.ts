import { createHmac, hash } from 'node:crypto'

export const hashFunctions = ['md5', 'sha1', 'sha3', 'hmac-sha256', 'hmac-sha512'] as const

export interface Masking {
  readonly hash_function?: (typeof hashFunctions)[number] | undefined
  readonly hmac_key: string
}

/** What the Collector puts in the place of a value: asterisks, or the whole digest. */
export function plainMask(masking: Masking): (value: string) => string {
  return digestOf(masking) ?? (() => '****')
}

/**
 * `<masked:jwt>`, or `<hmac:jwt#0123456789abcdef>`: equal values of one kind stay equal. 64 bits of the
 * digest are enough: among a million values two are alike by chance once in 37 million times. No shipped
 * pattern matches in it, so that what is masked is not masked again: none takes a `<`, and what stands
 * behind the `#` would be a secret behind a colon (`private_key:0123456789abcdef`).
 */
export function typedMask(masking: Masking, kind: string): (value: string) => string {
  const digest = digestOf(masking)
  if (digest === undefined) return () => `<masked:${kind}>`
  const [how] = masking.hash_function!.split('-')
  return (value) => `<${how}:${kind}#${digest(value).slice(0, 16)}>`
}

/** Whether all of the text is a mask. */
export function isMask(text: string): boolean {
  return /^(?:\*+|<[a-z0-9]+:[a-z0-9_]+(?:#[0-9a-f]{16})?>)$/.test(text)
}

function digestOf({ hash_function: name, hmac_key: key }: Masking) {
  switch (name) {
    case undefined:
      return undefined
    case 'hmac-sha256':
    case 'hmac-sha512':
      return (value: string) => createHmac(name.slice(5), key).update(value).digest('hex')
    default:
      return (value: string) => hash(name === 'sha3' ? 'sha3-256' : name, value)
  }
}
