import { readFileSync } from 'node:fs'
import { type ConnectionOptions, getCACertificates } from 'node:tls'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import type { ClientTls } from './client_keys.ts'

export interface TlsSource {
  /** What the next connection is to be made with: the same object until a file has changed. */
  current(): ConnectionOptions
}

/** Reads the files at once, so that a missing one stops the start. */
export function openTls(keys: ClientTls, log: Log): TlsSource {
  const fixed = fixedOptions(keys)
  let material = read(keys)
  let options: ConnectionOptions = { ...fixed, ...material }
  let readAt = Date.now()

  return {
    current: () => {
      if (keys.reload_interval === 0 || Date.now() - readAt < keys.reload_interval) return options
      readAt = Date.now()
      try {
        const next = read(keys)
        if (JSON.stringify(next) !== JSON.stringify(material)) {
          material = next
          options = { ...fixed, ...material }
          log.info('certificates were reloaded')
        }
      } catch (error) {
        log.warn('certificates cannot be reloaded, the old ones stay', { error: reasonOf(error) })
      }
      return options
    }
  }
}

function fixedOptions(keys: ClientTls): ConnectionOptions {
  return {
    minVersion: `TLSv${keys.min_version}`,
    ...(keys.max_version && { maxVersion: `TLSv${keys.max_version}` }),
    rejectUnauthorized: !keys.insecure_skip_verify,
    ...(keys.server_name_override !== '' && { servername: keys.server_name_override })
  }
}

function read(keys: ClientTls) {
  const ca = pem(keys.ca_file, keys.ca_pem, 'ca_file')
  const cert = pem(keys.cert_file, keys.cert_pem, 'cert_file')
  const key = pem(keys.key_file, keys.key_pem, 'key_file')
  const system = keys.include_system_ca_certs_pool ? getCACertificates('system') : []
  return {
    ...(ca !== undefined && { ca: [...system, ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key })
  }
}

function pem(file: string, text: string, what: string): string | undefined {
  if (file === '') return text === '' ? undefined : text
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`reading ${what} ${file}`, { cause })
  }
}
