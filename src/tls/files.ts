import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'

/** The text of a PEM that a file has or that stands in the configuration; undefined when neither is named. */
export function readPem(file: string, pem: string, key: string): string | undefined {
  if (file === '') return pem === '' ? undefined : pem
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Error(`reading ${key} ${file}`, { cause })
  }
}

/** Authorities: the named one, and the system's where they are asked for. */
export function authorities(named: string | undefined, withSystem: boolean): string[] | undefined {
  const system = withSystem ? getCACertificates('system') : []
  return named === undefined && !withSystem ? undefined : [...system, ...(named ? [named] : [])]
}

/**
 * What is made of files, made anew when they have changed: `current` looks again after `interval`
 * milliseconds (0: never), and keeps what it has when they do not read.
 */
export function reloading<T>(read: () => T, interval: number, log: Log): { current(): T } {
  let made = read()
  let text = JSON.stringify(made)
  let readAt = Date.now()

  return {
    current: () => {
      if (interval === 0 || Date.now() - readAt < interval) return made
      readAt = Date.now()
      try {
        const next = read()
        const nextText = JSON.stringify(next)
        if (nextText !== text) {
          made = next
          text = nextText
          log.info('certificates were reloaded')
        }
      } catch (error) {
        log.warn('certificates cannot be reloaded, the old ones stay', { error: reasonOf(error) })
      }
      return made
    }
  }
}
