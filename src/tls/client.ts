import type { ConnectionOptions } from 'node:tls'
import { z } from 'zod'
import type { Log } from '../telemetry/log.ts'
import { authorities, readPem, reloading } from './files.ts'
import { checkOneOf, checkTls, text, tlsKeys } from './keys.ts'

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
    ...tlsKeys('our own certificate, for mutual TLS')
  })
  .superRefine((tls, context) => {
    const add = (message: string) => context.addIssue({ code: 'custom', message })
    checkOneOf('ca', tls.ca_file, tls.ca_pem, add)
    checkTls(tls, add)
    if ((tls.cert_file + tls.cert_pem === '') !== (tls.key_file + tls.key_pem === ''))
      add('for mutual TLS provide both a certificate and its key, or neither')
  })

export type ClientTls = z.infer<typeof clientTls>

export interface TlsSource {
  /** What the next connection is to be made with: the same object until a file has changed. */
  current(): ConnectionOptions
}

/** Reads the files at once, so that a missing one stops the start. */
export function openClientTls(keys: ClientTls, log: Log): TlsSource {
  return reloading(() => optionsOf(keys), keys.reload_interval, log)
}

function optionsOf(keys: ClientTls): ConnectionOptions {
  const ca = authorities(
    readPem(keys.ca_file, keys.ca_pem, 'ca_file'),
    keys.include_system_ca_certs_pool
  )
  const cert = readPem(keys.cert_file, keys.cert_pem, 'cert_file')
  const key = readPem(keys.key_file, keys.key_pem, 'key_file')
  return {
    minVersion: `TLSv${keys.min_version}`,
    ...(keys.max_version && { maxVersion: `TLSv${keys.max_version}` }),
    rejectUnauthorized: !keys.insecure_skip_verify,
    ...(keys.server_name_override !== '' && { servername: keys.server_name_override }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key })
  }
}
