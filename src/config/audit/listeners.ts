import { isLoopback } from '../../loopback.ts'
import { parseEndpoint } from '../../otlp/endpoint.ts'
import type { Audited, Finding } from './audit.ts'
import { placeOf } from './place_of.ts'

/** Beyond this machine anybody could change records on their way, or send some in another's name. */
export function openListeners({ config, sections }: Audited): Finding[] {
  const inUse = new Set(config.pipelines.flatMap(({ receivers }) => receivers))
  return [...config.receivers.values()].flatMap(({ id, options }) => {
    if (!inUse.has(id)) return []
    return listenersIn(options, [])
      .filter((listener) => !isProtected(listener))
      .map(({ endpoint, path }) => ({
        place: placeOf(sections.receivers.declared.get(id)!, [...path, 'endpoint']),
        path: ['receivers', id, ...path].join('::'),
        message: `endpoint ${endpoint} takes records from other machines without TLS or authentication: set tls, or listen on localhost`
      }))
  })
}

interface Listener {
  readonly path: readonly string[]
  readonly endpoint: string
  readonly transport: unknown
  readonly tls: unknown
  readonly auth: unknown
}

/** Whatever of a receiver's options has an endpoint; receivers need not be known here. */
function listenersIn(options: unknown, path: readonly string[]): Listener[] {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return []
  const { endpoint, transport, tls, auth } = options as Record<string, unknown>
  const own = typeof endpoint === 'string' ? [{ path, endpoint, transport, tls, auth }] : []
  const below = Object.entries(options).flatMap(([key, value]) =>
    listenersIn(value, [...path, key])
  )
  return [...own, ...below]
}

function isProtected({ endpoint, transport, tls, auth }: Listener): boolean {
  if (transport === 'unix' || isLoopback(parseEndpoint(endpoint)?.host ?? '')) return true
  return isSet(tls) || (isSet(auth) && auth !== 'none')
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
