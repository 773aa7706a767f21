import { hash as digest, randomUUID } from 'node:crypto'
import { uuidv7 } from '../../archive/uuidv7.ts'
import { Fault } from '../errors.ts'
import { define, type OttlFunction } from './function.ts'
import { murmur32, murmur128 } from './murmur3.ts'
import { anyAsBytes, anyAsText } from './params.ts'
import { ofText } from './text.ts'

const hex = define(
  'Hex',
  'The bytes of the value as hex digits: numbers as 8 bytes, a bool as one.',
  { target: anyAsBytes },
  ({ target }) =>
    (view) =>
      Buffer.from(target(view) ?? []).toString('hex')
)

const isValidLuhn = define(
  'IsValidLuhn',
  'Whether the digits, spaces left out, are a number with a valid Luhn check digit, as payment cards have.',
  { target: anyAsText },
  ({ target }) =>
    (view) =>
      luhn(target(view))
)

function luhn(value: string | null): boolean {
  if (value === null) throw new Fault('nil is no number')
  const digits = value.replaceAll(' ', '')
  if (digits === '') return false
  if (!/^\d+$/.test(digits)) throw new Fault('the string is no number')
  const sum = Array.from(digits, Number)
    .reverse()
    .reduce(
      (total, digit, index) =>
        total + (index % 2 === 0 ? digit : Math.floor(digit / 5) + ((2 * digit) % 10)),
      0
    )
  return sum % 10 === 0
}

const made = (name: string, summary: string, newId: () => string): OttlFunction =>
  define(name, summary, {}, () => newId)

export const hashes = [
  ofText('MD5', 'The MD5 digest as hex digits.', (value) => digest('md5', value)),
  ofText('SHA1', 'The SHA-1 digest as hex digits.', (value) => digest('sha1', value)),
  ofText('SHA256', 'The SHA-256 digest as hex digits.', (value) => digest('sha256', value)),
  ofText('SHA512', 'The SHA-512 digest as hex digits.', (value) => digest('sha512', value)),
  ofText('FNV', 'The 64-bit FNV-1a hash, as an int.', fnv),
  ofText('Murmur3Hash', 'The 32-bit Murmur3 hash, little-endian, as hex digits.', murmur32),
  ofText('Murmur3Hash128', 'The 128-bit Murmur3 hash, little-endian, as hex digits.', murmur128),
  hex,
  isValidLuhn,
  made('UUID', 'A random UUID (version 4).', randomUUID),
  made('UUIDv7', 'A UUID that sorts by time (version 7).', () => uuidv7(Date.now()))
]

function fnv(value: string): bigint {
  let sum = 0xcbf29ce484222325n
  for (const byte of Buffer.from(value))
    sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n)
  return BigInt.asIntN(64, sum)
}
