import type { RE2JS } from 're2js'
import { summaryKeys } from './names.ts'
import type { KeyRule } from './texts.ts'

/** What is to be done with whatever stands under a key. */
export interface KeyFacts {
  readonly ignored: boolean
  /** Whether the list of allowed keys has it. */
  readonly allowed: boolean
  /** Masks the whole value. */
  readonly rule: KeyRule | undefined
  /** The key without what must not be seen. */
  readonly shown: string
}

export interface KeyOptions {
  readonly ignoredKeys: readonly string[]
  readonly ignoredPatterns: readonly RE2JS[]
  /** Undefined: all are. */
  readonly allowedKeys: readonly string[] | undefined
  readonly rules: readonly (KeyRule & { readonly expression: RE2JS })[]
  readonly mask: (key: string) => string
}

/** Senders choose the keys, so that only so many are remembered. */
const rememberedMax = 4096

export type KeyFactsOf = (key: string) => KeyFacts

export function newKeyFacts(options: KeyOptions): KeyFactsOf {
  const ignored = new Set(options.ignoredKeys)
  const allowed = options.allowedKeys && new Set([...options.allowedKeys, ...summaryKeys])
  const remembered = new Map<string, KeyFacts>()

  function factsOf(key: string): KeyFacts {
    return {
      ignored: ignored.has(key) || options.ignoredPatterns.some((one) => one.test(key)),
      allowed: allowed?.has(key) ?? true,
      rule: options.rules.find(({ expression }) => expression.test(key)),
      shown: options.mask(key)
    }
  }

  return (key) => {
    const known = remembered.get(key)
    if (known !== undefined) return known
    const facts = factsOf(key)
    // What is masked is counted each time.
    if (facts.shown !== key) return facts
    if (remembered.size >= rememberedMax) remembered.clear()
    remembered.set(key, facts)
    return facts
  }
}
