import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'
import { duration } from '../config/fields.ts'
import { refused } from '../otlp/server_keys.ts'

/** Names and values sent with every request; a map, or the list of pairs that newer Collectors write. */
export function headersSchema(reserved: ReadonlySet<string>) {
  return z.preprocess(
    (value) => (Array.isArray(value) && value.every(isPair) ? fromPairs(value) : value),
    z.record(z.string(), z.string()).superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        const message = reserved.has(name.toLowerCase())
          ? `${name} is set by the exporter itself`
          : headerProblem(name, value)
        if (message) context.addIssue({ code: 'custom', path: [name], message })
      }
    })
  )
}

function isPair(item: unknown): item is { name: string; value: unknown } {
  const keys = typeof item === 'object' && item !== null ? Object.keys(item).sort() : []
  return keys.join() === 'name,value'
}

function fromPairs(pairs: { name: string; value: unknown }[]) {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]))
}

/** The value may be a secret: it is not repeated. */
function headerProblem(name: string, value: string): string | undefined {
  try {
    validateHeaderName(name)
  } catch {
    return `"${name}" is not the name of a header`
  }
  try {
    validateHeaderValue(name, value)
    return undefined
  } catch {
    return `the value of ${name} has a character that no header may have`
  }
}

const versions = ['1.2', '1.3'] as const

/** Node refuses older versions by its own default too. */
const version = z.enum(versions, {
  error: ({ input }) =>
    input === '1.0' || input === '1.1'
      ? `TLS ${input} is not secure and not supported: use 1.2 or 1.3`
      : `unknown TLS version "${input}" (valid values: [1.2 1.3])`
})

const text = () => z.string().default('')

/** The Collector's `tls` of a client. */
export const clientTls = z
  .strictObject({
    insecure: z
      .boolean()
      .default(false)
      .describe('gRPC without TLS; over HTTP the scheme of the endpoint decides.'),
    insecure_skip_verify: z
      .boolean()
      .default(false)
      .describe("Takes any certificate for the server's: only for tests."),
    server_name_override: text().describe("Name that the server's certificate must be for."),
    ca_file: text().describe('PEM file of the authorities that may have signed the server.'),
    ca_pem: text().describe('The same as text.'),
    include_system_ca_certs_pool: z
      .boolean()
      .default(false)
      .describe("The system's authorities beside those of ca_file or ca_pem."),
    cert_file: text().describe('PEM file of our own certificate, for mutual TLS.'),
    cert_pem: text().describe('The same as text.'),
    key_file: text().describe('PEM file of the key of our certificate.'),
    key_pem: text().describe('The same as text.'),
    min_version: version.default('1.2').describe('Oldest TLS version, 1.2 or 1.3.'),
    max_version: version.optional().describe('Newest TLS version; unset: no limit.'),
    reload_interval: duration()
      .refine((ms) => ms >= 0, 'must not be negative')
      .prefault('0')
      .describe('Reads the files again so often; 0: at start only.'),
    cipher_suites: refused("cipher_suites are not supported: Node's defaults are used"),
    curve_preferences: refused("curve_preferences are not supported: Node's defaults are used"),
    tpm: refused('tpm is not supported')
  })
  .superRefine((tls, context) => {
    const add = (message: string) => context.addIssue({ code: 'custom', message })
    const both = (what: string, ...[file, pem]: readonly string[]) => {
      if (file !== '' && pem !== '') add(`provide either ${what}_file or ${what}_pem, not both`)
    }
    both('ca', tls.ca_file, tls.ca_pem)
    both('cert', tls.cert_file, tls.cert_pem)
    both('key', tls.key_file, tls.key_pem)
    const hasCert = tls.cert_file + tls.cert_pem !== ''
    if (hasCert !== (tls.key_file + tls.key_pem !== ''))
      add('for mutual TLS provide both a certificate and its key, or neither')
    if (tls.max_version !== undefined && tls.max_version < tls.min_version)
      add('min_version cannot be greater than max_version')
  })

export type ClientTls = z.infer<typeof clientTls>

export const notYet = {
  auth: refused('auth is not supported yet: give the credentials by headers'),
  middlewares: refused('middlewares are not supported: there are none to name')
}
