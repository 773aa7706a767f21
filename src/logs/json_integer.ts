import {
  copyString,
  found,
  type JsonReader,
  minus,
  passNumber,
  quote,
  refuse,
  startsNumber
} from './json_reader.ts'
import type { Writer } from './wire.ts'

/** A whole number of at most 64 bits in halves; a negative one in two's complement. */
interface Integer {
  low: number
  high: number
}

/** The one result object: integers are read and written one after another. */
const result: Integer = { low: 0, high: 0 }

/**
 * The integer that comes next, as a JSON number or in a string, all its digits kept; `unsigned`
 * says which 64 bits. `1.0` and `1e3` are integers too, as in proto3 JSON.
 */
export function readInteger(
  json: JsonReader,
  writer: Writer,
  unsigned: boolean
): Readonly<Integer> {
  const start = json.at
  const first = json.bytes[start]
  if (first === quote) {
    const from = writer.at
    copyString(json, writer)
    const end = writer.at
    writer.at = from
    parse(json, start, writer.bytes, from, end, unsigned)
  } else {
    if (!startsNumber(first)) refuse(json, start, `${found(json)}, expected an integer`)
    passNumber(json)
    parse(json, start, json.bytes, start, json.at, unsigned)
  }
  return result
}

function parse(
  json: JsonReader,
  start: number,
  text: Uint8Array,
  from: number,
  end: number,
  unsigned: boolean
): void {
  const negative = text[from] === minus
  if (!parseDigits(text, negative ? from + 1 : from, end)) {
    if (end - from > longest) refuse(json, start, `a number of more than ${longest} characters`)
    const value = wholeNumber(Buffer.from(text.subarray(from, end)).toString('latin1'))
    if (value === undefined) refuse(json, start, 'not an integer')
    setBigint(json, start, value, unsigned)
    return
  }
  const { low, high } = result
  const limit = unsigned ? 0xffffffff : 0x7fffffff
  const smallest = negative && !unsigned && high === 0x80000000 && low === 0
  if ((high > limit && !smallest) || (negative && unsigned && (low !== 0 || high !== 0)))
    refuse(json, start, outside(unsigned))
  if (!negative) return
  result.low = -low >>> 0
  result.high = (~high + (low === 0 ? 1 : 0)) >>> 0
}

/** Up to 20 plain digits, without a BigInt: nanosecond times are in every record. */
function parseDigits(text: Uint8Array, from: number, end: number): boolean {
  if (end - from < 1 || end - from > 20) return false
  const middle = Math.max(from, end - 9)
  let billions = 0
  let rest = 0
  for (let at = from; at < end; at++) {
    const digit = text[at]! - 0x30
    if (digit < 0 || digit > 9) return false
    if (at < middle) billions = billions * 10 + digit
    else rest = rest * 10 + digit
  }
  // billions * 10^9 + rest, in steps of 16 bits so that nothing passes 2^53.
  const lowBillions = billions % 65536
  const highProduct = ((billions - lowBillions) / 65536) * 1e9
  const lowProduct = (highProduct % 65536) * 65536 + lowBillions * 1e9 + rest
  result.low = lowProduct % 4294967296
  result.high = Math.floor(highProduct / 65536) + Math.floor(lowProduct / 4294967296)
  return true
}

/** No writer needs as many for 64 bits, and looking through megabytes of them would hold up everybody. */
const longest = 1000

/** Any other spelling of a whole number; undefined: it is none. Never computes more digits than were sent. */
function wholeNumber(text: string): bigint | undefined {
  const parts = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return undefined
  const [, sign, whole, fraction = '', exponent = '0'] = parts
  const digits = BigInt(`${whole}${fraction}`)
  const power = Number(exponent) - fraction.length
  if (digits === 0n) return 0n
  if (power > 20) return beyond64Bits
  if (-power > text.length) return undefined
  const scale = 10n ** BigInt(Math.abs(power))
  if (power < 0 && digits % scale !== 0n) return undefined
  const value = power < 0 ? digits / scale : digits * scale
  return sign === '-' ? -value : value
}

const beyond64Bits = 2n ** 64n

function setBigint(json: JsonReader, start: number, value: bigint, unsigned: boolean): void {
  const fits = unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)
  if (fits !== value) refuse(json, start, outside(unsigned))
  result.low = Number(value & 0xffffffffn)
  result.high = Number((value >> 32n) & 0xffffffffn)
}

function outside(unsigned: boolean): string {
  return unsigned ? 'outside of 64 bits, or negative' : 'outside of 64 bits'
}
