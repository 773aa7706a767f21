import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpOptions } from './http_config.ts'

export interface Cors {
  /** Answers a preflight; false when the request is none. */
  preflight(request: IncomingMessage, response: ServerResponse): boolean
  /** Adds the headers of an actual request. */
  allow(request: IncomingMessage, response: ServerResponse): void
}

/** The CORS protocol as github.com/rs/cors speaks it with credentials allowed, POST being the method. */
export function createCors(options: NonNullable<HttpOptions['cors']>): Cors {
  const { allowed_origins, allowed_headers, exposed_headers, max_age } = options
  const anyOrigin = allowed_origins.includes('*')
  const origins = allowed_origins.map(originMatcher)
  const anyHeader = allowed_headers.includes('*')
  const headers = new Set(
    allowed_headers.length > 0
      ? allowed_headers.map((name) => name.toLowerCase())
      : ['accept', 'content-type', 'x-requested-with']
  )
  const exposed = exposed_headers.join(', ')
  return { preflight, allow }

  function preflight(request: IncomingMessage, response: ServerResponse): boolean {
    const method = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || method === undefined) return false
    response.setHeader(
      'Vary',
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'
    )
    const asked = request.headers['access-control-request-headers'] ?? ''
    if (
      /^(POST|GET|HEAD)$/.test(method) &&
      headersAllowed(asked) &&
      allowOrigin(request, response)
    ) {
      response.setHeader('Access-Control-Allow-Methods', method)
      if (asked !== '') response.setHeader('Access-Control-Allow-Headers', asked)
      if (max_age > 0) response.setHeader('Access-Control-Max-Age', max_age)
    }
    response.writeHead(204).end()
    return true
  }

  function allow(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Vary', 'Origin')
    if (allowOrigin(request, response) && exposed !== '') {
      response.setHeader('Access-Control-Expose-Headers', exposed)
    }
  }

  function allowOrigin({ headers: { origin } }: IncomingMessage, response: ServerResponse) {
    if (origin === undefined || !origins.some((matches) => matches(origin.toLowerCase()))) {
      return false
    }
    response.setHeader('Access-Control-Allow-Origin', anyOrigin ? '*' : origin)
    response.setHeader('Access-Control-Allow-Credentials', 'true')
    return true
  }

  function headersAllowed(asked: string): boolean {
    if (anyHeader || asked === '') return true
    return asked.split(',').every((name) => headers.has(name.trim().toLowerCase()))
  }
}

/** One `*` stands for any text, as in `https://*.example.com`. */
function originMatcher(pattern: string): (origin: string) => boolean {
  const [start = '', ...ends] = pattern.toLowerCase().split('*')
  if (ends.length === 0) return (origin) => origin === start
  const end = ends.join('*')
  return (origin) =>
    origin.length >= start.length + end.length && origin.startsWith(start) && origin.endsWith(end)
}
