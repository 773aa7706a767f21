import { z } from 'zod'

/** A Go duration (`1h30m`, `200ms`) or an integer of nanoseconds, as the Collector reads it; in code: milliseconds. */
export function duration() {
  return z
    .union([z.string(), z.number().int()])
    .meta({ title: 'duration' })
    .transform((value, context) => {
      const ms = typeof value === 'number' ? value / 1e6 : parseDuration(value)
      if (ms !== undefined) return ms
      context.addIssue({
        code: 'custom',
        message: durationProblem(String(value)),
        params: decoding
      })
      return z.NEVER
    })
}

/** Bytes as an integer, or with a unit: `64MiB`, `1.5GiB`, `500kB`. */
export function byteSize() {
  return z
    .union([z.string(), z.number().int().nonnegative()])
    .meta({ title: 'size' })
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : parseSize(value)
      if (bytes !== undefined) return bytes
      context.addIssue({
        code: 'custom',
        params: decoding,
        message: `invalid size "${value}": use bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB`
      })
      return z.NEVER
    })
}

/** Any value with the type that it has in YAML: `5` is a bigint, `5.0` a number. */
export function typedValue() {
  return z.union([z.bigint(), z.unknown()]).meta({ title: 'any' })
}

/** Marks an issue as "not of the kind wanted": it is named as a wrong type is. */
const decoding = { decoding: true }

const milliseconds: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000
}

/** Milliseconds, or undefined when the text is no Go duration. */
function parseDuration(text: string): number | undefined {
  const sign = /^[+-]/.test(text) ? text[0] : ''
  const rest = text.slice(sign?.length)
  if (rest === '0') return 0
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined
  let sum = 0
  for (const [, number, unit] of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    sum += Number(number) * milliseconds[unit!]!
  }
  return sign === '-' ? -sum : sum
}

function durationProblem(text: string): string {
  if (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text)) return `time: missing unit in duration "${text}"`
  const unit = text.match(/^[+-]?[\d.]+([^\d.]+)/)?.[1]
  return unit !== undefined && !(unit in milliseconds) && /^[+-]?\d/.test(text)
    ? `time: unknown unit "${unit}" in duration "${text}"`
    : `time: invalid duration "${text}"`
}

const sizes: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
}

function parseSize(text: string): number | undefined {
  const [, number, unit] = text.match(/^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/) ?? []
  const factor = sizes[(unit ?? '').toLowerCase()]
  return number === undefined || factor === undefined
    ? undefined
    : Math.round(Number(number) * factor)
}
