import { type AnyValue, mapOf, type ValueMap } from '../../logs/value.ts'
import { Fault } from '../errors.ts'

/** The parts of RFC 3986, none of them normalised; text that begins with `?` is a query alone. */
export function parseUrl(url: string): ValueMap {
  if (url === '') throw new Fault('the URL is empty')
  if (url.startsWith('?')) return queryOf(url.slice(1))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f]/.test(url)) throw new Fault('the URL has control characters')
  const [, scheme = '', authority, path = '', query, fragment] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(
      url
    )!
  if (scheme === '' && authority === undefined && /^[^/]*:/.test(path))
    throw new Fault('the URL has a colon in its first segment')
  const [, user, host = '', port] =
    /^(?:(.*)@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority ?? '') ?? bad()
  // What stands behind `mailto:` is no path.
  const opaque = scheme !== '' && authority === undefined && !path.startsWith('/')
  const parts = new Map<string, AnyValue>([
    ['url.original', url],
    ['url.domain', host.replace(/^\[(.*)\]$/, '$1')],
    ['url.scheme', scheme.toLowerCase()],
    ['url.path', decoded(opaque ? '' : path)]
  ])
  if (port) parts.set('url.port', BigInt(port))
  if (fragment) parts.set('url.fragment', decoded(fragment))
  if (user !== undefined) addUser(parts, user)
  if (query) parts.set('url.query', query)
  const extension = opaque ? undefined : /\.([^.]+)$/s.exec(decoded(path))?.[1]
  if (extension) parts.set('url.extension', extension)
  return mapOf(parts)
}

function bad(): never {
  throw new Fault('the URL has an authority that is none')
}

function addUser(parts: Map<string, AnyValue>, user: string): void {
  const [name = '', ...password] = user.split(':')
  parts.set('url.user_info', user)
  if (name !== '') parts.set('url.username', decoded(name))
  if (password.length > 0) parts.set('url.password', decoded(password.join(':')))
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Fault('the URL has a % that is no escape')
  }
}

function queryOf(query: string): ValueMap {
  const values = new Map<string, string[]>()
  for (const [key, value] of new URLSearchParams(query))
    values.set(key, [...(values.get(key) ?? []), value])
  return values.size === 0 ? mapOf([]) : mapOf([['query', mapOf(values)]])
}
