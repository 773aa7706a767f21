import { Fault } from '../errors.ts'

const units: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n
}

/** Nanoseconds in a Go duration such as `1h30m` or `-1.5s`. */
export function parseGoDuration(text: string): bigint {
  const wrong = () => new Fault('the string is no duration, as 1h30m is')
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text)!
  if (rest === '0') return 0n
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest) || rest.length > 200)
    throw wrong()
  let nanos = 0n
  for (const [, whole = '', fraction = '', unit] of rest.matchAll(
    /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g
  )) {
    const scale = units[unit!]!
    nanos += BigInt(whole || '0') * scale
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  if (sign === '-') nanos = -nanos
  if (BigInt.asIntN(64, nanos) !== nanos) throw wrong()
  return nanos
}
