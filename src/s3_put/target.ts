import { Refusal } from './refusal.ts'

/** What a request is about. */
export interface Target {
  /** Empty: none, the request is about the service. */
  readonly bucket: string
  /** Empty: none, the request is about the bucket. */
  readonly key: string
  /** As sent: a signature covers these very characters, which decoded and encoded again may be others. */
  readonly path: string
  /** Decoded; of a name given twice all values. */
  readonly query: Query
}

export type Query = Readonly<Record<string, string | string[]>>

/** Path style, and virtual-host style for hosts below `domain`. */
export function targetOf(url: string, host: string, domain: string | undefined): Target {
  // Senders behind a proxy may ask for the whole URL (RFC 9112, 3.2.2).
  const from = url.startsWith('http://') ? url.indexOf('/', 'http://'.length) : 0
  const local = from < 0 ? '/' : url.slice(from)
  const mark = local.indexOf('?')
  const path = mark < 0 ? local : local.slice(0, mark)
  const query = mark < 0 ? {} : parseQuery(local.slice(mark + 1))
  const hosted = domain === undefined ? undefined : bucketOf(host, domain)
  if (hosted !== undefined) return { bucket: hosted, key: decode(path.slice(1)), path, query }
  // An endpoint configured with a slash at its end gives `//bucket/key`: no bucket is nameless.
  const named = path.replace(/^\/+/, '')
  const slash = named.indexOf('/')
  return slash < 0
    ? { bucket: decode(named), key: '', path, query }
    : { bucket: decode(named.slice(0, slash)), key: decode(named.slice(slash + 1)), path, query }
}

/** `logs` of `logs.s3.internal:9000` below `s3.internal`. */
function bucketOf(host: string, domain: string): string | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const below = `.${domain.toLowerCase()}`
  return name.length > below.length && name.endsWith(below)
    ? name.slice(0, -below.length)
    : undefined
}

/** A key with a stray `%` is one all the same. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parseQuery(text: string): Query {
  const query: Record<string, string | string[]> = Object.create(null)
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decodeStrictly(equals < 0 ? part : part.slice(0, equals))
    const value = equals < 0 ? '' : decodeStrictly(part.slice(equals + 1))
    const before = query[name]
    if (before === undefined) query[name] = value
    else query[name] = [...(Array.isArray(before) ? before : [before]), value]
  }
  return query
}

function decodeStrictly(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal('InvalidURI', 'the query is not percent-encoded UTF-8')
  }
}
