import { type AnyValue, mapGet, mapWith, type ValueMap } from '../logs/value.ts'

/** The keys of what was done to attributes or to a body; those in a body with the path to them. */
export interface Names {
  readonly redacted: string[]
  readonly masked: string[]
  readonly allowed: string[]
  readonly ignored: string[]
}

export function newNames(): Names {
  return { redacted: [], masked: [], allowed: [], ignored: [] }
}

export type Summary = 'debug' | 'info' | 'silent'

/** With the attributes that tell what was done, added to what an earlier redaction has told. */
export function withSummary(
  attributes: ValueMap,
  names: Names,
  of: 'redaction' | 'redaction.body',
  summary: Summary
): ValueMap {
  if (summary === 'silent') return attributes
  let told = attributes
  for (const kind of ['redacted', 'masked', 'allowed', 'ignored'] as const) {
    const done = names[kind]
    if (done.length === 0) continue
    const [keys, count] = [`${of}.${kind}.keys`, `${of}.${kind}.count`]
    if (summary === 'debug' && kind !== 'ignored')
      told = mapWith(told, keys, [...done, ...listed(mapGet(told, keys))].sort(byBytes).join(','))
    const before = mapGet(told, count)
    told = mapWith(told, count, BigInt(done.length) + (typeof before === 'bigint' ? before : 0n))
  }
  return told
}

/** The attributes above, which no list of allowed keys takes away. */
export const summaryKeys = ['redaction', 'redaction.body'].flatMap((of) => [
  ...['redacted', 'masked', 'allowed'].flatMap((kind) => [
    `${of}.${kind}.keys`,
    `${of}.${kind}.count`
  ]),
  `${of}.ignored.count`
])

function listed(value: AnyValue | undefined): string[] {
  return typeof value === 'string' && value !== '' ? value.split(',') : []
}

/** As Go sorts. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
