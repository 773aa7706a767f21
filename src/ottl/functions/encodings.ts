import { BlockList, isIP } from 'node:net'
import { Fault, OttlError } from '../errors.ts'
import { typeName } from '../values.ts'
import { define } from './function.ts'
import { anyAsBytes, atStart, optional, text, texts, value } from './params.ts'

const base64: Record<string, { alphabet: BufferEncoding; padded: boolean }> = {
  base64: { alphabet: 'base64', padded: true },
  'base64-raw': { alphabet: 'base64', padded: false },
  'base64-url': { alphabet: 'base64url', padded: true },
  'base64-raw-url': { alphabet: 'base64url', padded: false }
}

const base64Encode = define(
  'Base64Encode',
  'The string in base64: `"base64"`, `"base64-raw"`, `"base64-url"` or `"base64-raw-url"`.',
  { target: text, variant: optional(text) },
  ({ target, variant }, at) => {
    const constant = variant === undefined ? 'base64' : variant.constant
    if (constant !== undefined && !Object.hasOwn(base64, constant))
      throw new OttlError(`the variant must be ${Object.keys(base64).join(', ')}`, at)
    return (view) => {
      const name = variant?.(view) ?? 'base64'
      if (!Object.hasOwn(base64, name)) throw new Fault('there is no such variant of base64')
      const { alphabet, padded } = base64[name]!
      const encoded = Buffer.from(target(view)).toString(alphabet).replace(/=+$/, '')
      return padded ? encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=') : encoded
    }
  }
)

const decode = define(
  'Decode',
  'The text in a string or bytes, by `"base64"` and its variants or the name of a character encoding.',
  { target: value, encoding: text },
  (args, at) => {
    if (args.encoding.constant !== undefined) {
      const { constant } = args.encoding
      atStart(at, () => decoderOf(constant))
    }
    return (view) => {
      const of = args.target(view)
      const decoder = decoderOf(args.encoding(view))
      if (typeof of === 'string' || of instanceof Uint8Array) return decoder(Buffer.from(of))
      throw new Fault(`a ${typeName(of)} cannot be decoded`)
    }
  }
)

function decoderOf(name: string): (bytes: Buffer) => string {
  if (Object.hasOwn(base64, name)) return (bytes) => fromBase64(bytes.toString('latin1'), name)
  try {
    const decoder = new TextDecoder(name || 'utf-8')
    return (bytes) => decoder.decode(bytes)
  } catch {
    throw new Fault('unknown character encoding')
  }
}

function fromBase64(written: string, name: string): string {
  const { alphabet, padded } = base64[name]!
  const digits = written.replace(/[\r\n]/g, '')
  const letters = alphabet === 'base64' ? /^[A-Za-z0-9+/]*(={0,2})$/ : /^[A-Za-z0-9_-]*(={0,2})$/
  const padding = letters.exec(digits)?.[1]
  const whole = padded ? digits.length % 4 === 0 : padding === '' && digits.length % 4 !== 1
  if (padding === undefined || !whole) throw new Fault(`the text is no ${name}`)
  return Buffer.from(digits, alphabet).toString()
}

const idOf = (name: string, bytes: number) =>
  define(
    name,
    `A ${name === 'TraceID' ? 'trace' : 'span'} id of ${bytes} bytes or ${bytes * 2} hex digits.`,
    { target: anyAsBytes },
    ({ target }, at) => {
      const id = (of: Uint8Array | null) => ({
        kind: 'id',
        bytes: idBytes(of ?? Buffer.alloc(0), bytes)
      })
      if (target.constant !== undefined) {
        const fixed = atStart(at, () => id(target.constant!))
        return () => fixed
      }
      return (view) => id(target(view))
    }
  )

function idBytes(of: Uint8Array, bytes: number): Uint8Array {
  if (of.length === bytes) return of
  const digits = Buffer.from(of).toString('latin1')
  if (of.length !== bytes * 2 || !/^[0-9a-fA-F]*$/.test(digits))
    throw new Fault(`an id of ${bytes} bytes or ${bytes * 2} hex digits is expected`)
  return Buffer.from(digits, 'hex')
}

const isInCidr = define(
  'IsInCIDR',
  'Whether the IP address is in one of the networks, e.g. `["10.0.0.0/8"]`; false for what is no address.',
  { target: text, networks: texts },
  ({ target, networks }, at) => {
    const fixed = networks.every((network) => network.constant !== undefined)
      ? atStart(at, () => networksOf(networks.map((network) => network.constant!)))
      : undefined
    return (view) => {
      const address = target(view)
      const family = isIP(address)
      if (family === 0) return false
      const list = fixed ?? networksOf(networks.map((network) => network(view)))
      return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    }
  }
)

function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/')
    const family = isIP(address)
    if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
      throw new Fault('there is a network that is none, as 10.0.0.0/8 is one')
    list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

export const encodings = [base64Encode, decode, idOf('TraceID', 16), idOf('SpanID', 8), isInCidr]
