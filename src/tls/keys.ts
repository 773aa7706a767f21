import { z } from 'zod'
import { duration } from '../config/fields.ts'
import { refused } from '../config/refused.ts'

const versions = ['1.2', '1.3'] as const

/** Node refuses older versions by its own default too. */
const version = z.enum(versions, {
  error: ({ input }) =>
    input === '1.0' || input === '1.1'
      ? `TLS ${input} is not secure and not supported: use 1.2 or 1.3`
      : `unknown TLS version "${input}" (valid values: [1.2 1.3])`
})

export const text = () => z.string().default('')

/** What the Collector's `tls` of a client and of a server have in common. */
export function tlsKeys(mine: string) {
  return {
    cert_file: text().describe(`PEM file of ${mine}.`),
    cert_pem: text().describe('The same as text.'),
    key_file: text().describe('PEM file of the key of that certificate.'),
    key_pem: text().describe('The same as text.'),
    include_system_ca_certs_pool: z
      .boolean()
      .default(false)
      .describe("The system's authorities beside those named here."),
    min_version: version.default('1.2').describe('Oldest TLS version, 1.2 or 1.3.'),
    max_version: version.optional().describe('Newest TLS version; unset: no limit.'),
    reload_interval: duration()
      .refine((ms) => ms >= 0, 'must not be negative')
      .prefault('0')
      .describe('Reads the files again so often; 0: at start only.'),
    cipher_suites: refused("cipher_suites are not supported: Node's defaults are used"),
    curve_preferences: refused("curve_preferences are not supported: Node's defaults are used"),
    tpm: refused('tpm is not supported')
  }
}

interface Pairs {
  readonly cert_file: string
  readonly cert_pem: string
  readonly key_file: string
  readonly key_pem: string
  readonly min_version: string
  readonly max_version?: string | undefined
}

/** Mistakes in what client and server have in common. */
export function checkTls(tls: Pairs, add: (message: string) => void): void {
  checkOneOf('cert', tls.cert_file, tls.cert_pem, add)
  checkOneOf('key', tls.key_file, tls.key_pem, add)
  if (tls.max_version !== undefined && tls.max_version < tls.min_version)
    add('min_version cannot be greater than max_version')
}

export function checkOneOf(
  what: string,
  file: string,
  pem: string,
  add: (message: string) => void
): void {
  if (file !== '' && pem !== '') add(`provide either ${what}_file or ${what}_pem, not both`)
}
