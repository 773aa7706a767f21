import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls'
import { z } from 'zod'
import type { Log } from '../telemetry/log.ts'
import { authorities, readPem, reloading } from './files.ts'
import { checkOneOf, checkTls, text, tlsKeys } from './keys.ts'

/** How soon a changed client_ca_file is seen when no reload_interval says it. */
const clientCaIntervalMs = 10_000

/** The Collector's `tls` of a listener. */
export const serverTls = z
  .strictObject({
    ...tlsKeys("the listener's certificate"),
    client_ca_file: text().describe(
      'PEM file of the authorities that must have signed a sender: mutual TLS. Unset: senders need no certificate.'
    ),
    client_ca_pem: text().describe('The same as text.'),
    client_ca_file_reload: z
      .boolean()
      .default(false)
      .describe('Reads the files again every 10s when no reload_interval says how often.')
  })
  .superRefine((tls, context) => {
    const add = (message: string) => context.addIssue({ code: 'custom', message })
    checkOneOf('client_ca', tls.client_ca_file, tls.client_ca_pem, add)
    checkTls(tls, add)
    if (tls.cert_file + tls.cert_pem === '' || tls.key_file + tls.key_pem === '')
      add('a listener with tls needs a certificate and its key: cert_file and key_file')
  })

export type ServerTls = z.infer<typeof serverTls>

export interface ServerTlsSource {
  /** What the server is made with. */
  readonly options: SecureContextOptions & { requestCert: boolean; rejectUnauthorized: boolean }
  /** From now on new connections of this server have the certificates that the files have then. */
  follow(server: Server): void
}

/** Reads the files at once, so that a missing or broken one stops the start. */
export function openServerTls(keys: ServerTls, log: Log): ServerTlsSource {
  const interval = keys.reload_interval || (keys.client_ca_file_reload ? clientCaIntervalMs : 0)
  const source = reloading(() => contextOf(keys), interval, log)
  const mutual = keys.client_ca_file + keys.client_ca_pem !== ''
  return {
    options: { ...source.current(), requestCert: mutual, rejectUnauthorized: mutual },
    follow: (server) => {
      if (interval === 0) return
      let used = source.current()
      const timer = setInterval(() => {
        const now = source.current()
        if (now === used) return
        used = now
        server.setSecureContext(now)
      }, interval).unref()
      server.once('close', () => clearInterval(timer))
    }
  }
}

function contextOf(keys: ServerTls): SecureContextOptions {
  const ca = authorities(
    readPem(keys.client_ca_file, keys.client_ca_pem, 'client_ca_file'),
    keys.include_system_ca_certs_pool
  )
  const options: SecureContextOptions = {
    minVersion: `TLSv${keys.min_version}`,
    ...(keys.max_version && { maxVersion: `TLSv${keys.max_version}` }),
    cert: readPem(keys.cert_file, keys.cert_pem, 'cert_file')!,
    key: readPem(keys.key_file, keys.key_pem, 'key_file')!,
    ...(ca !== undefined && { ca })
  }
  try {
    createSecureContext(options)
  } catch (cause) {
    const { cert_file, key_file } = keys
    throw new Error(`the certificate ${cert_file} and the key ${key_file} are of no use`, { cause })
  }
  return options
}
